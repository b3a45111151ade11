// Hosts that freeze between requests: nothing runs in the background. No server of another kind is made here, since its
// thread would be seen.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Rejected, ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { keyServer } from "./shared/http.mjs";

const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });
const authorization = issuer.authorization({ sub: "alice" });

function makeGate(keys, settings = {}) {
  return new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [{ issuer: issuer.issuer, jwks_uri: keys.jwksUri }],
    keys: { background_refresh: false, ...settings },
  });
}

/** Keys of a server that has fetched them; its key server is down from then on. */
async function exported(t) {
  const keys = await keyServer(t, issuer.server().jwks);
  const gate = makeGate(keys);
  await gate.warmUp();
  keys.documents = {};
  keys.requests.length = 0;
  return { keys, snapshot: gate.exportKeys() };
}

/** The same keys, of which a renewal is due. */
function aged(snapshot) {
  return { ...snapshot, sources: snapshot.sources.map((source) => ({ ...source, age_seconds: 1000 })) };
}

async function reasonOf(gate) {
  const error = await gate.authorize({ authorization }).then(
    () => undefined,
    (rejected) => rejected,
  );
  assert.ok(error === undefined || error instanceof Rejected, String(error));
  return error?.reason;
}

async function until(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("where nothing runs in the background, the request that finds keys due fetches them, on Node's pool", async (t) => {
  const { keys, snapshot } = await exported(t);
  keys.documents["/jwks"] = issuer.server().jwks;
  keys.delay = 100;
  const gate = makeGate(keys, { snapshot: aged(snapshot) });
  const decided = Array.from({ length: 5 }, () => reasonOf(gate));
  await until(() => keys.requests.length === 1);
  assert.deepEqual(threads(), []);
  assert.deepEqual(await Promise.all(decided), Array(5).fill(undefined));
  assert.deepEqual(keys.requests, ["/jwks"]);
  const [{ age_seconds, next_refresh_seconds }] = gate.stats().sources;
  assert.deepEqual([age_seconds, next_refresh_seconds], [0, null]);
  assert.deepEqual(threads(), []);
});

test("no thread of ours is started where nothing runs in the background, whatever is called", async (t) => {
  const keys = await keyServer(t, issuer.server().jwks);
  keys.delay = 100;
  const checked = makeGate(keys);
  for (let call = 0; call < 10; call += 1) {
    assert.throws(() => checked.check({ authorization }), { reason: "keys_unavailable" });
  }
  const warmed = makeGate(keys);
  const warm = warmed.warmUp();
  await until(() => keys.requests.length === 2);
  assert.deepEqual(threads(), []);
  await warm;
  await until(() => checked.stats().sources[0].keys === 1);
  assert.deepEqual(threads(), []);
  assert.equal(checked.check({ authorization }).subject, "alice");
  assert.equal(warmed.check({ authorization }).subject, "alice");
  checked.distrustKey(issuer.issuer, "another");
  warmed.replaceKeys(issuer.issuer, issuer.server().jwks);
  warmed.resume(issuer.issuer);
  assert.deepEqual(threads(), []);
  assert.deepEqual(keys.requests, ["/jwks", "/jwks"]);
});

test("keys that are due while their server hangs are used, after the one request that waits for it", async (t) => {
  const { snapshot } = await exported(t);
  const hanging = await keyServer(t, {}, { hang: true });
  const gate = makeGate(hanging, { snapshot: aged(snapshot) });
  assert.equal(await reasonOf(gate), undefined);
  assert.equal(await reasonOf(gate), undefined);
  assert.equal(gate.check({ authorization }).subject, "alice");
  assert.deepEqual(hanging.requests, ["/jwks"]);
});

/** The names of the threads that the native module has started and that run. */
function threads() {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc/self/task")
    .map((task) => readFileSync(`/proc/self/task/${task}/comm`, "utf8").trim())
    .filter((name) => name.startsWith("scopegate"));
}
