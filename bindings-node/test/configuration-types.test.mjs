// The hand-written types of the configuration know exactly the keys that the core knows.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const schema = JSON.parse(readFileSync(new URL("../../core/config.schema.json", import.meta.url), "utf8"));
const types = readFileSync(new URL("../types/configuration.d.ts", import.meta.url), "utf8");

const INTERFACES = {
  Configuration: schema,
  AuthorizationServer: schema.$defs.AuthorizationServer,
  ClientAudience: schema.$defs.ClientAudience,
  Policy: schema.$defs.PolicyConfig,
  KeySettings: schema.$defs.KeysConfig,
  HttpSettings: schema.$defs.HttpConfig,
  ClientCertificate: schema.$defs.ClientCertificate,
  EventsSettings: schema.$defs.EventsConfig,
  TokenCacheSettings: schema.$defs.TokenCacheConfig,
  DistrustedKey: schema.$defs.DistrustedKey,
  KeySnapshot: schema.$defs.KeySnapshot,
  SourceSnapshot: schema.$defs.SourceSnapshot,
};

for (const [name, { properties, required = [] }] of Object.entries(INTERFACES)) {
  test(`${name} has the keys of the schema, and the same are required`, () => {
    const [, body] = types.match(new RegExp(`interface ${name} {\n([\\s\\S]*?)\n}`));
    const members = [...body.matchAll(/^  (\w+)(\??):/gm)];
    assert.deepEqual(members.map(([, key]) => key).sort(), Object.keys(properties).sort());
    const mandatory = members.filter(([, , optional]) => optional === "").map(([, key]) => key);
    assert.deepEqual(mandatory.sort(), [...required].sort());
  });
}

test("presets are those of the schema", () => {
  const [, union] = types.match(/type PresetName =\n([^;]*);/);
  assert.deepEqual(
    [...union.matchAll(/"(\w+)"/g)].map(([, name]) => name),
    schema.$defs.PresetName.enum,
  );
});

test("no object of the schema is without an interface", () => {
  const objects = Object.values(schema.$defs).filter(({ properties }) => properties !== undefined);
  const known = new Set(Object.values(INTERFACES));
  assert.deepEqual(
    objects.filter((object) => !known.has(object)),
    [],
  );
});
