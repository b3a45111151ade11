// Keys that one process takes along to another.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { reasonIn } from "./shared/decisions.mjs";
import { authorization, exported, gateWith, issuer } from "./shared/exported-keys.mjs";
import { temporary } from "./shared/project.mjs";

test("a server begins with the keys of another, offline", async (t) => {
  const { keys, snapshot } = await exported(t);
  const gate = gateWith(keys, { keys: { snapshot } });
  assert.equal(gate.health().status, "ok");
  assert.equal(gate.check({ authorization }).subject, "alice");
  assert.deepEqual(keys.requests, []);
  assert.deepEqual(gate.exportKeys().sources[0].keys, snapshot.sources[0].keys);
});

test("exported keys go through a file", async (t) => {
  const { keys, snapshot } = await exported(t);
  const file = join(temporary(t), "keys.json");
  writeFileSync(file, JSON.stringify(snapshot));
  const gate = gateWith(keys, { keys: { snapshot: JSON.parse(readFileSync(file, "utf8")) } });
  assert.equal(gate.check({ authorization }).subject, "alice");
  assert.ok(!readFileSync(file, "utf8").includes('"d"'), "a private member");
});

test("exported keys that are too old are passed over, and health says why", async (t) => {
  const { keys, snapshot } = await exported(t);
  const gate = gateWith(keys, { keys: { snapshot: { ...snapshot, exported_at: snapshot.exported_at - 90_000 } } });
  assert.equal(gate.health().status, "unavailable");
  assert.match(gate.health().sources[0].warnings[0], /too old/);
  assert.equal(await reasonIn(gate.authorize({ authorization })), "keys_unavailable");
});

test("a distrusted key is neither exported nor imported", async (t) => {
  const { keys, snapshot } = await exported(t);
  const gate = gateWith(keys, { keys: { snapshot } });
  const [{ kid }] = snapshot.sources[0].keys;
  gate.distrustKey(issuer.issuer, kid);
  assert.deepEqual(
    gate.exportKeys().sources.flatMap((source) => source.keys),
    [],
  );
  const distrusted_keys = [{ issuer: issuer.issuer, kid }];
  assert.equal(
    await reasonIn(gateWith(keys, { keys: { snapshot }, distrusted_keys }).authorize({ authorization })),
    "unknown_key",
  );
});
