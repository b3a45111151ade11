// One application behind each adapter: it tells what it received.

import http from "node:http";
import { getRequestListener } from "@hono/node-server";
import express from "express";
import Fastify from "fastify";
import { Hono } from "hono";
import * as expressAdapter from "scopegate/express";
import * as fastifyAdapter from "scopegate/fastify";
import * as fetchAdapter from "scopegate/fetch";
import * as honoAdapter from "scopegate/hono";

/** Each makes an HTTP server from a gate, options of the adapter, and a log of what the application saw. */
export const hosts = {
  express: (gate, options, log) => {
    const app = express();
    app.use(expressAdapter.scopegate(gate, options));
    app.all("/events", (_, response) => stream(response, log));
    app.use(async (request, response) => {
      log.seen.push({
        method: request.method,
        who: request.auth && expressAdapter.accessToken(request).subject,
        auth: request.auth,
        body: await text(request),
      });
      for (const [name, value] of Object.entries(log.headers)) response.setHeader(name, value);
      response.type("text/plain").send("passed");
    });
    return http.createServer(app);
  },

  fastify: (gate, options, log) => {
    const app = Fastify({
      serverFactory: (handler) => http.createServer(handler),
      bodyLimit: 8 * 1024 * 1024,
    });
    app.register(fastifyAdapter.scopegate, { gate, ...options });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", { parseAs: "buffer" }, (_, body, done) => done(null, body));
    app.all("/events", (_, reply) => {
      reply.hijack();
      stream(reply.raw, log);
    });
    app.all("/*", (request, reply) => {
      const { auth } = request.raw;
      log.seen.push({
        method: request.method,
        who: auth && fastifyAdapter.accessToken(auth).subject,
        auth,
        body: request.body?.toString() ?? "",
      });
      return reply.headers(log.headers).type("text/plain").send("passed");
    });
    void app.ready();
    return app.server;
  },

  hono: (gate, options, log) => {
    const app = new Hono();
    app.use(honoAdapter.scopegate(gate, options));
    app.all("/events", () => events(log));
    app.all("*", async (context) => {
      const auth = context.get("auth");
      log.seen.push({
        method: context.req.method,
        who: auth && honoAdapter.accessToken(auth).subject,
        auth,
        body: await context.req.text(),
      });
      return context.text("passed", 200, log.headers);
    });
    return http.createServer(getRequestListener(app.fetch));
  },

  fetch: (gate, options, log) => {
    const handler = async (request, { authInfo } = {}) => {
      if (new URL(request.url).pathname === "/events") return events(log);
      log.seen.push({
        method: request.method,
        who: authInfo && fetchAdapter.accessToken(authInfo).subject,
        auth: authInfo,
        body: await request.text(),
      });
      return new Response("passed", { headers: { "Content-Type": "text/plain", ...log.headers } });
    };
    return http.createServer(getRequestListener(fetchAdapter.protect(gate, handler, options)));
  },
};

/** What an application saw, and the headers that it answers with. */
export function newLog() {
  let left;
  const gone = new Promise((resolve) => (left = resolve));
  return { seen: [], headers: {}, gone, left };
}

function stream(response, log) {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (let number = 0; number < 3; number += 1) response.write(`data: ${number}\n\n`);
  response.on("close", log.left);
}

function events(log) {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start: (controller) => {
      for (let number = 0; number < 3; number += 1) controller.enqueue(encoder.encode(`data: ${number}\n\n`));
    },
    cancel: log.left,
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}

async function text(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
