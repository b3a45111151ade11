// Hosts that freeze between requests: nothing runs in the background. No server of another kind is made here, since its
// thread would be seen.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { reasonIn, until } from "./shared/decisions.mjs";
import { authorization, exported, gateWith, issuer } from "./shared/exported-keys.mjs";
import { keyServer } from "./shared/http.mjs";

const FROZEN = { background_refresh: false };
const gateWithKeys = (keys, settings = {}) => gateWith(keys, { keys: { ...FROZEN, ...settings } });

/** The same keys, of which a renewal is due. */
function aged(snapshot) {
  return { ...snapshot, sources: snapshot.sources.map((source) => ({ ...source, age_seconds: 1000 })) };
}

test("where nothing runs in the background, the request that finds keys due fetches them, on Node's pool", async (t) => {
  const { keys, snapshot } = await exported(t, { keys: FROZEN });
  keys.documents["/jwks"] = issuer.server().jwks;
  keys.delay = 100;
  const gate = gateWithKeys(keys, { snapshot: aged(snapshot) });
  const decided = Array.from({ length: 5 }, () => reasonIn(gate.authorize({ authorization })));
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
  const checked = gateWithKeys(keys);
  for (let call = 0; call < 10; call += 1) {
    assert.throws(() => checked.check({ authorization }), { reason: "keys_unavailable" });
  }
  const warmed = gateWithKeys(keys);
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
  const { snapshot } = await exported(t, { keys: FROZEN });
  const hanging = await keyServer(t, {}, { hang: true });
  const gate = gateWithKeys(hanging, { snapshot: aged(snapshot) });
  assert.equal(await reasonIn(gate.authorize({ authorization })), undefined);
  assert.equal(await reasonIn(gate.authorize({ authorization })), undefined);
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
