// Servers made from others, and the configuration from the environment.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";

const RESOURCE = "https://mcp.test/mcp";
const OTHER = "https://mcp.test/other";

const pathsOf = (make) => {
  try {
    make();
  } catch (error) {
    assert.ok(error instanceof ConfigError, String(error));
    return error.errors.map(({ path }) => path);
  }
  return assert.fail("it was made");
};

test("a derived server has the changes and the observer, and the first goes on", async () => {
  const issuer = new Issuer({ resource: RESOURCE });
  const refusals = [];
  const configuration = { resource: RESOURCE, authorization_servers: [issuer.server()], policy: { default: "deny" } };
  const gate = new ResourceServer(configuration, { onRefusal: ({ reason }) => refusals.push(reason) });
  const other = gate.derive({ resource: OTHER, reset: ["policy"] });
  const authorization = issuer.authorization({ aud: OTHER });
  assert.equal((await other.authorize({ authorization })).resource, OTHER);
  await assert.rejects(gate.authorize({ authorization, body: "" }), { reason: "wrong_audience" });
  await assert.rejects(other.authorize(), { reason: "missing_token" });
  assert.deepEqual(refusals, ["wrong_audience", "missing_token"]);
});

test("mistakes of changes and declarations have paths, and null takes no policy away", () => {
  const gate = new ResourceServer({ resource: RESOURCE, authorization_servers: ["https://as.test"] });
  assert.deepEqual(
    pathsOf(() => gate.derive({ policy: null, resource: "x" })),
    ["policy", "resource"],
  );
  assert.deepEqual(
    pathsOf(() => gate.declare([{ kind: "tool", name: "weather", scopes: ["a b"] }])),
    ["tools.weather[0]"],
  );
  assert.throws(() => gate.declare({}), TypeError);
});

test("the environment is that of JavaScript", (t) => {
  t.after(() => {
    delete process.env.SCOPEGATE_RESOURCE;
    delete process.env.SCOPEGATE_AUTHORIZATION_SERVERS;
  });
  process.env.SCOPEGATE_RESOURCE = RESOURCE;
  process.env.SCOPEGATE_AUTHORIZATION_SERVERS = "https://a.test https://b.test";
  assert.equal(ResourceServer.fromEnv().resource, RESOURCE);
  assert.equal(ResourceServer.fromEnv({ resource: OTHER }).resource, OTHER);
  process.env.SCOPEGATE_RESOURCE = "ftp://x";
  assert.deepEqual(
    pathsOf(() => ResourceServer.fromEnv()),
    ["SCOPEGATE_RESOURCE"],
  );
});
