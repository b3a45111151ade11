// Tokens that come again: the same object, and never another user's.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { reasonOf } from "./shared/decisions.mjs";
import { keyServer } from "./shared/http.mjs";
import { tellApart } from "./shared/told-apart.mjs";

const { PLACES, VerifiedTokens } = createRequire(import.meta.url)("../lib/verified-tokens.js");
const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });
const authorizations = Array.from({ length: PLACES + 500 }, (_, user) => issuer.authorization({ sub: `user-${user}` }));

function configurationWith(more = {}) {
  return { resource: RESOURCE, authorization_servers: [issuer.server()], ...more };
}

/** A gate that knows the object of this token. */
function knowing(authorization, more = {}) {
  const gate = new ResourceServer(configurationWith(more));
  const objects = [1, 2, 3].map(() => gate.check({ authorization, body: "" }));
  assert.equal(objects[1], objects[2], "the object is not known");
  return { gate, objects };
}

describe("a token that came before", () => {
  test("is the same object, as long as somebody holds it", async () => {
    const { gate, objects } = knowing(authorizations[0]);
    assert.equal(await gate.authorize({ authorization: authorizations[0] }), objects[1]);
    assert.ok(
      Object.isFrozen(objects[1]) && Object.isFrozen(objects[1].scopes) && Object.isFrozen(objects[1].audience),
    );
  });

  test("is remembered from its second coming on", () => {
    const { objects } = knowing(authorizations[0]);
    assert.notEqual(objects[0], objects[1]);
    assert.deepEqual(
      { ...objects[0], claims: objects[0].claimsJson },
      { ...objects[1], claims: objects[1].claimsJson },
    );
  });

  test("is no object of a token that others hold, however many there are and whichever are kept", () => {
    for (const capacity of [0, 2, 10_000]) {
      const gate = tellApart({ configuration: configurationWith({ token_cache: { capacity } }), authorizations });
      assert.equal(gate.stats().token_cache.hits > 0, capacity > 0, `${capacity}`);
    }
  });

  test("is its own in every thread", async () => {
    const workerData = { configuration: configurationWith(), authorizations };
    const workers = [1, 2].map(() => new Worker(new URL("shared/told-apart.mjs", import.meta.url), { workerData }));
    const ended = workers.map((worker) => once(worker, "message"));
    tellApart(workerData);
    for (const message of await Promise.all(ended)) assert.deepEqual(message, ["told apart"]);
  });

  test("is what each gate makes of it", () => {
    const authorization = issuer.authorization({ scope: "admin", sub: "alice" });
    const plain = knowing(authorization).gate;
    const implying = knowing(authorization, { scope_implications: { admin: ["read"] } }).gate;
    for (let time = 0; time < 3; time += 1) {
      assert.deepEqual(plain.check({ authorization }).effectiveScopes, ["admin"]);
      assert.deepEqual(implying.check({ authorization }).effectiveScopes, ["admin", "read"]);
    }
  });

  test("is judged anew: time, scopes and policy", () => {
    const [authorization] = authorizations;
    const { gate } = knowing(authorization, { policy: { default: [], tools: { erase: "deny" } } });
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "erase" } });
    assert.equal(
      reasonOf(() => gate.check({ authorization, method: "POST", body: "" })),
      undefined,
    );
    assert.equal(
      reasonOf(() => gate.check({ authorization, method: "POST", body })),
      "policy_denied",
    );
    assert.equal(
      reasonOf(() => gate.check({ authorization, scopes: ["other"], body: "" })),
      "insufficient_scope",
    );
    assert.equal(
      reasonOf(() => gate.check({ authorization, now: 4_000_000_000 })),
      "expired",
    );
  });

  test("is refused once its key is distrusted or replaced", async (t) => {
    const [authorization] = authorizations;
    const keys = await keyServer(t, issuer.server().jwks);
    const authorization_servers = [{ issuer: issuer.issuer, jwks_uri: keys.jwksUri }];
    const gate = new ResourceServer(configurationWith({ authorization_servers }));
    await gate.warmUp();
    const objects = [1, 2, 3].map(() => gate.check({ authorization }));
    assert.equal(objects[1], objects[2]);
    gate.replaceKeys(issuer.issuer, new Issuer({ resource: RESOURCE }).server().jwks);
    assert.notEqual(
      reasonOf(() => gate.check({ authorization })),
      undefined,
    );
    gate.replaceKeys(issuer.issuer, issuer.server().jwks);
    assert.equal(gate.check({ authorization }).subject, "user-0");
    gate.distrustKey(issuer.issuer, "test-key-1");
    assert.equal(
      reasonOf(() => gate.check({ authorization })),
      "unknown_key",
    );
  });
});

test("a place tells its tokens apart by their numbers", () => {
  const verified = new VerifiedTokens();
  const [first, second] = [{ subject: "first" }, { subject: "second" }];
  assert.equal(verified.find(7), undefined);
  verified.remember(7, first);
  assert.equal(verified.find(7), first);
  assert.equal(verified.find(7 + PLACES), undefined);
  verified.remember(7 + PLACES, second);
  assert.equal(verified.find(7 + PLACES), second);
  assert.equal(verified.find(7), undefined);
});
