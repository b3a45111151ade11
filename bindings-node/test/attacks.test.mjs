// What someone tries who has no token, the wrong one, or a part of the program that misbehaves.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import http2 from "node:http2";
import { createRequire } from "node:module";
import { describe, test } from "node:test";
import { inspect } from "node:util";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import { Rejected, ResourceServer } from "scopegate";
import * as expressAdapter from "scopegate/express";
import * as fastifyAdapter from "scopegate/fastify";
import * as fetchAdapter from "scopegate/fetch";
import * as honoAdapter from "scopegate/hono";
import { TokenVerifier } from "scopegate/mcp";
import { Issuer } from "scopegate/testing";
import { thrown } from "./shared/decisions.mjs";
import { hosts, newLog } from "./shared/hosts.mjs";
import { exchange, httpRequest, listen } from "./shared/http.mjs";

const require = createRequire(import.meta.url);
const { Sessions } = require("../lib/sessions.js");
const { adapterSide } = require("../lib/resource-server.js");

const RESOURCE = "https://mcp.test/mcp";
const JSON_BODY = "Content-Type: application/json";
const issuer = new Issuer({ resource: RESOURCE });
const call = (name) => JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name } });

function makeGate(configuration = {}) {
  return new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [{ ...issuer.server(), token_format: "generic" }],
    policy: { default: [], tools: { weather: ["w"], "drop_*": "deny" } },
    ...configuration,
  });
}

const bearer = (claims = {}) => `Authorization: ${issuer.authorization({ scope: "w", sub: "alice", ...claims })}`;

describe("paths", () => {
  const OPTIONS = { public: ["/open"], health: "/healthz" };
  /** Applications with one open route, which answer everything else with a secret. */
  const applications = {
    express: (gate) => {
      const app = express();
      app.use(expressAdapter.scopegate(gate, OPTIONS));
      app.all("/open", (_, response) => response.send("open"));
      app.use((_, response) => response.send("secret"));
      return http.createServer(app);
    },
    fastify: (gate) => {
      const app = Fastify({ serverFactory: (handler) => http.createServer(handler) });
      app.all("/open", () => "open");
      app.all("/*", () => "secret");
      app.register(fastifyAdapter.scopegate, { gate, ...OPTIONS });
      void app.ready();
      return app.server;
    },
    hono: (gate) => {
      const app = new Hono();
      app.use(honoAdapter.scopegate(gate, OPTIONS));
      app.all("/open", (context) => context.text("open"));
      app.all("*", (context) => context.text("secret"));
      return http.createServer(getRequestListener(app.fetch));
    },
    fetch: (gate) => {
      const handler = (request) => new Response(new URL(request.url).pathname === "/open" ? "open" : "secret");
      return http.createServer(getRequestListener(fetchAdapter.protect(gate, handler, OPTIONS)));
    },
  };
  const targets = ["open", "healthz"].flatMap((name) => [
    `/${name}/../mcp`,
    `/${name}/%2e%2e/mcp`,
    `/${name}%2f..%2fmcp`,
    `/mcp/../${name}`,
    `/mcp/%2e%2e/${name}`,
    `/./${name}`,
    `//${name}`,
    `//mcp.test/${name}`,
    `/\\${name}`,
    `/${name}\\..\\mcp`,
    `/${name};/../mcp`,
    `/${name};x=/mcp`,
    `/${name}#/mcp`,
    `/${name}?/../mcp`,
    `/${name}%3f/mcp`,
    `/${name}%00`,
    `/%${name.charCodeAt(0).toString(16)}${name.slice(1)}`,
    `/mcp#/${name}`,
    `/mcp?/${name}`,
    `/mcp%3f/../${name}`,
    `http://mcp.test/${name}`,
    `http://mcp.test/mcp?http://mcp.test/${name}`,
    `http://${name}`,
    `http://mcp.test/${name}/../mcp`,
    "*",
  ]);
  for (const [host, make] of Object.entries(applications)) {
    test(`${host}: no spelling of an open path leads to another`, async (t) => {
      const port = await listen(t, make(makeGate()));
      assert.equal((await exchange(port, httpRequest("GET", "/open"))).body, "open");
      for (const target of targets) {
        for (const method of ["GET", "HEAD", "POST", "OPTIONS"]) {
          const answer = await exchange(port, httpRequest(method, target));
          assert.ok(!answer.body.includes("secret"), `${method} ${target}`);
          const isKnown = ["", "open", '{"status":"ok"}'].includes(answer.body) || answer.status >= 400;
          assert.ok(isKnown, `${method} ${target}: ${answer.status} ${answer.body}`);
        }
      }
      assert.equal((await exchange(port, httpRequest("GET", "/mcp", [bearer()]))).body, "secret");
    });
  }
});

