// MCP servers of both SDK generations behind the adapters, and the official clients of both.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import http from "node:http";
import { after, before, describe, test } from "node:test";
import * as v2Client from "@modelcontextprotocol/client";
import * as v1Extensions from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import * as v2Express from "@modelcontextprotocol/express";
import * as v1Bearer from "@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js";
import express from "express";
import { Rejected, ResourceServer } from "scopegate";
import * as v2Fallback from "scopegate/mcp";
import * as v1Fallback from "scopegate/mcp-v1";
import { Issuer } from "scopegate/testing";
import { secret, startAuthorizationServer } from "../demo/authorization-server.mjs";
import { exchange, freePort, httpRequest, keyServer, listen } from "./shared/http.mjs";
import { callTool, clients, connected, EMAIL, POLICY, servers, WEATHER } from "./shared/mcp.mjs";

/** A server on a free port; the resource is its own address. */
async function serve(context, server, { configuration = {}, options = {} } = {}) {
  const port = await freePort();
  const resource = `http://127.0.0.1:${port}/mcp`;
  const issuer = new Issuer({ resource });
  const gate = new ResourceServer({
    resource,
    authorization_servers: [issuer.server()],
    policy: { ...POLICY, max_body_bytes: 100_000 },
    allowed_origins: ["http://127.0.0.1"],
    ...configuration,
  });
  await listen(context, servers[server](gate, options), port);
  return { port, issuer, gate };
}

const holding = (issuer, claims) => ({
  requestInit: { headers: issuer.headers({ scope: WEATHER, sub: "alice", ...claims }) },
});

for (const server of Object.keys(servers)) {
  const usable = Object.entries(clients).filter(([, { isModern }]) => !(isModern && server.startsWith("SDK v1")));
  describe(server, () => {
    for (const [name, client] of usable) {
      describe(name, () => {
        test("calls a tool", async (t) => {
          const { port, issuer } = await serve(t, server);
          const answer = await connected(client, port, holding(issuer), (it) =>
            callTool(it, "weather", { city: "Turku" }),
          );
          assert.equal(answer, "Sunny in Turku");
        });

        test("the tool sees who calls, and not the token", async (t) => {
          const { port, issuer } = await serve(t, server);
          const credentials = holding(issuer, { scope: "x y", client_id: "app" });
          const answer = await connected(client, port, credentials, (it) => callTool(it, "whoami"));
          assert.deepEqual(JSON.parse(answer), { subject: "alice", token: "", clientId: "app", scopes: ["x", "y"] });
        });

        test("reads every row of the wire table", async (t) => {
          await readsEveryRow(t, server, client);
        });
      });
    }

    if (!server.includes("sessions")) return;
    test("another user's token on a session is refused", async (t) => {
      const { port, issuer } = await serve(t, server);
      const post = (claims, lines, message) =>
        exchange(
          port,
          httpRequest(
            "POST",
            "/mcp",
            [
              "Content-Type: application/json",
              "Accept: application/json, text/event-stream",
              `Authorization: ${issuer.authorization({ sub: "alice", ...claims })}`,
              ...lines,
            ],
            JSON.stringify({ jsonrpc: "2.0", id: 1, ...message }),
            `127.0.0.1:${port}`,
          ),
        );
      const opened = await post({}, [], {
        method: "initialize",
        params: { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "raw", version: "1" } },
      });
      const session = [`Mcp-Session-Id: ${opened.header("mcp-session-id")}`];
      assert.equal((await post({}, session, { method: "ping" })).status, 200);
      assert.equal((await post({ sub: "bob" }, session, { method: "ping" })).status, 404);
      assert.equal((await post({ client_id: "other" }, session, { method: "ping" })).status, 404);
      assert.equal((await post({}, session, { method: "ping" })).status, 200);
    });
  });
}

