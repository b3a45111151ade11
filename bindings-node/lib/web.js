"use strict";

// Requests and responses of the Fetch API.

const { SESSION_HEADER, Stop, refuseEncoding } = require("./adapter.js");
const { linesOf } = require("./node-http.js");

/**
 * @param {Request} request
 * @param {string} path the path that the host routes by
 * @param {(limit: number) => Promise<Uint8Array | string>} read
 * @param {readonly string[]} [rawHeaders] of the Node.js request behind it, when there is one
 * @returns {import("./adapter.js").Exchange}
 */
function exchangeOf(request, path, read, rawHeaders) {
  const { pathname, search, username, password } = new URL(request.url);
  const lines = rawHeaders !== undefined ? linesOf(rawHeaders) : joined;
  const readBody = (/** @type {number} */ limit) => {
    refuseEncoding(lines("content-encoding"));
    if (username !== "" || password !== "") return Promise.resolve(UNREADABLE);
    return read(limit);
  };
  return { method: request.method, target: pathname + search, path, lines, readBody };

  /** @param {string} name */
  function joined(name) {
    const value = request.headers.get(name);
    return value === null ? [] : [value];
  }
}

/** Stands for the body of a request to `http://user@host/`: no Request of the Fetch API has such a URL, nor its body. */
const UNREADABLE = Uint8Array.of(0);

/**
 * The whole body, or just over `limit` bytes of it.
 * @param {Request} request
 * @param {number} limit
 */
async function readBody(request, limit) {
  if (request.body === null) return new Uint8Array();
  const chunks = [];
  let size = 0;
  const reader = request.body.getReader();
  for (let chunk = await next(reader); !chunk.done; chunk = await next(reader)) {
    const { value } = chunk;
    chunks.push(value);
    size += value.length;
    if (size > limit) {
      void reader.cancel().catch(() => undefined);
      break;
    }
  }
  return Buffer.concat(chunks);
}

/** @param {ReadableStreamDefaultReader<Uint8Array>} reader */
async function next(reader) {
  try {
    return await reader.read();
  } catch {
    throw new Stop({ gone: true });
  }
}

/**
 * The same request with a body that was read.
 * @param {Request} request
 * @param {Uint8Array} body
 */
function withBody(request, body) {
  if (request.body === null) return request;
  return new Request(request, { body: /** @type {Uint8Array<ArrayBuffer>} */ (body) });
}

/** @param {import("./adapter.js").Answer} answer */
function respond({ status, headers, body }) {
  return new Response(body === "" ? null : body, { status, headers: headers.map(([name, value]) => [name, value]) });
}

/** The client has left before its body was whole: a host must be told something, and nobody reads it. */
function nobody() {
  return new Response(null, { status: 408 });
}

module.exports = { SESSION_HEADER, exchangeOf, nobody, readBody, respond, withBody };
