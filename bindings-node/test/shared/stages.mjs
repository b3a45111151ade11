// MCP servers of the official SDKs behind each adapter, for the shared exchanges: what runs writes down its name.

import http from "node:http";
import { getRequestListener } from "@hono/node-server";
import { createMcpExpressApp } from "@modelcontextprotocol/express";
import { NodeStreamableHTTPServerTransport, toNodeHandler } from "@modelcontextprotocol/node";
import * as v1Completable from "@modelcontextprotocol/sdk/server/completable.js";
import * as v1Server from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import {
  completable,
  createMcpHandler,
  McpServer,
  ResourceTemplate,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import * as expressAdapter from "scopegate/express";
import * as fastifyAdapter from "scopegate/fastify";
import * as fetchAdapter from "scopegate/fetch";
import * as honoAdapter from "scopegate/hono";
import * as z from "zod";
import { sessionsOf } from "./sessions.mjs";

const INFO = { name: "stage", version: "1.0.0" };
const PROMPTS = ["greet", "brief", "secret"];
const RESOURCES = { open: "file:///reports/open.txt", plans: "file:///secret/plans.txt" };
const TOOLS = ["weather", "send_email", "erase", "drop_table", "free"];
const JSON_LIMIT = "8mb";

/** Whatever runs writes down its name: tools, prompts, resources and completions. */
function withAll(server, ran, { ResourceTemplate, completable, argsSchema }) {
  const note = (name, result) => () => {
    ran.push(name);
    return result;
  };
  const text = { type: "text", text: "done" };
  for (const name of TOOLS) {
    server.registerTool(name, { inputSchema: z.looseObject({}) }, note(name, { content: [text] }));
  }
  for (const name of PROMPTS) {
    const x = completable(z.string(), note(`complete:${name}`, []));
    const messages = [{ role: "user", content: text }];
    server.registerPrompt(name, { argsSchema: argsSchema({ x }) }, note(name, { messages }));
  }
  const template = new ResourceTemplate("note:///{name}", {
    list: undefined,
    complete: { name: note("complete:note", []) },
  });
  server.registerResource("note", template, {}, note("note", { contents: [] }));
  for (const [name, uri] of Object.entries(RESOURCES)) {
    server.registerResource(name, uri, {}, note(name, { contents: [] }));
  }
  return server;
}

const modern = (ran) =>
  withAll(new McpServer(INFO), ran, { ResourceTemplate, completable, argsSchema: (shape) => z.object(shape) });
const old = (ran) =>
  withAll(new v1Server.McpServer(INFO), ran, {
    ResourceTemplate: v1Server.ResourceTemplate,
    completable: v1Completable.completable,
    argsSchema: (shape) => shape,
  });

/** Serves each request by itself, whatever version of the protocol it speaks: for Node.js, for the Fetch API. */
const stateless = {
  node: (ran) => toNodeHandler(createMcpHandler(() => modern(ran))),
  web: (ran) => {
    const handler = createMcpHandler(() => modern(ran));
    return (request, authInfo) => handler.fetch(request, { authInfo });
  },
  v1: (ran) => async (request, response, body) => {
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined, enableJsonResponse: true });
    await old(ran).connect(transport);
    await transport.handleRequest(request, response, body);
  },
};

/** Keeps sessions, each on a transport of its own. */
const sessions = {
  node: (ran) => {
    const transportOf = sessionsOf(NodeStreamableHTTPServerTransport, () => modern(ran));
    return async (request, response, body) =>
      (await transportOf(request.headers["mcp-session-id"])).handleRequest(request, response, body);
  },
  web: (ran) => {
    const transportOf = sessionsOf(WebStandardStreamableHTTPServerTransport, () => modern(ran));
    return async (request, authInfo) =>
      (await transportOf(request.headers.get("mcp-session-id"))).handleRequest(request, { authInfo });
  },
  v1: (ran) => {
    const transportOf = sessionsOf(StreamableHTTPServerTransport, () => old(ran));
    return async (request, response, body) =>
      (await transportOf(request.headers["mcp-session-id"])).handleRequest(request, response, body);
  },
};

