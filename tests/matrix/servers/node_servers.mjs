// An MCP server behind the Node.js adapter that the first argument names.
//
// Its configuration is in GATE. It prints two ports as JSON: the server's, and that of the same server with a fault of its
// program: scopes that are none. It ends with its standard input.

import { once } from "node:events";
import http from "node:http";
import { createRequire } from "node:module";
import { sessionsOf } from "../../../bindings-node/test/shared/sessions.mjs";

// The packages are those that bindings-node is tested with.
const require = createRequire(new URL("../../../bindings-node/package.json", import.meta.url));
const { getRequestListener } = require("@hono/node-server");
const z = require("zod");
const { ResourceServer } = require("scopegate");

const TOOLS = ["weather", "send_email", "drop_table", "greet"];
const INFO = { name: "matrix", version: "1.0.0" };
const MODERN = "2026-07-28";

function withTools(server) {
  for (const name of TOOLS) {
    const run = () => ({ content: [{ type: "text", text: name }] });
    server.registerTool(name, { inputSchema: z.object({ city: z.string().optional() }) }, run);
  }
  return server;
}

/** SDK 2: today's protocol by itself, earlier versions with sessions. For Node.js, and for the Fetch API. */
function sdk2() {
  const {
    createMcpHandler,
    McpServer,
    WebStandardStreamableHTTPServerTransport,
  } = require("@modelcontextprotocol/server");
  const { NodeStreamableHTTPServerTransport, toNodeHandler } = require("@modelcontextprotocol/node");
  const make = () => withTools(new McpServer(INFO));
  const modern = createMcpHandler(make, { legacy: "reject" });
  const nodeModern = toNodeHandler(modern);
  const nodeTransport = sessionsOf(NodeStreamableHTTPServerTransport, make);
  const webTransport = sessionsOf(WebStandardStreamableHTTPServerTransport, make);
  return {
    node: async (request, response, body) => {
      if (request.headers["mcp-protocol-version"] >= MODERN) return nodeModern(request, response, body);
      return (await nodeTransport(request.headers["mcp-session-id"])).handleRequest(request, response, body);
    },
    web: async (request, authInfo) => {
      if (request.headers.get("mcp-protocol-version") >= MODERN) return modern.fetch(request, { authInfo });
      return (await webTransport(request.headers.get("mcp-session-id"))).handleRequest(request, { authInfo });
    },
  };
}

/** SDK 1, with sessions. */
function sdk1() {
  const { McpServer } = require("@modelcontextprotocol/sdk/server/mcp.js");
  const { StreamableHTTPServerTransport } = require("@modelcontextprotocol/sdk/server/streamableHttp.js");
  const transport = sessionsOf(StreamableHTTPServerTransport, () => withTools(new McpServer(INFO)));
  return async (request, response, body) =>
    (await transport(request.headers["mcp-session-id"])).handleRequest(request, response, body);
}

/** The gate is outermost, or within the application that SDK 2 makes, which parses bodies in front of it. */
function express(gate, options, handle, app = require("express")()) {
  app.use(require("scopegate/express").scopegate(gate, options));
  app.all("/mcp", (request, response, next) => handle(request, response, request.body).catch(next));
  app.use((error, request, response, _next) => response.sendStatus(error.status ?? 500)); // or Express prints it
  return http.createServer(app);
}

const SERVERS = {
  express: (gate, options) => express(gate, options, sdk2().node),

  "express-inside": (gate, options) => {
    const { createMcpExpressApp } = require("@modelcontextprotocol/express");
    const app = createMcpExpressApp({ host: "127.0.0.1", allowedHosts: [gate.hostname] });
    return express(gate, options, sdk2().node, app);
  },

  "express-sdk1": (gate, options) => express(gate, options, sdk1()),

  fastify: (gate, options) => {
    const app = require("fastify")({ serverFactory: (listener) => http.createServer(listener) });
    const handle = sdk2().node;
    app.register(require("scopegate/fastify").scopegate, { gate, ...options });
    app.all("/mcp", async (request, reply) => {
      reply.hijack();
      await handle(request.raw, reply.raw, request.body);
    });
    void app.ready();
    return app.server;
  },

  hono: (gate, options) => {
    const { Hono } = require("hono");
    const app = new Hono();
    const handle = sdk2().web;
    app.use(require("scopegate/hono").scopegate(gate, options));
    app.all("/mcp", (context) => handle(context.req.raw, context.get("auth")));
    return http.createServer(getRequestListener(app.fetch));
  },

  fetch: (gate, options) => {
    const handle = sdk2().web;
    const handler = (request, { authInfo } = {}) => handle(request, authInfo);
    return http.createServer(getRequestListener(require("scopegate/fetch").protect(gate, handler, options)));
  },
};

const gate = ResourceServer.fromJson(process.env.GATE);
const ports = [];
for (const options of [{}, { scopes: ["not a scope"] }]) {
  const server = SERVERS[process.argv[2]](gate, options).listen(0, "127.0.0.1");
  await once(server, "listening");
  ports.push(server.address().port);
}
console.log(JSON.stringify(ports));
process.stdin.resume().on("end", () => process.exit(0));
