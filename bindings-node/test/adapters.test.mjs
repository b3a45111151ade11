// Every adapter on a real server, over raw sockets.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import { describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import express from "express";
import Fastify from "fastify";
import { Rejected, ResourceServer } from "scopegate";
import * as expressAdapter from "scopegate/express";
import * as fastifyAdapter from "scopegate/fastify";
import * as fetchAdapter from "scopegate/fetch";
import * as honoAdapter from "scopegate/hono";
import { Issuer } from "scopegate/testing";
import { hosts, newLog } from "./shared/hosts.mjs";
import { converse, exchange, httpRequest, keyServer, listen } from "./shared/http.mjs";

const RESOURCE = "https://mcp.test/mcp";
const WELL_KNOWN = "/.well-known/oauth-protected-resource/mcp";
const LIMIT = 2000;
const CALL = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params: { name: "weather" } });
const JSON_BODY = "Content-Type: application/json";

const issuer = new Issuer({ resource: RESOURCE });

function strictGate() {
  return new ResourceServer({
    resource: RESOURCE,
    authorization_servers: [issuer.server()],
    cors_origins: ["https://app.test"],
    allowed_origins: ["https://mcp.test", "https://app.test"],
    policy: { default: "deny", tools: { weather: ["mcp:tools:weather"], "drop_*": "deny" }, max_body_bytes: LIMIT },
  });
}

function bearer(claims = {}) {
  return `Authorization: ${issuer.authorization({ scope: "mcp:tools:weather", sub: "alice", ...claims })}`;
}

/** What an application does with the adapter when it starts. */
const start = {
  express: async (gate, options) => void expressAdapter.scopegate(gate, options),
  fastify: async (gate, options) => void (await Fastify().register(fastifyAdapter.scopegate, { gate, ...options })),
  hono: async (gate, options) => void honoAdapter.scopegate(gate, options),
  fetch: async (gate, options) => void fetchAdapter.protect(gate, () => new Response(), options),
};

/** Starts the host; `options` are the adapter's. */
async function serve(context, host, { gate = strictGate(), ...options } = {}) {
  const log = newLog();
  const port = await listen(context, hosts[host](gate, { public: ["/open"], health: "/healthz", ...options }, log));
  return { gate, port, ...log, log };
}

function post(port, lines, body = CALL) {
  return exchange(port, httpRequest("POST", "/mcp", [JSON_BODY, ...lines], body));
}

/** What the core answers to this request, asked directly. */
async function coreAnswer(gate, lines, body) {
  const values = (name) =>
    lines.filter((line) => line.toLowerCase().startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).trim());
  const refused = await gate
    .authorize({
      method: "POST",
      target: "/mcp",
      authorization: values("authorization"),
      origin: values("origin"),
      protocolVersion: values("mcp-protocol-version"),
      mcpMethod: values("mcp-method"),
      mcpName: values("mcp-name"),
      body,
    })
    .then(
      () => assert.fail("the core lets this pass"),
      (error) => error,
    );
  assert.ok(refused instanceof Rejected);
  return refused;
}

function assertSameHeaders(host, answer, { headers }) {
  const expected = headers
    .map(([name, value]) => [name.toLowerCase(), value])
    .filter(([name]) => name !== "content-length");
  // The Headers of the Fetch API are sorted by name.
  if (host === "hono" || host === "fetch") assert.deepEqual(answer.decided.sort(), expected.sort());
  else assert.deepEqual(answer.decided, expected);
}

function assertSameAnswer(host, answer, refused) {
  assert.equal(answer.status, refused.status);
  assertSameHeaders(host, answer, refused);
  assert.equal(answer.body, refused.body);
  assert.equal(answer.header("content-length"), String(Buffer.byteLength(refused.body)));
}