describe("frames of HTTP", () => {
  for (const host of Object.keys(hosts)) {
    test(`${host}: whoever asks to switch protocols needs a token`, async (t) => {
      const log = newLog();
      const port = await listen(t, hosts[host](makeGate(), {}, log));
      for (const protocol of ["websocket", "h2c"]) {
        const lines = [`Upgrade: ${protocol}`, "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
        assert.equal((await exchange(port, httpRequest("GET", "/mcp", lines))).status, 401, protocol);
      }
      assert.deepEqual(log.seen, []);
    });

    test(`${host}: a body that GET carries is judged, or nobody sees it`, async (t) => {
      const log = newLog();
      const port = await listen(t, hosts[host](makeGate(), {}, log));
      const body = call("drop_table");
      const chunk = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      const requests = [
        [httpRequest("GET", "/mcp", [JSON_BODY, bearer()], body)],
        [httpRequest("GET", "/mcp", [JSON_BODY, bearer(), "Transfer-Encoding: chunked"]), chunk],
      ];
      for (const request of requests) {
        const { status } = await exchange(port, ...request);
        assert.ok(status === 403 || log.seen.at(-1).body === "", String(status));
      }
      for (const { body: seen } of log.seen) assert.equal(seen, "");
    });

    test(`${host}: two lengths, or a length and chunks, are not one request`, async (t) => {
      const log = newLog();
      const port = await listen(t, hosts[host](makeGate(), {}, log));
      const body = call("weather");
      for (const lines of [["Content-Length: 1"], ["Transfer-Encoding: chunked"]]) {
        const { status } = await exchange(port, httpRequest("POST", "/mcp", [JSON_BODY, bearer(), ...lines], body));
        assert.equal(status, 400);
      }
      assert.deepEqual(log.seen, []);
    });
  }

  test("Fastify over HTTP/2 decides as over HTTP/1.1", async (t) => {
    const app = Fastify({ http2: true });
    app.register(fastifyAdapter.scopegate, { gate: makeGate() });
    app.post("/mcp", (request) => `${fastifyAdapter.accessToken(request.raw).subject} ${request.body.params.name}`);
    await app.listen({ port: 0, host: "127.0.0.1" });
    t.after(() => app.close());
    const { port } = app.server.address();
    const authorization = bearer().slice("Authorization: ".length);
    assert.equal((await overHttp2(t, port, {}, call("weather"))).status, 401);
    assert.equal((await overHttp2(t, port, { authorization }, call("drop_table"))).status, 403);
    assert.equal((await overHttp2(t, port, { authorization }, call("weather"))).body, "alice weather");
  });

  test("the middleware over HTTP/2 lets nothing pass that it could not read", async (t) => {
    const seen = [];
    const middleware = expressAdapter.scopegate(makeGate());
    const server = http2.createServer((request, response) =>
      middleware(request, response, () => {
        seen.push(request.url);
        response.end("passed");
      }),
    );
    const port = await listen(t, server);
    const authorization = bearer().slice("Authorization: ".length);
    assert.equal((await overHttp2(t, port, {}, call("weather"))).status, 401);
    for (const name of ["weather", "drop_table"]) {
      assert.ok([403, 500].includes((await overHttp2(t, port, { authorization }, call(name))).status), name);
    }
    assert.deepEqual(seen, []);
    const get = await overHttp2(t, port, { authorization, ":method": "GET" });
    assert.deepEqual([get.status, get.body], [200, "passed"]);
  });

  async function overHttp2(t, port, headers, body) {
    const client = http2.connect(`http://127.0.0.1:${port}`);
    t.after(() => client.destroy());
    const request = client.request({
      ":method": "POST",
      ":path": "/mcp",
      "content-type": "application/json",
      ...headers,
    });
    request.end(body);
    const [received] = await once(request, "response");
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    client.close();
    return { status: received[":status"], body: Buffer.concat(chunks).toString() };
  }
});

describe("a polluted Object.prototype", () => {
  /** Runs `work` while every object seems to have these members. */
  async function polluted(members, work) {
    Object.assign(Object.prototype, members);
    try {
      return await work();
    } finally {
      for (const name of Object.keys(members)) delete Object.prototype[name];
    }
  }
  const outcomeOf = (promise) => promise.then(({ subject }) => `accepted ${subject}`).catch((error) => error.reason);

  test("makes no refusal an acceptance", async () => {
    const gate = makeGate();
    const good = await gate.authorize({ authorization: issuer.authorization({ sub: "alice" }), body: "" });
    const details = { authorization: "Bearer a.b.c", body: "" };
    for (const token of [good, { handle: {}, scopes: [], effectiveScopes: [], audience: [] }]) {
      assert.equal(await polluted({ token }, () => outcomeOf(gate.authorize(details))), "malformed_token");
      assert.equal(thrown(() => gate.check(details)).reason, "malformed_token");
    }
    for (const members of [{ keys: {} }, { bodyLimit: 10 }]) {
      assert.equal(await polluted(members, () => outcomeOf(gate.authorize(details))), "malformed_token");
    }
  });

  test("is no part of a request", async () => {
    const gate = makeGate();
    const past = { iat: 1000, exp: 2000 };
    const cases = [
      [{ now: 1500 }, { authorization: issuer.authorization(past), body: "" }, "expired"],
      [{ authorization: issuer.authorization() }, { body: "" }, "missing_token"],
      [
        { calls: [{ method: "ping" }] },
        { authorization: issuer.authorization(), body: call("drop_table") },
        "policy_denied",
      ],
      [{ body: "" }, { authorization: issuer.authorization() }, "internal"],
    ];
    for (const [members, details, reason] of cases) {
      assert.equal(await polluted(members, () => outcomeOf(gate.authorize(details))), reason);
    }
    const calls = [{ method: "tools/call" }];
    const named = { authorization: issuer.authorization({ scope: "w" }), calls };
    const outcome = await outcomeOf(
      makeGate({ policy: { default: "deny", tools: { weather: ["w"] } } }).authorize(named),
    );
    const same = await polluted({ name: "weather" }, () =>
      outcomeOf(makeGate({ policy: { default: "deny", tools: { weather: ["w"] } } }).authorize(named)),
    );
    assert.equal(same, outcome);
  });

  test("is no part of a token", async () => {
    const authorization = issuer.authorization({ sub: null, client_id: null, jti: null, scope: "w" });
    const members = { subject: "admin", clientId: "admin", tokenId: "1", principal: "admin", issuedAt: 1 };
    const token = await polluted(members, () => makeGate().authorize({ authorization, body: "" }));
    assert.deepEqual([token.subject, token.clientId, token.tokenId, token.principal], Array(4).fill(undefined));
  });

  test("is no option of an adapter", async (t) => {
    const members = { public: ["/mcp"], health: "/mcp", exposeToken: true };
    for (const host of Object.keys(hosts)) {
      const log = newLog();
      const server = await polluted(members, () => hosts[host](makeGate(), {}, log));
      const port = await listen(t, server);
      assert.equal((await exchange(port, httpRequest("GET", "/mcp"))).status, 401, host);
      assert.equal((await exchange(port, httpRequest("GET", "/mcp", [bearer()]))).status, 200, host);
      assert.equal(log.seen[0].auth.token, "", host);
    }
  });

  test("is no part of a configuration", async () => {
    const gate = await polluted({ additional_audiences: ["https://other.test"] }, () => makeGate());
    const authorization = issuer.authorization({ aud: "https://other.test" });
    assert.equal(await outcomeOf(gate.authorize({ authorization, body: "" })), "wrong_audience");
    const merged = JSON.parse('{"__proto__": {"leeway_seconds": 300}}');
    assert.match(thrown(() => makeGate({ metadata: merged, ...merged })).message, /__proto__/);
  });
});

test("a list of the configuration that would rewrite itself is a mistake", () => {
  const rewriting = Object.assign(["https://other.test"], { toJSON: () => ["https://evil.test"] });
  const error = thrown(() => makeGate({ additional_audiences: rewriting }));
  assert.deepEqual(
    error.errors.map(({ path }) => path),
    ["additional_audiences"],
  );
});

test("no object shows a token or the configuration when it is printed", async () => {
  const authorization = issuer.authorization({ scope: "w", sub: "alice" });
  const gate = makeGate({ http: { proxy: "http://user:hidden-password@127.0.0.1:9" } });
  const token = await gate.authorize({ authorization, body: "" });
  const refused = await gate
    .authorize({ authorization: `${authorization.slice(0, -4)}AAAA`, body: "" })
    .catch((it) => it);
  assert.ok(refused instanceof Rejected);
  const withoutPolicy = new ResourceServer({ resource: RESOURCE, authorization_servers: [issuer.server()] });
  const objects = [gate, token, refused, issuer, new TokenVerifier(withoutPolicy)];
  for (const object of objects) {
    const shown = inspect(object, { showHidden: true, depth: null, getters: false }) + JSON.stringify(object);
    for (const secret of ["eyJ", ...authorization.slice(7).split("."), "hidden-password", '"d"']) {
      assert.ok(!shown.includes(secret), `${object.constructor.name} shows ${secret}`);
    }
  }
});

test("an error of onRefusal that cannot even be printed changes nothing", async () => {
  const onRefusal = () => {
    throw Object.create(null);
  };
  const gate = new ResourceServer({ resource: RESOURCE, authorization_servers: [issuer.server()] }, { onRefusal });
  assert.equal((await gate.authorize().catch((error) => error)).reason, "missing_token");
});

test("a fault of the gate itself reaches the application's error handler, and nothing passes", async (t) => {
  const broken = () => {
    throw new Error("broken");
  };
  const gate = { authorize: broken, wellKnown: broken, [adapterSide]: { internalError: broken, notFound: broken } };
  const app = express();
  app.use(expressAdapter.scopegate(gate));
  app.use((_, response) => response.send("passed"));
  app.use((error, _request, response, _next) => response.status(500).send(error.message));
  const answer = await exchange(await listen(t, http.createServer(app)), httpRequest("GET", "/mcp"));
  assert.deepEqual([answer.status, answer.body], [500, "broken"]);

  const fastify = Fastify();
  t.after(() => fastify.close());
  fastify.register(fastifyAdapter.scopegate, { gate });
  fastify.get("/mcp", () => "passed");
  assert.equal((await fastify.inject("/mcp")).statusCode, 500);
});

test("a flood of sessions does not take one from its owner who uses it", () => {
  const sessions = new Sessions();
  sessions.opened("kept", "alice");
  for (let number = 0; number < 100_000; number += 1) {
    sessions.opened(`flood-${number}`, "mallory");
    if (number % 1000 === 0) assert.equal(sessions.areForeign(["kept"], "alice"), false);
  }
  assert.equal(sessions.areForeign(["kept"], "mallory"), true);
  assert.equal(sessions.areForeign(["unknown", "kept"], "mallory"), true);
  sessions.opened("kept", "mallory");
  assert.equal(sessions.areForeign(["kept"], "alice"), false);
});
