// A function in place of the gate: the configuration changes while requests and sessions go on.

import assert from "node:assert/strict";
import http from "node:http";
import { test } from "node:test";
import express from "express";
import { ResourceServer } from "scopegate";
import { metadata } from "scopegate/express";
import { filterLists } from "scopegate/mcp";
import { Issuer } from "scopegate/testing";
import { hosts, newLog } from "./shared/hosts.mjs";
import { exchange, httpRequest, listen } from "./shared/http.mjs";

const RESOURCE = "https://mcp.test/mcp";
const METADATA = "/.well-known/oauth-protected-resource/mcp";

/** Gates of one issuer, each of which wants another scope. */
function gates(...scopes) {
  const issuer = new Issuer({ resource: RESOURCE });
  const made = scopes.map((scope) => {
    const configuration = { resource: RESOURCE, authorization_servers: [issuer.server()] };
    return new ResourceServer({ ...configuration, required_scopes: [scope], scopes_supported: [scope] });
  });
  return { issuer, made };
}

for (const [host, make] of Object.entries(hosts)) {
  test(`${host}: requests, the metadata, the counters and sessions follow the current gate`, async (t) => {
    const { issuer, made } = gates("old", "new");
    let [now] = made;
    const log = newLog();
    log.headers["Mcp-Session-Id"] = "session-1";
    const port = await listen(
      t,
      make(() => now, { metrics: "/metrics" }, log),
    );
    const accepted = async () =>
      (await exchange(port, httpRequest("GET", "/metrics"))).body.match(/accepted_total \d/)[0];
    const get = (target, scope, sub, lines = []) =>
      exchange(port, httpRequest("GET", target, [`Authorization: ${issuer.authorization({ scope, sub })}`, ...lines]));
    const session = ["Mcp-Session-Id: session-1"];
    assert.equal((await get("/mcp", "old", "alice")).status, 200);
    assert.equal((await get("/mcp", "new", "alice")).status, 403);
    assert.equal(await accepted(), "accepted_total 1");
    now = made[1];
    assert.equal(await accepted(), "accepted_total 0");
    assert.equal((await get("/mcp", "old", "alice")).status, 403);
    assert.equal((await get("/mcp", "new", "alice", session)).status, 200);
    assert.equal((await get("/mcp", "new", "bob", session)).status, 404);
    assert.deepEqual(JSON.parse((await get(METADATA, "new", "alice")).body).scopes_supported, ["new"]);
  });

  test(`${host}: a request is judged by one gate from begin to end`, async (t) => {
    const { issuer, made } = gates("old", "new");
    const current = [...made];
    const scopes = async () => {
      assert.equal(current.length, 1);
      return ["more"];
    };
    const port = await listen(
      t,
      make(() => current.shift(), { scopes }, newLog()),
    );
    const lines = [`Authorization: ${issuer.authorization({ scope: "old" })}`];
    const found = await exchange(port, httpRequest("GET", "/mcp", lines));
    assert.equal(found.status, 403);
    assert.ok(found.header("www-authenticate").includes('scope="old more"'), found.header("www-authenticate"));
    assert.equal(current.length, 1);
  });

  test(`${host}: without a gate nothing passes`, async (t) => {
    for (const none of [() => undefined, () => Promise.resolve(), () => assert.fail("none")]) {
      const log = newLog();
      const port = await listen(t, make(none, { public: ["/open"] }, log));
      for (const target of ["/mcp", "/open"]) {
        assert.equal((await exchange(port, httpRequest("GET", target))).status, 500, target);
      }
      assert.deepEqual(log.seen, []);
    }
  });
}

test("nothing is dropped while gates change under load", async (t) => {
  const { issuer, made } = gates("both", "both");
  let turn = 0;
  const log = newLog();
  const port = await listen(
    t,
    hosts.express(() => made[(turn += 1) % 2], {}, log),
  );
  const request = httpRequest("POST", "/mcp", [`Authorization: ${issuer.authorization({ scope: "both" })}`], "{}");
  const answers = await Promise.all(Array.from({ length: 200 }, () => exchange(port, request)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(log.seen.length, 200);
});

test("metadata of its own follows too", async (t) => {
  const { made } = gates("old", "new");
  let [now] = made;
  const app = express();
  app.use(metadata(() => now));
  const port = await listen(t, http.createServer(app));
  const scopes = async () => JSON.parse((await exchange(port, httpRequest("GET", METADATA))).body).scopes_supported;
  assert.deepEqual(await scopes(), ["old"]);
  now = made[1];
  assert.deepEqual(await scopes(), ["new"]);
});

test("filterLists takes a function too, and expects a gate", () => {
  assert.throws(() => filterLists({}, {}), TypeError);
  assert.throws(() => filterLists(() => undefined, {}), /expected a server of the official SDK/);
});
