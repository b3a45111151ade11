"use strict";

// The arguments of a call -> what the native module takes. Types are checked here: the native module's own errors
// would show the value, which may be a token.

const { own } = require("./own.js");

/**
 * @typedef {import("../index.js").RequestDetails} RequestDetails
 * @typedef {import("./native-module.js").NativeRequest} NativeRequest
 * @typedef {import("./native-module.js").NativeCall} NativeCall
 * @typedef {Exclude<RequestDetails["body"], undefined>} Body
 */

/**
 * @param {RequestDetails} given
 * @returns {{ request: NativeRequest, body: Uint8Array | undefined, readBody: ((limit: number) => unknown) | undefined }}
 */
function prepare(given) {
  if (typeof given !== "object" || given === null) throw new TypeError("expected an object that describes a request");
  const details = own(given);
  for (const name of Object.keys(details)) {
    if (!MEMBERS.has(name)) throw new TypeError(`${name}: unknown, expected one of ${[...MEMBERS].join(", ")}`);
  }
  if (details.body !== undefined && details.calls !== undefined) throw new TypeError("pass body or calls, not both");
  const request = {
    method: text("method", details.method),
    target: text("target", details.target),
    authorization: lines("authorization", details.authorization),
    origin: lines("origin", details.origin),
    accessControlRequestMethod: lines("accessControlRequestMethod", details.accessControlRequestMethod)[0],
    accessControlRequestHeaders: lines("accessControlRequestHeaders", details.accessControlRequestHeaders)[0],
    protocolVersion: lines("protocolVersion", details.protocolVersion),
    mcpMethod: lines("mcpMethod", details.mcpMethod),
    mcpName: lines("mcpName", details.mcpName),
    scopes: scopes(details.scopes),
    calls: details.calls?.map(call),
    now: seconds(details.now),
  };
  if (typeof details.body === "function") return { request, body: undefined, readBody: details.body };
  return { request, body: details.body === undefined ? undefined : bytes(details.body), readBody: undefined };
}

/**
 * The bytes of a body. Memory that another thread can write to is copied first.
 * @param {unknown} body
 * @returns {Uint8Array}
 */
function bytes(body) {
  if (typeof body === "string") return Buffer.from(body);
  if (!(body instanceof Uint8Array)) throw new TypeError("body: expected a Uint8Array or a string");
  return body.buffer instanceof ArrayBuffer ? body : Uint8Array.from(body);
}

const MEMBERS = new Set([
  "authorization",
  "method",
  "target",
  "origin",
  "accessControlRequestMethod",
  "accessControlRequestHeaders",
  "scopes",
  "protocolVersion",
  "mcpMethod",
  "mcpName",
  "body",
  "calls",
  "now",
]);

/**
 * @param {string} name
 * @param {unknown} value
 */
function text(name, value) {
  if (value === undefined) return "";
  if (typeof value !== "string") throw new TypeError(`${name}: expected a string`);
  return value;
}

/**
 * @param {string} name
 * @param {unknown} value
 * @returns {readonly string[]}
 */
function lines(name, value) {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [value];
  if (isListOfStrings(value)) return value;
  throw new TypeError(`${name}: expected a string, a list of strings, or undefined`);
}

/** @param {unknown} value */
function scopes(value) {
  if (value === undefined) return [];
  if (isListOfStrings(value)) return value;
  throw new TypeError("scopes: expected a list of strings");
}

/**
 * @param {unknown} value
 * @returns {value is string[]}
 */
function isListOfStrings(value) {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/**
 * @param {{ method: string, name?: string | undefined, id?: unknown }} given
 * @returns {NativeCall}
 */
function call(given) {
  const { method, name, id } = own(given);
  if (typeof method !== "string") throw new TypeError("calls: expected a method that is a string");
  if (name !== undefined && typeof name !== "string") throw new TypeError("calls: expected a name that is a string");
  return { method, name, id: isCallId(id) ? id : undefined };
}

/**
 * Whether the native module can hold the id; any other counts as unknown. -0 is no integer in JSON-RPC's sense.
 * @param {unknown} id
 * @returns {id is string | number}
 */
function isCallId(id) {
  return typeof id === "string" || (Number.isInteger(id) && !Object.is(id, -0) && Math.abs(Number(id)) <= 2 ** 53);
}

/** @param {unknown} now */
function seconds(now) {
  if (now === undefined || Number.isInteger(now)) return /** @type {number | undefined} */ (now);
  throw new TypeError("now: expected whole seconds since 1970");
}

module.exports = { bytes, isListOfStrings, prepare };
