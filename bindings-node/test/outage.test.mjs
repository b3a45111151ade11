// A server that holds keys stays ready while the key server is down, and says what is wrong.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { test } from "node:test";
import express from "express";
import { ResourceServer } from "scopegate";
import { scopegate } from "scopegate/express";
import { Issuer } from "scopegate/testing";
import { exchange, freePort, httpRequest, keyServer, listen } from "./shared/http.mjs";

const RESOURCE = "https://mcp.test/mcp";
const issuer = new Issuer({ resource: RESOURCE });
const authorization = issuer.authorization({ sub: "alice" });

function makeGate(jwks_uri, keys = {}) {
  return new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [{ issuer: issuer.issuer, jwks_uri }],
    keys,
  });
}

/** Keys that were fetched so long ago that they are renewed in the background. */
async function overdue(t) {
  const keys = await keyServer(t, issuer.server().jwks);
  const warm = makeGate(keys.jwksUri);
  await warm.warmUp();
  const snapshot = warm.exportKeys();
  return { ...snapshot, sources: snapshot.sources.map((source) => ({ ...source, age_seconds: 700 })) };
}

async function probe(t, gate) {
  const app = express();
  app.use(scopegate(gate, { health: "/healthz" }));
  const port = await listen(t, http.createServer(app));
  const { status, body } = await exchange(port, httpRequest("GET", "/healthz"));
  return { status, ...JSON.parse(body.replace('"status"', '"health"')) };
}

test("a warm server stays ready in an outage, and accepts every good token", async (t) => {
  const gate = makeGate(`http://127.0.0.1:${await freePort()}/jwks`, { snapshot: await overdue(t) });
  for (let call = 0; call < 20; call += 1) assert.equal(gate.check({ authorization }).subject, "alice");
  while (gate.stats().sources[0].last_error === null) await new Promise((resolve) => setTimeout(resolve, 10));
  for (let call = 0; call < 20; call += 1) {
    assert.equal((await gate.authorize({ authorization })).subject, "alice");
  }
  const { status, sources } = gate.health();
  const [{ state, degraded, keys, last_error, fetches_left, next_refresh_seconds }] = sources;
  assert.deepEqual([status, state, degraded, keys, last_error.step], ["degraded", "overdue", true, 1, "connect"]);
  assert.ok(fetches_left < 8 && next_refresh_seconds !== null);
  assert.deepEqual(await probe(t, gate), { status: 200, health: "degraded" });
});

test("a server that never had keys says that it is unavailable", async (t) => {
  const gate = makeGate(`http://127.0.0.1:${await freePort()}/jwks`);
  await gate.warmUp().catch(() => undefined);
  assert.equal(gate.health().status, "unavailable");
  assert.equal((await probe(t, gate)).health, "unavailable");
});

test("the types name every member of a source's status", () => {
  const types = readFileSync(new URL("../index.d.ts", import.meta.url), "utf8");
  const [, body] = types.match(/interface SourceStatus {\n([\s\S]*?)\n}/);
  const members = [...body.matchAll(/^  readonly (\w+)/gm)].map(([, name]) => name);
  const gate = makeGate("https://issuer.test/jwks");
  assert.deepEqual(members, Object.keys(gate.stats().sources[0]));
  assert.deepEqual(members, Object.keys(gate.health().sources[0]));
});