/** The routes that every host has: the MCP server, and one that needs no token where the stage says so. */
function withRoutes(app, handle) {
  app.set("env", "test"); // or Express prints the errors that it answers
  app.all("/mcp", (request, response, next) => handle(request, response, request.body).catch(next));
  app.all("/open", (_, response) => response.send("open"));
  return app;
}

/** Applications of each host: what handles MCP is `server`, and `parent` puts the whole under a prefix. */
const expressHosts = {
  express: (gate, options, server, ran) => {
    const app = express();
    app.use(expressAdapter.scopegate(gate, options), express.json({ limit: JSON_LIMIT }));
    return withRoutes(app, server.node(ran));
  },
  "express-json": (gate, options, server, ran) => {
    const app = createMcpExpressApp({ host: "mcp.test", allowedHosts: ["mcp.test"], jsonLimit: JSON_LIMIT });
    app.use(expressAdapter.scopegate(gate, options));
    return withRoutes(app, server.node(ran));
  },
  "express-v1": (gate, options, server, ran) => {
    const app = express();
    app.use(expressAdapter.scopegate(gate, options));
    return withRoutes(app, server.v1(ran));
  },
};

function fastify(gate, options, server, ran, prefix = "") {
  const app = Fastify({ serverFactory: (listener) => http.createServer(listener), bodyLimit: 8 * 1024 * 1024 });
  const handle = server.node(ran);
  const routes = (within) => {
    void within.register(fastifyAdapter.scopegate, { gate, ...options });
    within.all("/mcp", async (request, reply) => {
      reply.hijack();
      await handle(request.raw, reply.raw, request.body);
    });
    within.all("/open", () => "open");
  };
  if (prefix === "") routes(app);
  else void app.register(async (within) => routes(within), { prefix });
  void app.ready();
  return app.server;
}

function hono(gate, options, server, ran, prefix = "") {
  const app = new Hono().basePath(prefix);
  const handle = server.web(ran);
  app.use(honoAdapter.scopegate(gate, options));
  app.all("/mcp", (context) => handle(context.req.raw, context.get("auth")));
  app.all("/open", (context) => context.text("open"));
  return http.createServer(getRequestListener(app.fetch));
}

/** A handler that routes by itself. A proxy in front takes the prefix off. */
function fetchHandler(gate, options, server, ran, prefix = "") {
  const handle = server.web(ran);
  const routed = fetchAdapter.protect(
    gate,
    (request, { authInfo } = {}) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/mcp") return handle(request, authInfo);
      return pathname === "/open" ? new Response("open") : new Response(null, { status: 404 });
    },
    options,
  );
  const proxy = (request) => {
    const url = new URL(request.url);
    if (!url.pathname.startsWith(`${prefix}/`)) return new Response(null, { status: 404 });
    url.pathname = url.pathname.slice(prefix.length);
    return routed(new Request(url, request));
  };
  return http.createServer(getRequestListener(prefix === "" ? routed : proxy));
}

const mountedInExpress = (make) => (gate, ran) => {
  const app = express();
  app.use("/api", make(gate, { public: ["/open"] }, stateless, ran));
  return http.createServer(app);
};

const inEach = (how) => Object.fromEntries(Object.entries(expressHosts).map(([name, make]) => [name, how(make)]));

/** Stage -> host -> what makes its HTTP server from a gate and the list of what ran. */
export const stages = {
  plain: onTheRoot({}, stateless),
  paths: onTheRoot({ public: ["/open"] }, stateless),
  sessions: onTheRoot({}, sessions),
  operators: onTheRoot({ health: "/healthz", metrics: "/metrics" }, stateless),
  mounted: {
    ...inEach(mountedInExpress),
    fastify: (gate, ran) => fastify(gate, { public: ["/api/open"] }, stateless, ran, "/api"),
    hono: (gate, ran) => hono(gate, { public: ["/api/open"] }, stateless, ran, "/api"),
    fetch: (gate, ran) => fetchHandler(gate, { public: ["/open"] }, stateless, ran, "/api"),
  },
};

function onTheRoot(options, server) {
  return {
    ...inEach((make) => (gate, ran) => http.createServer(make(gate, options, server, ran))),
    fastify: (gate, ran) => fastify(gate, options, server, ran),
    hono: (gate, ran) => hono(gate, options, server, ran),
    fetch: (gate, ran) => fetchHandler(gate, options, server, ran),
  };
}
