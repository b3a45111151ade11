// What an operator does about keys: distrust one, put others in their place, let the server fetch again.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { ResourceServer } from "scopegate";
import { Issuer } from "scopegate/testing";
import { reasonIn, thrown, until } from "./shared/decisions.mjs";
import { keyServer } from "./shared/http.mjs";

const require = createRequire(import.meta.url);
const RESOURCE = "https://mcp.test/mcp";
const KID = "test-key-1";

/** An issuer whose keys are at a key server. */
async function scene(t) {
  const issuer = new Issuer({ resource: RESOURCE });
  const keys = await keyServer(t, issuer.server().jwks);
  const makeGate = (configuration = {}) =>
    new ResourceServer({
      resource: RESOURCE,
      authorization_servers: [{ issuer: issuer.issuer, jwks_uri: keys.jwksUri }],
      ...configuration,
    });
  return { issuer, keys, makeGate };
}

/** Why a new token of the issuer is refused; nothing for one that is accepted. */
async function reasonNow(gate, issuer) {
  return reasonIn(gate.authorize({ authorization: issuer.authorization() }));
}

describe("a distrusted key", () => {
  test("is refused at once, without a fetch", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    const gate = makeGate();
    assert.equal(await reasonNow(gate, issuer), undefined);
    gate.distrustKey(issuer.issuer, KID);
    assert.equal(thrown(() => gate.check({ authorization: issuer.authorization() })).reason, "unknown_key");
    assert.equal(await reasonNow(gate, issuer), "unknown_key");
    assert.deepEqual(keys.requests, ["/jwks"]);
    const [source] = gate.stats().sources;
    assert.deepEqual([source.distrusted_kids, source.distrusted_keys, source.keys], [1, 1, 0]);
  });

  test("is refused by a server that holds no keys, in an outage", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    keys.documents = {};
    const gate = makeGate();
    gate.distrustKey(issuer.issuer, KID);
    assert.equal(await reasonNow(gate, issuer), "unknown_key");
    assert.deepEqual(keys.requests, []);
  });

  test("is refused to requests that waited for a fetch when it was distrusted, and after it", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    keys.delay = 300;
    const gate = makeGate();
    const waiting = Array.from({ length: 10 }, () => reasonNow(gate, issuer));
    await until(() => keys.requests.length === 1);
    gate.distrustKey(issuer.issuer, KID);
    assert.equal(await reasonNow(gate, issuer), "unknown_key");
    assert.deepEqual(await Promise.all(waiting), Array(10).fill("unknown_key"));
    assert.equal(gate.stats().sources[0].keys, 0);
    assert.equal(await reasonNow(gate, issuer), "unknown_key");
  });

  test("is refused under another kid too", async (t) => {
    const { issuer, makeGate } = await scene(t);
    const gate = makeGate();
    await gate.warmUp();
    gate.distrustKey(issuer.issuer, KID);
    const [key] = issuer.server().jwks.keys;
    const error = thrown(() => gate.replaceKeys(issuer.issuer, { keys: [{ ...key, kid: "renamed" }] }));
    assert.ok(error instanceof RangeError);
  });

  test("may stand in the configuration", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    const distrusted_keys = [{ issuer: issuer.issuer, kid: KID }];
    assert.equal(await reasonNow(makeGate({ distrusted_keys }), issuer), "unknown_key");
    const authorization_servers = [issuer.server()];
    assert.equal(await reasonNow(makeGate({ distrusted_keys, authorization_servers }), issuer), "unknown_key");
    assert.deepEqual(keys.requests, []);
  });

  test("leaves the issuer's other keys alone", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    const gate = makeGate();
    gate.distrustKey(issuer.issuer, KID);
    issuer.rotate();
    keys.documents["/jwks"] = issuer.server().jwks;
    assert.equal(await reasonNow(gate, issuer), undefined);
  });
});

