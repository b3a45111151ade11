// Body parsers before and behind the adapters, and mounts under a prefix.

import assert from "node:assert/strict";
import http from "node:http";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import express4 from "express4";
import Fastify from "fastify";
import { Hono } from "hono";
import { Rejected, ResourceServer } from "scopegate";
import * as expressAdapter from "scopegate/express";
import * as fastifyAdapter from "scopegate/fastify";
import * as honoAdapter from "scopegate/hono";
import { Issuer } from "scopegate/testing";
import { exchange, httpRequest, listen } from "./shared/http.mjs";

const RESOURCE = "https://mcp.test/api/mcp";
const WELL_KNOWN = "/.well-known/oauth-protected-resource/api/mcp";
const JSON_BODY = "Content-Type: application/json";
const issuer = new Issuer({ resource: RESOURCE });
const bearer = `Authorization: ${issuer.authorization({ scope: "mcp:tools:weather", sub: "alice" })}`;
const gate = new ResourceServer({
  resource: RESOURCE,
  authorization_servers: [issuer.server()],
  policy: { default: [], tools: { weather: ["mcp:tools:weather"], "drop_*": "deny" } },
});
const call = (name) => JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name } });

const post = (port, body, lines = [], target = "/api/mcp") =>
  exchange(port, httpRequest("POST", target, [JSON_BODY, bearer, ...lines], body));

/** An Express application that answers with the parsed body. */
function application(...middleware) {
  return applicationOf(express, ...middleware);
}

function applicationOf(generation, ...middleware) {
  const app = generation();
  for (const one of middleware) app.use(one);
  app.use((request, response) => response.json(request.body ?? null));
  app.use((error, _request, response, _next) => response.status(error.status ?? 500).send(String(error.type)));
  return http.createServer(app);
}

for (const [version, generation] of Object.entries({ 4: express4, 5: express })) {
  for (const order of ["before", "behind"]) {
    test(`express.json() of Express ${version} ${order} the gate`, async (t) => {
      const middleware = [generation.json(), expressAdapter.scopegate(gate)];
      if (order === "behind") middleware.reverse();
      const port = await listen(t, applicationOf(generation, ...middleware));
      assert.deepEqual(JSON.parse((await post(port, call("weather"))).body), JSON.parse(call("weather")));
      assert.equal((await post(port, call("drop_table"))).status, 403);
      assert.equal((await exchange(port, httpRequest("GET", "/api/mcp", [bearer]))).status, 200);
      assert.equal((await exchange(port, httpRequest("GET", "/api/mcp"))).status, 401);
    });
  }
}

