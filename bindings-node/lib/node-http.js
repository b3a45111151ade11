"use strict";

// The requests and responses of node:http, as Express and Fastify hand them on.

const { SESSION_HEADER, Stop, bytesOfParsed, refuseEncoding } = require("./adapter.js");

/**
 * @typedef {import("node:http").IncomingMessage & { body?: unknown, auth?: unknown }} NodeRequest
 * @typedef {import("node:http").ServerResponse} NodeResponse
 */

/**
 * @param {NodeRequest} request
 * @returns {import("./adapter.js").Exchange}
 */
function exchangeOf(request) {
  const target = request.url ?? "";
  const query = target.indexOf("?");
  const lines = linesOf(request.rawHeaders);
  return {
    method: request.method ?? "",
    target,
    path: query < 0 ? target : target.slice(0, query),
    lines,
    isEmpty: !hasBody(request) && (request.body ?? undefined) === undefined,
    readBody: (limit) => readBody(request, lines, limit),
  };
}

/** @type {readonly string[]} */
const NONE = Object.freeze([]);

/**
 * Every field line of a header, as it came, by its name in lower case; `headers` joins or drops repeated ones.
 * @param {readonly string[]} rawHeaders names and values in turn
 * @returns {(wanted: string) => readonly string[]}
 */
function linesOf(rawHeaders) {
  /** @type {string[]} */
  const names = [];
  for (let at = 0; at < rawHeaders.length; at += 2) names.push(/** @type {string} */ (rawHeaders[at]).toLowerCase());
  return (wanted) => {
    let found = NONE;
    for (let at = names.indexOf(wanted); at >= 0; at = names.indexOf(wanted, at + 1)) {
      found = [...found, /** @type {string} */ (rawHeaders[2 * at + 1])];
    }
    return found;
  };
}

/**
 * The whole body, or just over `limit` bytes of it. What was read can be read again.
 * @param {NodeRequest} request
 * @param {(name: string) => readonly string[]} lines
 * @param {number} limit
 * @returns {Promise<Uint8Array> | Uint8Array | string}
 */
function readBody(request, lines, limit) {
  if (!hasBody(request)) return madeWithoutBytes(request.body);
  if (request.readableDidRead) {
    if (request.body !== undefined) return bytesOfParsed(request.body);
    throw new Error("expected a body that is unread, or parsed as request.body: something read it and kept it");
  }
  refuseEncoding(lines("content-encoding"));
  return peek(request, limit);
}

/**
 * The body of a request that came without one, where something in front of us made it: what the server behind acts on. Body
 * parsers leave an empty object.
 * @param {unknown} made
 */
function madeWithoutBytes(made) {
  const body = made === undefined || made === null ? "" : bytesOfParsed(made);
  return body === "{}" ? "" : body;
}

/** @param {NodeRequest} request */
function hasBody({ headers, httpVersionMajor }) {
  const framed = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return framed || httpVersionMajor > 1; // RFC 9112 section 6.3; in HTTP/2 the frames alone tell
}

/**
 * Reads the body and puts it back (`unshift` is allowed until 'end' was emitted), so that whatever comes behind reads
 * the stream as if nobody had.
 * @param {NodeRequest} request
 * @param {number} limit
 * @returns {Promise<Uint8Array>}
 */
function peek(request, limit) {
  /** @type {Buffer[]} */
  const chunks = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const settle = (/** @type {() => void} */ how) => {
      request.off("readable", read).off("end", ended).off("error", left).off("close", left);
      how();
    };
    const read = () => {
      for (let chunk = request.read(); chunk !== null && size <= limit; chunk = request.read()) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > limit) break;
      }
      if (size <= limit && !request.complete) return;
      const body = Buffer.concat(chunks);
      settle(() => {
        if (size > 0) request.unshift(body);
        resolve(body);
      });
    };
    const ended = () =>
      settle(() => {
        if (size === 0) resolve(Buffer.alloc(0));
        else reject(new Error("expected HTTP/1.1: a body of HTTP/2 cannot be put back"));
      });
    const left = () => settle(() => reject(new Stop({ gone: true })));
    request.on("readable", read).on("end", ended).on("error", left).on("close", left);
  });
}

/**
 * Sends an answer of ours.
 * @param {NodeResponse} response
 * @param {import("./adapter.js").Answer} answer
 */
function send(response, { status, headers, body }) {
  if (response.headersSent) return;
  response.statusCode = status;
  for (const [name, value] of headers) response.setHeader(name, value);
  response.end(body);
}

/**
 * Calls `opened` with the session that the application names in its response. The response passes untouched.
 * @param {NodeResponse} response
 * @param {(session: unknown) => void} opened
 */
function watchSession(response, opened) {
  const { writeHead } = response;
  /** @param {any[]} given */
  response.writeHead = function watched(...given) {
    response.writeHead = writeHead;
    const sent = Reflect.apply(writeHead, response, given);
    const session = response.getHeader(SESSION_HEADER) ?? valueIn(given.at(-1));
    if (session !== undefined) opened(session);
    return sent;
  };
}

/**
 * The session in the headers that `writeHead` was given: an object, or a list of names and values in turn.
 * @param {unknown} headers
 */
function valueIn(headers) {
  if (typeof headers !== "object" || headers === null) return undefined;
  const entries = Array.isArray(headers) ? pairs(headers.flat()) : Object.entries(headers);
  return entries.find(([name]) => String(name).toLowerCase() === SESSION_HEADER)?.[1];
}

/** @param {unknown[]} list */
function pairs(list) {
  return Array.from({ length: list.length / 2 }, (_, index) => list.slice(2 * index, 2 * index + 2));
}

module.exports = { exchangeOf, linesOf, send, watchSession };