for (const host of Object.keys(hosts)) {
  describe(host, () => {
    test("a good request reaches the application with its token and body", async (t) => {
      const { port, seen } = await serve(t, host);
      const answer = await post(port, [bearer()]);
      assert.deepEqual([answer.status, answer.body], [200, "passed"]);
      const [{ auth, ...rest }] = seen;
      assert.deepEqual(rest, { method: "POST", who: "alice", body: CALL });
      assert.equal(auth.token, "");
      assert.equal(auth.clientId, "client");
      assert.deepEqual(auth.scopes, ["mcp:tools:weather"]);
      assert.equal(auth.resource.href, RESOURCE);
      assert.equal(auth.resourceMetadataUrl, `https://mcp.test${WELL_KNOWN}`);
      assert.equal(auth.expiresAt, auth.extra.accessToken.expiresAt);
    });

    test("the token is exposed only when asked for", async (t) => {
      const { port, seen } = await serve(t, host, { exposeToken: true });
      const line = bearer();
      await post(port, [line]);
      assert.equal(`Authorization: Bearer ${seen[0].auth.token}`, line);
    });

    describe("each row of the wire table is the core's answer, byte for byte", () => {
      const good = bearer();
      const call = (name, id = 7) =>
        JSON.stringify({ jsonrpc: "2.0", id, method: "tools/call", params: { name, arguments: {} } });
      const modern = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: weather"];
      const rows = {
        "no credential": [401, []],
        "another scheme": [401, ["Authorization: Basic eDp5"]],
        "nothing after the scheme": [401, ["Authorization: Bearer"]],
        "comma-joined credentials": [400, [`${good}, ${good.slice(15)}`]],
        "no token": [401, ["Authorization: Bearer x"]],
        "a broken signature": [401, [`${good.slice(0, -8)}AAAAAAAA`]],
        expired: [401, [bearer({ expires_in: -3600 })]],
        "for someone else": [401, [bearer({ aud: "https://other.test/mcp" })]],
        "scope short": [403, [bearer({ scope: "other" })]],
        "policy denied": [403, [good], call("drop_table")],
        "policy denied, with an id that is a string": [403, [good], call("drop_table", "grüße")],
        "not JSON": [400, [good], "{"],
        "not one readable request": [400, [good], `[[${CALL}]]`],
        "a duplicate name": [400, [good], CALL.replace('"name"', '"name":"drop_table","name"')],
        "too large": [413, [good], CALL + " ".repeat(LIMIT)],
        "routing headers that contradict the body": [400, [good, ...modern], call("drop_table")],
        "an origin that is not allowed": [403, [good, "Origin: https://evil.test"]],
        "a listed origin may read it": [401, ["Origin: https://app.test"]],
      };
      for (const [row, [status, lines, body = CALL]] of Object.entries(rows)) {
        test(row, async (t) => {
          const { gate, port, seen } = await serve(t, host);
          const refused = await coreAnswer(gate, lines, body);
          assert.equal(refused.status, status);
          assertSameAnswer(host, await post(port, lines, body), refused);
          assert.deepEqual(seen, []);
        });
      }

      test("two Authorization lines", async (t) => {
        const { gate, port, seen } = await serve(t, host);
        for (const second of [good, "Authorization: Basic eDp5"]) {
          for (const lines of [
            [good, second],
            [second, good],
          ]) {
            const answer = await post(port, lines);
            if (host === "fetch" && second !== good) {
              // The Fetch API joins lines with a comma; whichever scheme comes first, nothing passes.
              assert.ok([400, 401].includes(answer.status));
            } else assertSameAnswer(host, answer, await coreAnswer(gate, lines, CALL));
          }
        }
        assert.deepEqual(seen, []);
      });

      test("keys unavailable", async (t) => {
        const keys = await keyServer(t, { keys: [] });
        const servers = [{ issuer: issuer.issuer, jwks_uri: keys.jwksUri }];
        const gate = new ResourceServer({ resource: RESOURCE, authorization_servers: servers });
        const { port } = await serve(t, host, { gate });
        const answer = await post(port, [good]);
        assert.equal(answer.status, 503);
        assert.ok(Number(answer.header("retry-after")) >= 1);
        assert.equal(answer.header("www-authenticate"), undefined);
        const refused = await coreAnswer(gate, [good], CALL);
        assert.equal(answer.body, refused.body);
        assert.deepEqual(
          answer.decided.map(([name]) => name).sort(),
          refused.headers.map(([name]) => name.toLowerCase()).sort(),
        );
      });

      test("our own fault", async (t) => {
        const { port, seen } = await serve(t, host, { scopes: ["not a scope"] });
        const answer = await post(port, [good]);
        assert.deepEqual(
          [answer.status, answer.body],
          [500, '{"error":"server_error","error_description":"Internal error"}'],
        );
        assert.deepEqual(seen, []);
      });
    });

    test("scopes of the adapter are needed by every request", async (t) => {
      const { port, seen } = await serve(t, host, { scopes: ["reports:write"] });
      const short = await post(port, [bearer()]);
      assert.equal(short.status, 403);
      assert.match(short.header("www-authenticate"), /scope="mcp:tools:weather reports:write"/);
      const both = bearer({ scope: "mcp:tools:weather reports:write" });
      assert.equal((await post(port, [both])).status, 200);
      assert.equal(seen.length, 1);
    });

    test("a token in the query is not read", async (t) => {
      const { port } = await serve(t, host);
      const target = `/mcp?access_token=${issuer.mint({ scope: "mcp:tools:weather" })}`;
      assert.equal((await exchange(port, httpRequest("POST", target, [JSON_BODY], CALL))).status, 401);
    });

    test("strangers cannot make us read a body: the refusal comes while it is still missing", async (t) => {
      const { port } = await serve(t, host);
      for (const authorization of [[], ["Authorization: Bearer a.b.c"]]) {
        const head = httpRequest("POST", "/mcp", [JSON_BODY, "Content-Length: 1000", ...authorization]);
        const { socket, received } = await converse(port, head, (text) => text.includes("\r\n\r\n"));
        socket.destroy();
        assert.match(received, /^HTTP\/1.1 401/);
      }
    });

    test("a body in pieces reaches the application whole", async (t) => {
      const { port, seen } = await serve(t, host);
      const head = httpRequest("POST", "/mcp", [JSON_BODY, bearer(), "Transfer-Encoding: chunked"]);
      const pieces = CALL.match(/.{1,10}/g).map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
      const answer = await exchange(port, head, ...pieces, "0\r\n\r\n");
      assert.equal(answer.status, 200);
      assert.equal(seen[0].body, CALL);
    });

    test("a body of exactly the limit passes, one that is larger is refused before it is whole", async (t) => {
      const { port, seen } = await serve(t, host);
      const padded = CALL + " ".repeat(LIMIT - CALL.length);
      assert.equal((await post(port, [bearer()], padded)).status, 200);
      assert.equal(seen[0].body, padded);
      const head = httpRequest("POST", "/mcp", [JSON_BODY, bearer(), "Content-Length: 1000000"]);
      const request = Buffer.concat([head, Buffer.alloc(LIMIT + 1, " ")]);
      const { socket, received } = await converse(port, request, (text) => text.endsWith("}"));
      socket.destroy();
      assert.match(received, /^HTTP\/1.1 413 /);
      assert.match(received, /Request too large/);
      assert.equal(seen.length, 1);
    });

    test("a large body is put back whole", async (t) => {
      const gate = new ResourceServer({
        resource: RESOURCE,
        authorization_servers: [issuer.server()],
        policy: { default: [] },
      });
      const { port, seen } = await serve(t, host, { gate });
      const params = { name: "weather", arguments: { text: "x".repeat(1_000_000) } };
      const large = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/call", params });
      assert.equal((await post(port, [bearer()], large)).status, 200);
      assert.ok(seen[0].body === large);
    });

    test("a client that leaves while its body is read disturbs nobody and is no fault of ours", async (t) => {
      const { gate, port, seen } = await serve(t, host);
      const socket = net.connect(port, "127.0.0.1");
      const head = httpRequest("POST", "/mcp", [JSON_BODY, bearer(), "Content-Length: 1000"]);
      socket.write(Buffer.concat([head, Buffer.from("{")]));
      await once(socket, "connect");
      await new Promise((resolve) => setTimeout(resolve, 50));
      socket.destroy();
      assert.equal((await post(port, [bearer()])).status, 200);
      assert.equal(seen.length, 1);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual(gate.stats().refused, {});
    });

    test("an encoded body that decides is refused", async (t) => {
      const { port, seen } = await serve(t, host);
      for (const coding of ["gzip", "x-unknown", "identity, gzip"]) {
        const answer = await post(port, [bearer(), `Content-Encoding: ${coding}`], gzipSync(CALL));
        assert.equal(answer.status, 415, coding);
        assert.equal(answer.header("accept-encoding"), "identity");
      }
      assert.deepEqual(seen, []);
      assert.equal((await post(port, [bearer(), "Content-Encoding: identity"])).status, 200);
    });

    test("GET and DELETE need the token alone, and a body under any method is judged", async (t) => {
      const { port, seen } = await serve(t, host);
      for (const method of ["GET", "DELETE"]) {
        assert.equal((await exchange(port, httpRequest(method, "/mcp", [bearer()]))).status, 200);
        assert.equal((await exchange(port, httpRequest(method, "/mcp"))).status, 401);
      }
      assert.deepEqual(
        seen.map(({ method, who, body }) => [method, who, body]),
        [
          ["GET", "alice", ""],
          ["DELETE", "alice", ""],
        ],
      );
      const denied = CALL.replace("weather", "drop_table");
      const answer = await exchange(port, httpRequest("DELETE", "/mcp", [JSON_BODY, bearer()], denied));
      assert.equal(answer.status, 403);
    });

    test("a refused HEAD has the headers of the refusal and no body", async (t) => {
      const { port } = await serve(t, host);
      const get = await exchange(port, httpRequest("GET", "/mcp"));
      const head = await exchange(port, httpRequest("HEAD", "/mcp"));
      assert.deepEqual([head.status, head.body], [401, ""]);
      assert.deepEqual(head.decided, get.decided);
    });

    test("an event stream passes untouched, and the application sees the client leave", async (t) => {
      const { port, gone } = await serve(t, host);
      const request = httpRequest("GET", "/events", [bearer()]);
      const { socket, received } = await converse(port, request, (text) => text.includes("data: 2\n\n"));
      assert.match(received, /^HTTP\/1.1 200 /);
      assert.match(received, /content-type: text\/event-stream/i);
      socket.destroy();
      await gone;
    });

    test("a public path is compared exactly", async (t) => {
      const { port, seen } = await serve(t, host);
      assert.equal((await exchange(port, httpRequest("GET", "/open?x=1"))).status, 200);
      assert.equal(seen[0].who, undefined);
      for (const other of ["/open/", "/open/x", "/OPEN", "//open", "/open%2f", "/open;a", "/opened"]) {
        assert.equal((await exchange(port, httpRequest("GET", other))).status, 401, other);
      }
      assert.equal(seen.length, 1);
    });

    test("health needs no token and tells the status alone", async (t) => {
      const { port, seen } = await serve(t, host);
      const answer = await exchange(port, httpRequest("GET", "/healthz"));
      assert.deepEqual([answer.status, answer.body], [200, '{"status":"ok"}']);
      const head = await exchange(port, httpRequest("HEAD", "/healthz"));
      assert.deepEqual([head.status, head.body], [200, ""]);
      assert.equal((await exchange(port, httpRequest("POST", "/healthz", [JSON_BODY], "{}"))).status, 401);
      assert.deepEqual(seen, []);
    });

    test("metadata needs no token, and nobody else answers below its path", async (t) => {
      const { gate, port, seen } = await serve(t, host);
      const get = await exchange(port, httpRequest("GET", WELL_KNOWN));
      const expected = gate.wellKnown("GET", WELL_KNOWN);
      assert.equal(get.body, expected.body);
      assertSameHeaders(host, get, expected);
      assert.equal(JSON.parse(get.body).resource, RESOURCE);
      const head = await exchange(port, httpRequest("HEAD", WELL_KNOWN));
      assert.deepEqual([head.status, head.body], [200, ""]);
      assert.equal(head.header("content-length"), String(get.body.length));
      assert.equal((await exchange(port, httpRequest("POST", WELL_KNOWN, [], ""))).status, 405);
      for (const path of [`${WELL_KNOWN}/x`, "/.well-known/oauth-protected-resource"]) {
        const answer = await exchange(port, httpRequest("GET", path));
        assert.deepEqual([answer.status, answer.header("content-type")], [404, "application/json"], path);
      }
      assert.equal((await exchange(port, httpRequest("GET", "/.well-known/oauth-protected-resourcex"))).status, 401);
      assert.deepEqual(seen, []);
    });

    test("a preflight is never challenged and never passed on", async (t) => {
      const { port, seen } = await serve(t, host);
      const preflight = ["Origin: https://app.test", "Access-Control-Request-Method: POST"];
      for (const path of ["/mcp", "/open", "/healthz"]) {
        const answer = await exchange(port, httpRequest("OPTIONS", path, preflight));
        assert.deepEqual(
          [answer.status, answer.header("access-control-allow-origin")],
          [204, "https://app.test"],
          path,
        );
      }
      assert.equal((await exchange(port, httpRequest("OPTIONS", "/mcp"))).status, 401);
      assert.deepEqual(seen, []);
    });

    test("another user's token is refused on a session, the owner's is not", async (t) => {
      const { port, log, seen } = await serve(t, host);
      log.headers = { "Mcp-Session-Id": "s-1" };
      const opened = await post(port, [bearer({ sub: "alice", client_id: "app" })]);
      assert.equal(opened.header("mcp-session-id"), "s-1");
      const session = "Mcp-Session-Id: s-1";
      assert.equal((await post(port, [bearer({ sub: "alice", client_id: "app" }), session])).status, 200);
      for (const claims of [
        { sub: "bob", client_id: "app" },
        { sub: "alice", client_id: "other" },
      ]) {
        const answer = await post(port, [bearer(claims), session]);
        assert.equal(answer.status, 404);
        assert.match(answer.body, /Session not found/);
      }
      assert.equal(seen.length, 2);
      assert.equal((await post(port, [bearer({ sub: "bob" }), "Mcp-Session-Id: s-2"])).status, 200);
    });

    test("requests at the same time keep their own tokens", async (t) => {
      const { port, seen } = await serve(t, host);
      const users = Array.from({ length: 20 }, (_, number) => `user${number}`);
      const answers = await Promise.all(
        users.map((user) => post(port, [bearer({ sub: user })], CALL.replace("{", `{"user":"${user}",`))),
      );
      assert.ok(answers.every(({ status }) => status === 200));
      for (const { who, body } of seen) assert.equal(JSON.parse(body).user, who);
      assert.deepEqual(seen.map(({ who }) => who).sort(), users.sort());
    });

    test("options that are not what the documentation says are refused", async () => {
      const paths = [{ public: "/open" }, { public: ["open"] }, { health: "healthz" }, { metrics: "metrics" }];
      for (const wrong of [...paths, { scopes: "a" }, { pubic: [] }, { exposeToken: "false" }])
        await assert.rejects(start[host](strictGate(), wrong), TypeError);
    });
  });
}