for (const [version, generation] of Object.entries({ 4: express4, 5: express })) {
  test(`no charset has express.json() of Express ${version} behind the gate find another call`, async (t) => {
    const port = await listen(t, applicationOf(generation, expressAdapter.scopegate(gate), generation.json()));
    const hidden = "+ACI-},+ACI-name+ACI-:+ACI-drop_table+ACI-,+ACI-x+ACI-:{+ACI-y+ACI-:+ACI-";
    const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{"x":"${hidden}"}}}`;
    const typed = (type) => exchange(port, httpRequest("POST", "/api/mcp", [`Content-Type: ${type}`, bearer], body));
    const refused = await typed("application/json; charset=utf-7");
    assert.deepEqual(
      [refused.status, refused.body],
      [415, '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Content-Type not supported"}}'],
    );
    assert.equal(JSON.parse((await typed("application/json; charset=UTF-8")).body).params.name, "weather");
  });
}

describe("express.json()", () => {
  const orders = {
    before: () => application(express.json(), expressAdapter.scopegate(gate)),
    behind: () => application(expressAdapter.scopegate(gate), express.json()),
  };
  for (const [order, make] of Object.entries(orders)) {
    test(`${order} the gate: what it made is what the policy judged`, async (t) => {
      const port = await listen(t, make());
      const good = await post(port, call("weather"));
      assert.deepEqual([good.status, good.body], [200, call("weather")]);
      const denied = await post(port, call("drop_table"));
      assert.equal(denied.status, 403);
      assert.match(denied.body, /^{"jsonrpc":"2.0","id":1,"error":{"code":-32001,/);
      const batch = await post(port, `[${call("weather")},${call("weather")}]`);
      assert.deepEqual([batch.status, batch.body], [200, `[${call("weather")},${call("weather")}]`]);
      const mixed = await post(port, `[${call("weather")},${call("drop_table")}]`);
      assert.deepEqual(
        [mixed.status, mixed.body],
        [403, '{"error":"access_denied","error_description":"Not allowed"}'],
      );
      const empty = await post(port, "[]");
      assert.deepEqual(
        [empty.status, empty.body],
        [400, '{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}'],
      );
      assert.equal((await exchange(port, httpRequest("GET", "/api/mcp", [bearer]))).status, 200);
      assert.equal((await exchange(port, httpRequest("DELETE", "/api/mcp", [bearer]))).status, 200);
    });
  }

  test("before the gate reads a duplicate member as the server does, behind it nobody reads one", async (t) => {
    const double = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","name":"drop_table"}}';
    assert.equal((await post(await listen(t, orders.before()), double)).status, 403);
    assert.equal((await post(await listen(t, orders.behind()), double)).status, 400);
  });

  test("before the gate may inflate a body, in front of it a coding is refused", async (t) => {
    const gzip = gzipSync(call("weather"));
    const coding = ["Content-Encoding: gzip"];
    assert.equal((await post(await listen(t, orders.before()), gzip, coding)).status, 200);
    assert.equal((await post(await listen(t, orders.behind()), gzip, coding)).status, 415);
  });

  test("that does not know the content type leaves the body to the gate, which refuses what is not JSON", async (t) => {
    const port = await listen(t, orders.before());
    const lines = ["Content-Type: text/plain", bearer];
    assert.equal((await exchange(port, httpRequest("POST", "/api/mcp", lines, call("drop_table")))).status, 403);
    assert.equal((await exchange(port, httpRequest("POST", "/api/mcp", lines, call("weather")))).status, 415);
    assert.equal((await exchange(port, httpRequest("POST", "/api/mcp", [bearer], call("weather")))).status, 200);
  });

  test("answers broken JSON itself when it comes first", async (t) => {
    const answer = await post(await listen(t, orders.before()), "{");
    assert.deepEqual([answer.status, answer.body], [400, "entity.parse.failed"]);
  });
});

test("a body that something made of a request without one is judged as well", async (t) => {
  const made = (value) => (request, _response, next) => {
    request.body = value;
    next();
  };
  const statusWith = async (value) => {
    const port = await listen(t, application(made(value), expressAdapter.scopegate(gate)));
    return (await exchange(port, httpRequest("POST", "/api/mcp", [bearer]))).status;
  };
  for (const nothing of [undefined, null, {}, "", Buffer.alloc(0)]) assert.equal(await statusWith(nothing), 200);
  assert.equal(await statusWith(JSON.parse(call("weather"))), 200);
  assert.equal(await statusWith(JSON.parse(call("drop_table"))), 403);
  assert.equal(await statusWith(call("drop_table")), 403);
  assert.equal(await statusWith([]), 400);
});

test("other parsers of Express give bytes or text, which are judged as they are", async (t) => {
  for (const parser of [express.raw({ type: "*/*" }), express.text({ type: "*/*" })]) {
    const port = await listen(t, application(parser, expressAdapter.scopegate(gate)));
    assert.equal((await post(port, call("weather"))).status, 200);
    assert.equal((await post(port, call("drop_table"))).status, 403);
  }
});

test("a body that something read and kept is a fault of the program, and nothing passes", async (t) => {
  const swallow = (request, _, next) => request.resume().on("end", next);
  const port = await listen(t, application(swallow, expressAdapter.scopegate(gate)));
  assert.equal((await post(port, call("weather"))).status, 500);
});

test("a stream behind the gate reads the body as it was sent", async (t) => {
  const app = express();
  app.use(expressAdapter.scopegate(gate));
  app.use((request, response) => request.pipe(response));
  const port = await listen(t, http.createServer(app));
  const spaced = ` ${call("weather")} \n`;
  assert.equal((await post(port, spaced)).body, spaced);
});

test("Fastify parses the bytes that were judged", async (t) => {
  const app = Fastify();
  app.register(fastifyAdapter.scopegate, { gate });
  app.post("/api/mcp", (request) => request.body);
  await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => app.close());
  const { port } = app.server.address();
  const good = await post(port, call("weather"));
  assert.deepEqual([good.status, good.body], [200, call("weather")]);
  assert.equal((await post(port, call("drop_table"))).status, 403);
  assert.equal(
    (await post(port, "{")).body,
    '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}',
  );
});

test("routes that Fastify does not have are guarded too, in the routes of plugins as well", async (t) => {
  const app = Fastify();
  app.register(fastifyAdapter.scopegate, { gate });
  app.register(async (inner) => inner.get("/inner", () => "inner"), { prefix: "/plugin" });
  await app.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => app.close());
  const { port } = app.server.address();
  for (const path of ["/plugin/inner", "/nowhere"]) {
    assert.equal((await exchange(port, httpRequest("GET", path))).status, 401, path);
  }
  assert.equal((await exchange(port, httpRequest("GET", "/plugin/inner", [bearer]))).status, 200);
  assert.equal((await exchange(port, httpRequest("GET", "/nowhere", [bearer]))).status, 404);
});

test("Fastify's inject() meets the gate as a request over the network does", async (t) => {
  const app = Fastify();
  t.after(() => app.close());
  await app.register(fastifyAdapter.scopegate, { gate });
  app.post("/api/mcp", (request) => fastifyAdapter.accessToken(request.raw).subject);
  const inject = (headers, name) =>
    app.inject({
      method: "POST",
      url: "/api/mcp",
      headers: { "content-type": "application/json", ...headers },
      body: call(name),
    });
  const authorization = bearer.slice("Authorization: ".length);
  assert.equal((await inject({}, "weather")).statusCode, 401);
  assert.equal((await inject({ authorization }, "drop_table")).statusCode, 403);
  assert.equal((await inject({ authorization }, "weather")).body, "alice");
});

test("Hono middleware that read the body first leaves it to the gate", async (t) => {
  const app = new Hono();
  app.use(async (context, next) => {
    await context.req.json().catch(() => undefined);
    await next();
  });
  app.use(honoAdapter.scopegate(gate));
  app.post("/api/mcp", async (context) => context.json(await context.req.json()));
  const port = await listen(t, http.createServer(getRequestListener(app.fetch)));
  assert.deepEqual(JSON.parse((await post(port, call("weather"))).body), JSON.parse(call("weather")));
  assert.equal((await post(port, call("drop_table"))).status, 403);
});

describe("a further need that is not met behind the adapter is answered with the refusal", () => {
  const need = { scopes: ["reports:secret"] };
  const send = (response, { status, headers, body }) => response.writeHead(status, headers.flat()).end(body);
  const hosts = {
    Express: () => {
      const app = express();
      app.use(expressAdapter.scopegate(gate));
      app.get("/api/mcp", (request) => gate.require(expressAdapter.accessToken(request), need));
      app.use((error, _request, response, _next) => send(response, error));
      return http.createServer(app);
    },
    Fastify: () => {
      const app = Fastify({ serverFactory: (handler) => http.createServer(handler) });
      app.register(fastifyAdapter.scopegate, { gate });
      app.get("/api/mcp", (request) => gate.require(fastifyAdapter.accessToken(request.raw), need));
      app.setErrorHandler((error, _, reply) =>
        reply.code(error.status).headers(Object.fromEntries(error.headers)).send(Buffer.from(error.body)),
      );
      void app.ready();
      return app.server;
    },
    Hono: () => {
      const app = new Hono();
      app.use(honoAdapter.scopegate(gate));
      app.get("/api/mcp", (context) => gate.require(honoAdapter.accessToken(context.get("auth")), need));
      app.onError((error) => (error instanceof Rejected ? error.toResponse() : Promise.reject(error)));
      return http.createServer(getRequestListener(app.fetch));
    },
  };
  for (const [host, make] of Object.entries(hosts)) {
    test(host, async (t) => {
      const port = await listen(t, make());
      const answer = await exchange(port, httpRequest("GET", "/api/mcp", [bearer]));
      const token = gate.check({ authorization: bearer.slice("Authorization: ".length), body: "" });
      const expected = await (async () => gate.require(token, need))().catch((error) => error);
      assert.deepEqual([answer.status, answer.body], [403, expected.body]);
      const sorted = (headers) => headers.map(([name, value]) => [name.toLowerCase(), value]).sort();
      assert.deepEqual(sorted(answer.decided), sorted(expected.headers));
    });
  }
});

describe("under a prefix", () => {
  test("Express: paths are those below the prefix, and metadata() serves the document", async (t) => {
    const app = express();
    app.use(expressAdapter.metadata(gate));
    app.use("/api", expressAdapter.scopegate(gate, { public: ["/open"], health: "/healthz" }));
    app.use((request, response) => response.send(request.auth ? "guarded" : "open"));
    const port = await listen(t, http.createServer(app));
    assert.equal((await exchange(port, httpRequest("GET", "/api/open"))).body, "open");
    assert.equal((await exchange(port, httpRequest("GET", "/api/healthz"))).body, '{"status":"ok"}');
    assert.equal((await exchange(port, httpRequest("GET", "/api/mcp"))).status, 401);
    assert.equal((await exchange(port, httpRequest("GET", "/api/mcp", [bearer]))).body, "guarded");
    assert.equal((await exchange(port, httpRequest("GET", "/elsewhere"))).body, "open");
    const document = await exchange(port, httpRequest("GET", WELL_KNOWN));
    assert.equal(JSON.parse(document.body).resource, RESOURCE);
    assert.equal((await exchange(port, httpRequest("GET", `${WELL_KNOWN}/x`))).body, "open");
  });

  test("Hono: paths are whole", async (t) => {
    const app = new Hono().basePath("/api");
    app.use(honoAdapter.scopegate(gate, { public: ["/api/open"] }));
    app.get("/open", (context) => context.text("open"));
    app.get("/mcp", (context) => context.text("guarded"));
    const port = await listen(t, http.createServer(getRequestListener(app.fetch)));
    assert.equal((await exchange(port, httpRequest("GET", "/api/open"))).body, "open");
    assert.equal((await exchange(port, httpRequest("GET", "/api/mcp"))).status, 401);
    assert.equal((await exchange(port, httpRequest("GET", "/api/mcp", [bearer]))).body, "guarded");
  });

  test("Fastify: paths are whole", async (t) => {
    const app = Fastify();
    app.register(
      async (api) => {
        await api.register(fastifyAdapter.scopegate, { gate, public: ["/api/open"] });
        api.get("/open", () => "open");
        api.get("/mcp", () => "guarded");
      },
      { prefix: "/api" },
    );
    app.get("/elsewhere", () => "elsewhere");
    await app.listen({ port: 0, host: "127.0.0.1" });
    t.after(() => app.close());
    const { port } = app.server.address();
    assert.equal((await exchange(port, httpRequest("GET", "/api/open"))).body, "open");
    assert.equal((await exchange(port, httpRequest("GET", "/api/mcp"))).status, 401);
    assert.equal((await exchange(port, httpRequest("GET", "/api/mcp", [bearer]))).body, "guarded");
    assert.equal((await exchange(port, httpRequest("GET", "/elsewhere"))).body, "elsewhere");
  });
});
