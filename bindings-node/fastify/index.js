"use strict";

const { Readable } = require("node:stream");
const { Stop, guard, judged, refuseEncoding } = require("../lib/adapter.js");
const { accessToken } = require("../lib/auth-info.js");
const { exchangeOf, watchSession } = require("../lib/node-http.js");

/** @type {typeof import("./index.js").scopegate} */
const scopegate = async (fastify, { gate, ...options }) => {
  const judge = guard(gate, options);
  // Before the body is parsed: the parser then reads the bytes that were judged.
  fastify.addHook("preParsing", (request, reply, payload, proceed) => {
    /** @type {Readable | undefined} */
    let read;
    const exchange = exchangeOf(request.raw);
    exchange.isEmpty = false; // the payload tells
    exchange.readBody = async (limit) => {
      refuseEncoding(exchange.lines("content-encoding"));
      const body = await readAll(payload, limit);
      read = replay(body);
      return body;
    };
    /** @param {import("../lib/adapter.js").Verdict} verdict */
    const act = (verdict) => {
      if ("answer" in verdict) {
        const { status, headers, body } = verdict.answer;
        for (const [name, value] of headers) reply.header(name, value);
        return reply.code(status).send(body === "" ? undefined : Buffer.from(body));
      }
      if ("gone" in verdict) return undefined;
      if (verdict.auth !== undefined) {
        Object.assign(request.raw, { auth: verdict.auth });
        watchSession(reply.raw, verdict.opened);
      }
      return proceed(null, /** @type {import("fastify").RequestPayload} */ (read ?? payload));
    };
    judged(judge, exchange, act, proceed);
  });
};

// The hook is for the whole application, not for the plugin's own routes alone.
Object.assign(scopegate, { [Symbol.for("skip-override")]: true, [Symbol.for("fastify.display-name")]: "scopegate" });

/**
 * @param {import("fastify").RequestPayload} payload
 * @param {number} limit
 */
async function readAll(payload, limit) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  try {
    for await (const chunk of payload) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > limit) break;
    }
  } catch {
    throw new Stop({ gone: true });
  }
  return Buffer.concat(chunks);
}

/** @param {Buffer} body */
function replay(body) {
  return Object.assign(Readable.from(body.length > 0 ? [body] : [], { objectMode: false }), {
    receivedEncodedLength: body.length,
  });
}

module.exports = { accessToken, scopegate };
