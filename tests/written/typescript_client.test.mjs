// What 10,000 configurations write, read by both generations of the official TypeScript client (T53).

import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

// The packages are those that bindings-node is tested with.
const require = createRequire(new URL("../../bindings-node/package.json", import.meta.url));
const current = {
  ...require("@modelcontextprotocol/client"),
  ...require("@modelcontextprotocol/core"),
};
const earlier = {
  ...require("@modelcontextprotocol/sdk/client/auth.js"),
  ...require("@modelcontextprotocol/sdk/shared/auth.js"),
};

const FILE = fileURLToPath(new URL("../../target/written.jsonl", import.meta.url));
const CONFIGURATIONS = 10_000;
const CHALLENGES = 54_969;

/** Every line of the file, which `make test-written` writes. */
async function* configurations() {
  let count = 0;
  for await (const line of createInterface({ input: createReadStream(FILE) })) {
    count += 1;
    yield JSON.parse(line);
  }
  assert.equal(count, CONFIGURATIONS);
}

/** What a client finds in a refusal. */
function parameters(client, response) {
  const { resourceMetadataUrl, ...others } = client.extractWWWAuthenticateParams(response);
  return { ...others, resourceMetadataUrl: resourceMetadataUrl?.href };
}

test("the clients read each challenge", async () => {
  let count = 0;
  for await (const { number, refusals } of configurations()) {
    for (const { case: name, expected, written } of refusals) {
      const challenge = expected.challenge;
      if (challenge === null) continue;
      count += 1;
      const { status, headers } = written;
      const read = {
        // Both give a URL object, which spells some hosts, ports and quotes in the query differently.
        resourceMetadataUrl: new URL(challenge.resource_metadata).href,
        scope: challenge.scope.join(" ") || undefined,
        error: challenge.error ?? undefined,
      };
      const where = `${number} ${name}`;
      const response = new Response(null, { status, headers });
      assert.deepEqual(parameters(earlier, response), read, where);
      const errorDescription = challenge.error_description ?? undefined;
      assert.deepEqual(parameters(current, response), { ...read, errorDescription }, where);
    }
  }
  assert.equal(count, CHALLENGES);
});

test("the clients ask for the metadata where it is", async () => {
  for await (const { number, metadata_url, metadata_target } of configurations()) {
    assert.equal(new URL(metadata_url).pathname, metadata_target.split("?")[0], `${number}`);
  }
});

test("the clients read the metadata", async () => {
  for await (const { number, document } of configurations()) {
    const members = JSON.parse(document.written.body);
    assert.deepEqual(members, document.expected, `${number}`);
    // The one name that the schemas leave out.
    delete members["__proto__"];
    for (const client of [current, earlier]) {
      const read = client.OAuthProtectedResourceMetadataSchema.parse(JSON.parse(document.written.body));
      assert.deepEqual({ ...read }, members, `${number}`);
    }
  }
});