/** The rows that a client can meet: what it sends is changed on the way where it would never send it itself. */
async function readsEveryRow(context, server, client) {
  const parsesFirst = server.includes("Express");
  const keys = await keyServer(context, { keys: [] });
  const outage = {
    configuration: { authorization_servers: [{ issuer: "https://issuer.test", jwks_uri: keys.jwksUri }] },
  };
  const expired = (issuer) => ({ Authorization: issuer.authorization({ expires_in: -3600 }) });
  const twice = (issuer) => ({ Authorization: `${issuer.authorization()}, ${issuer.authorization()}` });
  const rows = {
    "no credential": { status: 401, headers: () => ({}) },
    "more than one credential": { status: 400, headers: twice },
    "a bad token": { status: 401, headers: expired },
    "scope short": { status: 403, call: ["send_email", { to: "x" }] },
    policy: { status: 403, call: ["drop_table"] },
    // Express's own body parser, in front of the gate, answers broken JSON.
    ...(parsesFirst ? {} : { "not JSON": { status: 400, tamper: () => "{" } }),
    "not one readable request": { status: 400, tamper: (body) => body.replace('"2.0"', '"1.0"') },
    "too large": { status: 413, call: ["weather", { city: "x".repeat(200_000) }] },
    ...(client.isModern
      ? { "routing headers": { status: 400, tamper: (body) => body.replace('"weather"', '"whoami"') } }
      : {}),
    // createMcpExpressApp's own check of origins lets loopback ones pass.
    origin: { status: 403, headers: (issuer) => ({ ...issuer.headers(), Origin: "http://localhost" }) },
    "keys unavailable": { status: 503, serve: outage },
    "our own fault": { status: 500, serve: { options: { scopes: ["not a scope"] } } },
  };
  for (const [row, { status, serve: how, ...rest }] of Object.entries(rows)) {
    const { port, issuer, gate } = await serve(context, server, how);
    const met = await meet({ port, issuer, client, ...rest });
    assert.equal(met.response?.status, status, row);
    assert.ok(met.error instanceof Error, `${row}: the client takes it for success`);
    assert.equal(statusIn(met.error) ?? status, status, row);
    await assertAnswerOfCore(gate, how?.options, met, row);
  }
}

/** Lets a client connect with a good token and then meet the row; the last exchange, and the client's error. */
async function meet({
  port,
  issuer,
  client,
  headers = (it) => it.headers({ scope: WEATHER }),
  tamper,
  call = ["weather", { city: "x" }],
}) {
  const met = { response: undefined, request: undefined, error: undefined };
  let armed = tamper === undefined;
  const recording = async (url, init) => {
    const sent = new Headers(init.headers);
    const isCall = typeof init.body === "string" && init.body.includes("tools/call");
    for (const [name, value] of Object.entries(headers(issuer))) sent.set(name, value);
    const body = isCall && tamper !== undefined ? tamper(init.body) : init.body;
    armed ||= isCall;
    const response = await fetch(url, { ...init, headers: sent, body });
    if (armed && !response.ok && met.response === undefined && response.status !== 405) {
      met.request = { method: init.method ?? "GET", headers: sent, body };
      met.response = response.clone();
    }
    return response;
  };
  try {
    await connected(client, port, { fetch: recording }, (it) => callTool(it, ...call));
  } catch (error) {
    met.error = error;
  }
  return met;
}

/** The status in an error of either client, where it has one. */
function statusIn(error) {
  return error.status ?? error.data?.status ?? (error.code >= 300 ? error.code : undefined);
}

async function assertAnswerOfCore(gate, options, { request, response }, row) {
  const { method, headers, body } = request;
  const refused = await gate
    .authorize({
      method,
      target: "/mcp",
      authorization: headers.get("authorization"),
      origin: headers.get("origin"),
      protocolVersion: headers.get("mcp-protocol-version"),
      mcpMethod: headers.get("mcp-method"),
      mcpName: headers.get("mcp-name"),
      scopes: options?.scopes,
      body: body ?? "",
    })
    .catch((error) => error);
  assert.ok(refused instanceof Rejected, row);
  assert.equal(response.status, refused.status, row);
  assert.equal(await response.text(), refused.body, row);
  for (const [name, value] of refused.headers.filter(([name]) => name !== "Retry-After")) {
    assert.equal(response.headers.get(name), value, `${row}: ${name}`);
  }
  assert.equal(response.headers.has("retry-after"), refused.status === 503, row);
}

