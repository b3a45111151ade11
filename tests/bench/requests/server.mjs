// An Express application with one JSON route and one MCP tool, bare or behind a gate. The keys are fetched from the
// authorization server.
//
// Usage: server.mjs GATE PORT ISSUER, where GATE is bare, scopegate, or jose: the official SDK's own gate around jose.

import { createMcpExpressApp, requireBearerAuth } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import { createMcpHandler, McpServer, OAuthError } from "@modelcontextprotocol/server";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as z from "zod";
import { scopegate } from "../../../bindings-node/express/index.mjs";
import { ResourceServer } from "../../../bindings-node/index.mjs";

const RESOURCE = "https://mcp.bench.test/mcp";
const WEATHER = "mcp:tools:weather";

const [name, port, issuer] = process.argv.slice(2);
const app = createMcpExpressApp({ host: "127.0.0.1", allowedHosts: ["mcp.bench.test"] });

/** Requests that came through. */
let served = 0;
let misses = () => 0;
app.get("/stats", (request, response) => void response.json({ served, misses: misses() }));

const gates = {
  bare: () => (request, response, next) => next(),
  scopegate: () => {
    const gate = new ResourceServer({
      resource: RESOURCE,
      authorization_servers: [{ issuer, jwks_uri: `${issuer}/jwks`, token_format: "rfc9068" }],
      policy: { default: [], tools: { weather: [WEATHER] } },
    });
    misses = () => gate.stats().token_cache.misses;
    return scopegate(gate);
  },
  jose: () => {
    const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));
    const options = { issuer, audience: RESOURCE, algorithms: ["RS256"], typ: "at+jwt", clockTolerance: 30 };
    return requireBearerAuth({ verifier: { verifyAccessToken }, requiredScopes: [WEATHER] });

    async function verifyAccessToken(token) {
      let claims;
      try {
        claims = (await jwtVerify(token, keys, { ...options, requiredClaims: ["exp", "client_id"] })).payload;
      } catch (error) {
        throw new OAuthError("invalid_token", error.message);
      }
      const scopes = (claims.scope ?? "").split(" ");
      return { token, clientId: claims.client_id, scopes, expiresAt: claims.exp, extra: claims };
    }
  },
};

// Made once: zod compiles a schema where it is first used, and each request has a server of its own.
const inputSchema = z.object({ city: z.string() });
const handler = toNodeHandler(
  createMcpHandler(() => {
    const server = new McpServer({ name: "Bench", version: "1.0.0" });
    server.registerTool("weather", { inputSchema }, async ({ city }) => {
      served += 1;
      return { content: [{ type: "text", text: `Sunny in ${city}` }] };
    });
    return server;
  }),
);

app.use(gates[name]());
app.get("/json", (request, response) => {
  served += 1;
  response.json({ city: "Oslo", sky: "sunny", degrees: 21 });
});
app.all("/mcp", (request, response) => void handler(request, response, request.body));
app.listen(Number(port), "127.0.0.1");