describe("replaced keys", () => {
  test("alone answer, without a fetch, until the server resumes", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    const gate = makeGate();
    gate.replaceKeys(issuer.issuer, issuer.server().jwks);
    assert.equal(gate.health().sources[0].state, "pinned");
    assert.equal(await reasonNow(gate, issuer), undefined);
    issuer.rotate();
    keys.documents["/jwks"] = issuer.server().jwks;
    assert.equal(await reasonNow(gate, issuer), "unknown_key");
    assert.deepEqual(keys.requests, []);
    gate.resume(issuer.issuer);
    assert.equal(await reasonNow(gate, issuer), undefined);
    assert.deepEqual(keys.requests, ["/jwks"]);
  });

  test("are not displaced by the fetch that ran when they were put in place", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    const old = issuer.authorization();
    keys.delay = 300;
    const gate = makeGate();
    const waiting = reasonIn(gate.authorize({ authorization: old }));
    await until(() => keys.requests.length === 1);
    issuer.rotate();
    gate.replaceKeys(issuer.issuer, issuer.server().jwks);
    assert.equal(await reasonNow(gate, issuer), undefined);
    assert.equal(await waiting, "unknown_key");
    await until(() => gate.stats().sources[0].fetches.abandoned === 1);
    assert.equal(await reasonIn(gate.authorize({ authorization: old })), "unknown_key");
    assert.equal(await reasonNow(gate, issuer), undefined);
  });

  test("are taken from an object and from JSON text", async (t) => {
    const { issuer, makeGate } = await scene(t);
    for (const jwks of [issuer.server().jwks, JSON.stringify(issuer.server().jwks)]) {
      const gate = makeGate();
      gate.replaceKeys(issuer.issuer, jwks);
      assert.equal(await reasonNow(gate, issuer), undefined);
    }
  });

  test("resume does nothing where no keys were replaced", async (t) => {
    const { issuer, keys, makeGate } = await scene(t);
    const gate = makeGate();
    gate.resume(issuer.issuer);
    assert.equal(await reasonNow(gate, issuer), undefined);
    gate.resume(issuer.issuer);
    assert.deepEqual(keys.requests, ["/jwks"]);
  });
});

describe("an argument that is wrong", () => {
  test("is an error that names it and what is expected, and changes nothing", async (t) => {
    const { issuer, makeGate } = await scene(t);
    const gate = makeGate();
    await gate.warmUp();
    const before = gate.exportKeys().sources[0].keys;
    const ours = issuer.issuer;
    const wrong = [
      [() => gate.distrustKey(`${ours}/`, KID), RangeError, "issuer: expected an issuer of the configuration"],
      [() => gate.replaceKeys("https://other.test", issuer.server().jwks), RangeError, "issuer: expected an issuer"],
      [() => gate.resume(""), RangeError, "issuer: expected an issuer of the configuration"],
      [() => gate.distrustKey(ours, ""), RangeError, "kid: expected a kid of 1 to 256 bytes"],
      [() => gate.distrustKey(ours, "é".repeat(129)), RangeError, "kid: expected a kid of 1 to 256 bytes"],
      [() => gate.distrustKey(ours, `${KID}\ud800`), RangeError, "kid: expected whole characters"],
      [() => gate.replaceKeys(ours, {}), RangeError, "jwks: expected a JWK Set"],
      [() => gate.replaceKeys(ours, { keys: [] }), RangeError, "jwks: "],
      [() => gate.replaceKeys(ours, "{"), RangeError, "jwks: "],
      [() => gate.distrustKey(ours), TypeError, "kid: expected a string"],
      [() => gate.distrustKey({ issuer: ours, kid: KID }), TypeError, "issuer: expected a string"],
      [() => gate.replaceKeys(ours), TypeError, "jwks: expected a JWK Set, as an object or as JSON text"],
      [() => gate.replaceKeys(ours, null), TypeError, "jwks: expected a JWK Set, as an object or as JSON text"],
      [() => gate.replaceKeys(ours, Buffer.from("{}")), TypeError, "jwks: expected a value that JSON can hold"],
      [() => gate.replaceKeys(ours, { keys: [{ kty: undefined }] }), TypeError, "jwks.keys[0].kty: expected a value"],
      [() => gate.resume(), TypeError, "issuer: expected a string"],
    ];
    for (const [work, kind, message] of wrong) {
      const error = thrown(work);
      assert.ok(error instanceof kind, `${message}: ${error}`);
      assert.ok(error.message.startsWith(message), error.message);
    }
    const [source] = gate.stats().sources;
    assert.deepEqual([source.state, source.distrusted_kids], ["fresh", 0]);
    assert.deepEqual(gate.exportKeys().sources[0].keys, before);
    assert.equal(await reasonNow(gate, issuer), undefined);
  });

  test("members that are not the key set's own make no key", async (t) => {
    const { issuer, makeGate } = await scene(t);
    const gate = makeGate();
    Object.prototype.keys = issuer.server().jwks.keys;
    t.after(() => delete Object.prototype.keys);
    assert.ok(thrown(() => gate.replaceKeys(issuer.issuer, {})) instanceof RangeError);
    Object.prototype.background_refresh = false;
    t.after(() => delete Object.prototype.background_refresh);
    assert.equal(await reasonNow(makeGate(), issuer), undefined);
  });
});

test("a panic while a key is distrusted is an error, never silence", () => {
  const hooked = require("../build/scopegate.test-hooks.node");
  const { resourceServerOver } = require("../lib/resource-server.js");
  const handle = hooked.issuer(RESOURCE);
  const configuration = { resource: RESOURCE, authorization_servers: [JSON.parse(hooked.issuerServer(handle))] };
  const gate = new (resourceServerOver(hooked))(configuration);
  hooked.panicAt("distrust_key");
  assert.equal(thrown(() => gate.distrustKey(hooked.issuerName(handle), KID)).reason, "internal");
});
