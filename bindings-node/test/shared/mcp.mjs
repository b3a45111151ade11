// MCP servers of both generations of the official SDK behind the adapters, and their clients.

import { randomUUID } from "node:crypto";
import http from "node:http";
import { getRequestListener } from "@hono/node-server";
import * as v2Client from "@modelcontextprotocol/client";
import { createMcpExpressApp } from "@modelcontextprotocol/express";
import { toNodeHandler } from "@modelcontextprotocol/node";
import * as v1Client from "@modelcontextprotocol/sdk/client/index.js";
import * as v1ClientTransport from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import * as v1Server from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { createMcpHandler, McpServer } from "@modelcontextprotocol/server";
import Fastify from "fastify";
import { Hono } from "hono";
import * as expressAdapter from "scopegate/express";
import * as fastifyAdapter from "scopegate/fastify";
import * as fetchAdapter from "scopegate/fetch";
import * as honoAdapter from "scopegate/hono";
import * as z from "zod";

export const WEATHER = "mcp:tools:weather";
export const EMAIL = "mcp:tools:email:send";
export const POLICY = { default: [], tools: { weather: [WEATHER], "send_*": [EMAIL], "drop_*": "deny" } };

/** Registers the tools on a server of either generation; `whoami` tells what the SDK knows of the caller. */
function withTools(server) {
  const text = (value) => ({ content: [{ type: "text", text: value }] });
  server.registerTool("weather", { inputSchema: z.object({ city: z.string() }) }, ({ city }) =>
    text(`Sunny in ${city}`),
  );
  server.registerTool("send_email", { inputSchema: z.object({ to: z.string() }) }, ({ to }) => text(`Sent to ${to}`));
  server.registerTool("drop_table", { inputSchema: z.object({}) }, () => text("dropped"));
  server.registerTool("whoami", { inputSchema: z.object({}) }, (_, context) => {
    const auth = context.http?.authInfo ?? context.authInfo;
    const { subject } = expressAdapter.accessToken(auth);
    return text(JSON.stringify({ subject, token: auth.token, clientId: auth.clientId, scopes: auth.scopes }));
  });
  return server;
}

const handler = () => createMcpHandler(() => withTools(new McpServer({ name: "weather", version: "1.0.0" })));

/** Each makes an HTTP server that is an MCP server behind the gate. */
export const servers = {
  "SDK v2 on Express": (gate, options) => {
    const app = createMcpExpressApp({ host: "127.0.0.1", jsonLimit: "8mb" });
    app.use(expressAdapter.scopegate(gate, options));
    const handle = toNodeHandler(handler());
    app.all("/mcp", (request, response) => void handle(request, response, request.body));
    return http.createServer(app);
  },

  "SDK v2 on Fastify": (gate, options) => {
    const app = Fastify({ serverFactory: (listener) => http.createServer(listener), bodyLimit: 8 * 1024 * 1024 });
    app.register(fastifyAdapter.scopegate, { gate, ...options });
    const handle = toNodeHandler(handler());
    app.all("/mcp", async (request, reply) => {
      reply.hijack();
      await handle(request.raw, reply.raw, request.body);
    });
    void app.ready();
    return app.server;
  },

  "SDK v2 on Hono": (gate, options) => {
    const app = new Hono();
    app.use(honoAdapter.scopegate(gate, options));
    const { fetch } = handler();
    app.all("/mcp", (context) => fetch(context.req.raw, { authInfo: context.get("auth") }));
    return http.createServer(getRequestListener(app.fetch));
  },

  "SDK v2 on fetch": (gate, options) =>
    http.createServer(getRequestListener(fetchAdapter.protect(gate, handler(), options))),

  "SDK v1 on Express, with sessions": (gate, options) => {
    const app = createMcpExpressApp({ host: "127.0.0.1", jsonLimit: "8mb" });
    app.use(expressAdapter.scopegate(gate, options));
    const transports = new Map();
    app.all("/mcp", async (request, response) => {
      let transport = transports.get(request.headers["mcp-session-id"]);
      if (transport === undefined) {
        transport = new StreamableHTTPServerTransport({
          sessionIdGenerator: randomUUID,
          onsessioninitialized: (id) => void transports.set(id, transport),
        });
        await withTools(new v1Server.McpServer({ name: "weather", version: "1.0.0" })).connect(transport);
      }
      await transport.handleRequest(request, response, request.body);
    });
    return http.createServer(app);
  },
};

const CLIENT = { name: "test", version: "1.0.0" };

/** The official clients, of each generation and era of the protocol. */
export const clients = {
  "client v2, 2026-07-28": {
    make: (url, options) => ({
      client: new v2Client.Client(CLIENT, { versionNegotiation: { mode: { pin: "2026-07-28" } } }),
      transport: new v2Client.StreamableHTTPClientTransport(url, options),
    }),
    isModern: true,
  },
  "client v2, initialize": {
    make: (url, options) => ({
      client: new v2Client.Client(CLIENT, { versionNegotiation: { mode: "legacy" } }),
      transport: new v2Client.StreamableHTTPClientTransport(url, options),
    }),
    isModern: false,
  },
  "client v1": {
    make: (url, options) => ({
      client: new v1Client.Client(CLIENT),
      transport: new v1ClientTransport.StreamableHTTPClientTransport(url, options),
    }),
    isModern: false,
  },
};

/** Runs `use` with a connected client. `options` are those of its transport. */
export async function connected({ make }, port, options, use) {
  const { client, transport } = make(new URL(`http://127.0.0.1:${port}/mcp`), options);
  await client.connect(transport);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/** The text that a tool answers. */
export async function callTool(client, name, args = {}) {
  const { content } = await client.callTool({ name, arguments: args });
  return content[0].text;
}