describe("with an authorization server", () => {
  const combinations = Object.keys(servers).flatMap((server) =>
    Object.keys(clients)
      .filter((client) => !(clients[client].isModern && server.startsWith("SDK v1")))
      .map((client) => ({ server, client, id: `${server} ${client}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-") })),
  );
  const ports = {};
  let authorizationServer;

  before(async () => {
    const resources = [];
    for (const { id } of combinations) {
      ports[id] = await freePort();
      resources.push({
        id,
        name: id,
        resource: `http://127.0.0.1:${ports[id]}/mcp`,
        scopes: [WEATHER, EMAIL],
        algorithm: "ES256",
      });
    }
    const assistant = combinations.map(({ id }) => ({ resource: id, scopes: [WEATHER, EMAIL] }));
    authorizationServer = await startAuthorizationServer(resources, { assistant });
  });
  after(() => authorizationServer?.stop());

  const providers = {
    v2: (options) => new v2Client.ClientCredentialsProvider(options),
    v1: (options) => new v1Extensions.ClientCredentialsProvider(options),
  };
  for (const { server, client, id } of combinations) {
    // The provider of v1 does not ask for the scope of a challenge; it is granted all scopes at once.
    const stepsUp = client !== "client v1";
    test(`${client} follows the challenges of ${server}${stepsUp ? ", and steps up from a 403" : ""}`, async (t) => {
      const expectedIssuer = authorizationServer.issuers[id];
      const gate = new ResourceServer({
        resource: `http://127.0.0.1:${ports[id]}/mcp`,
        authorization_servers: [{ issuer: expectedIssuer, token_format: "rfc9068" }],
        scopes_supported: [WEATHER, EMAIL],
        initial_scopes: [WEATHER],
        policy: POLICY,
      });
      await listen(t, servers[server](gate), ports[id]);
      const credentials = { clientId: "assistant", clientSecret: secret("assistant"), expectedIssuer };
      const authProvider = providers[stepsUp ? "v2" : "v1"](credentials);
      await connected(clients[client], ports[id], { authProvider }, async (it) => {
        assert.equal(await callTool(it, "weather", { city: "Oslo" }), "Sunny in Oslo");
        if (stepsUp) assert.equal(authProvider.tokens().scope, WEATHER);
        assert.equal(await callTool(it, "send_email", { to: "ada" }), "Sent to ada");
        assert.equal(authProvider.tokens().scope, `${WEATHER} ${EMAIL}`);
      });
      const expected = { missing_token: 1, ...(stepsUp ? { insufficient_scope: 1 } : {}) };
      assert.deepEqual(gate.stats().refused, expected);
    });
  }
});

describe("the fallback verifiers, behind the SDKs' own gates", () => {
  const RESOURCE = "https://mcp.test/mcp";
  const require = createRequire(import.meta.url);
  const generations = {
    "v2, ESM": [v2Fallback, v2Express.requireBearerAuth],
    "v2, CommonJS": [require("scopegate/mcp"), require("@modelcontextprotocol/express").requireBearerAuth],
    "v1, ESM": [v1Fallback, v1Bearer.requireBearerAuth],
    "v1, CommonJS": [
      require("scopegate/mcp-v1"),
      require("@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js").requireBearerAuth,
    ],
  };
  for (const [name, [{ TokenVerifier, accessToken }, requireBearerAuth]] of Object.entries(generations)) {
    test(name, async (t) => {
      const issuer = new Issuer({ resource: RESOURCE });
      const gate = new ResourceServer({ resource: RESOURCE, authorization_servers: [issuer.server()] });
      const keys = await keyServer(t, { keys: [] });
      const outage = new ResourceServer({
        resource: RESOURCE,
        authorization_servers: [{ issuer: issuer.issuer, jwks_uri: keys.jwksUri }],
      });
      const app = express();
      const guards = { "/mcp": gate, "/outage": outage };
      for (const [path, one] of Object.entries(guards)) {
        const verifier = new TokenVerifier(one);
        const expectedResource = new URL(one.resource);
        app.use(path, requireBearerAuth({ verifier, resourceMetadataUrl: one.metadataUrl, expectedResource }));
      }
      app.use((request, response) =>
        response.json({ who: accessToken(request.auth).subject, token: request.auth.token }),
      );
      const port = await listen(t, http.createServer(app));
      const get = (path, claims) =>
        exchange(port, httpRequest("GET", path, [`Authorization: ${issuer.authorization(claims)}`]));
      assert.deepEqual(JSON.parse((await get("/mcp", { sub: "alice" })).body), { who: "alice", token: "" });
      assert.equal((await get("/mcp", { expires_in: -10 })).status, 200, "inside the leeway");
      const refused = await get("/mcp", { aud: "https://other.test" });
      assert.equal(refused.status, 401);
      assert.match(refused.header("www-authenticate"), /invalid_token/);
      assert.equal((await get("/outage", {})).status, 500, "not a challenge");
    });
  }

  test("a policy that could not be enforced is refused", () => {
    const issuer = new Issuer();
    const gate = new ResourceServer({
      resource: RESOURCE,
      authorization_servers: [issuer.server()],
      policy: { default: "deny" },
    });
    assert.throws(() => new v2Fallback.TokenVerifier(gate), TypeError);
    assert.throws(() => new v1Fallback.TokenVerifier(gate), TypeError);
  });

  test("the token is exposed only when asked for", async () => {
    const issuer = new Issuer({ resource: RESOURCE });
    const gate = new ResourceServer({ resource: RESOURCE, authorization_servers: [issuer.server()] });
    const token = issuer.mint();
    assert.equal((await new v2Fallback.TokenVerifier(gate).verifyAccessToken(token)).token, "");
    const exposing = new v2Fallback.TokenVerifier(gate, { exposeToken: true });
    assert.equal((await exposing.verifyAccessToken(token)).token, token);
    for (const verifier of [v1Fallback, v2Fallback]) {
      assert.throws(() => new verifier.TokenVerifier(gate, { exposeToken: "false" }), TypeError);
    }
  });
});