// T57 (tests/attacks.md)
describe("a panic while a document is looked for", () => {
  const require = createRequire(import.meta.url);
  const hooked = require("../build/scopegate.test-hooks.node");
  const { resourceServerOver } = require("../lib/resource-server.js");
  const gate = new (resourceServerOver(hooked))({ resource: RESOURCE, authorization_servers: [issuer.server()] });
  const found = async (port, point, path) => {
    hooked.panicAt(point);
    const { status, body } = await exchange(port, httpRequest("GET", path));
    return [status, body];
  };
  const fault = [500, '{"error":"server_error","error_description":"Internal error"}'];

  for (const host of Object.keys(hosts)) {
    test(`${host}: is answered, and the request goes no further`, async (t) => {
      const { port, seen } = await serve(t, host, { gate, metrics: "/metrics" });
      assert.deepEqual(await found(port, "well_known", "/open"), fault);
      assert.deepEqual(await found(port, "not_found", `${WELL_KNOWN}/x`), fault);
      assert.deepEqual(await found(port, "health_response", "/healthz"), fault);
      assert.deepEqual(await found(port, "metrics_response", "/metrics"), fault);
      assert.equal(seen.length, 0);
      assert.equal((await exchange(port, httpRequest("GET", "/open"))).status, 200);
    });
  }

  test("metadata() of Express: is answered without the error's text", async (t) => {
    const app = express();
    app.use(expressAdapter.metadata(gate));
    assert.deepEqual(await found(await listen(t, http.createServer(app)), "well_known", WELL_KNOWN), fault);
  });
});
