"use strict";

// The arguments of a call -> what the native module takes. Types are checked here: the native module's own errors
// would show the value, which may be a token.

const { own } = require("./own.js");

/** @type {readonly string[]} */
const NONE = Object.freeze([]);

/**
 * @typedef {import("../index.js").RequestDetails} RequestDetails
 * @typedef {Omit<RequestDetails, "body"> & { body?: Uint8Array | string | ((limit: number) => unknown) | undefined }} Described
 * @typedef {import("./native-module.js").NativeCall} NativeCall
 * @typedef {string | readonly string[] | undefined} Lines the lines of a header: one, several or none
 */

/** A request whose members have their types. */
class Prepared {
  method = "";
  target = "";
  /** @type {Lines} */
  authorization = undefined;
  /** @type {Lines} */
  origin = undefined;
  /** @type {Lines} */
  accessControlRequestMethod = undefined;
  /** @type {Lines} */
  accessControlRequestHeaders = undefined;
  /** @type {Lines} */
  protocolVersion = undefined;
  /** @type {Lines} */
  mcpMethod = undefined;
  /** @type {Lines} */
  mcpName = undefined;
  scopes = NONE;
  /** @type {NativeCall[] | undefined} */
  calls = undefined;
  /** @type {number | undefined} */
  now = undefined;
  /** @type {Uint8Array | undefined} */
  body = undefined;
  /** @type {((limit: number) => unknown) | undefined} */
  readBody = undefined;
}

/**
 * @param {Described} given
 * @returns {Prepared}
 */
function prepare(given) {
  if (typeof given !== "object" || given === null) throw new TypeError("expected an object that describes a request");
  const request = new Prepared();
  // Own members alone, as in own.js.
  const names = Object.keys(given);
  for (let at = 0; at < names.length; at += 1) set(request, given, names[at]);
  if ((request.body !== undefined || request.readBody !== undefined) && request.calls !== undefined) {
    throw new TypeError("pass body or calls, not both");
  }
  return request;
}

/**
 * Each member by its own name: reading it by a variable takes several times as long.
 * @param {Prepared} request
 * @param {any} given
 * @param {string | undefined} name
 */
function set(request, given, name) {
  switch (name) {
    case "authorization":
      request.authorization = lines(name, given.authorization);
      break;
    case "method":
      request.method = text(name, given.method);
      break;
    case "target":
      request.target = text(name, given.target);
      break;
    case "origin":
      request.origin = lines(name, given.origin);
      break;
    case "protocolVersion":
      request.protocolVersion = lines(name, given.protocolVersion);
      break;
    case "mcpMethod":
      request.mcpMethod = lines(name, given.mcpMethod);
      break;
    case "mcpName":
      request.mcpName = lines(name, given.mcpName);
      break;
    case "accessControlRequestMethod":
      request.accessControlRequestMethod = first(lines(name, given.accessControlRequestMethod));
      break;
    case "accessControlRequestHeaders":
      request.accessControlRequestHeaders = first(lines(name, given.accessControlRequestHeaders));
      break;
    case "scopes":
      request.scopes = scopes(given.scopes);
      break;
    case "body":
      if (typeof given.body === "function") request.readBody = given.body;
      else if (given.body !== undefined) request.body = bytes(given.body);
      break;
    case "calls":
      request.calls = given.calls?.map(call);
      break;
    case "now":
      request.now = seconds(given.now);
      break;
    default:
      throw new TypeError(`${name}: unknown, expected one of ${MEMBERS.join(", ")}`);
  }
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

const MEMBERS = [
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
];

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
 * @returns {Lines}
 */
function lines(name, value) {
  if (typeof value === "string") return value;
  if (value === undefined || value === null) return undefined;
  if (isListOfStrings(value)) return value;
  throw new TypeError(`${name}: expected a string, a list of strings, or undefined`);
}

/** @param {Lines} lines */
function first(lines) {
  return typeof lines === "string" ? lines : lines?.[0];
}

/**
 * @param {unknown} value
 * @returns {readonly string[]}
 */
function scopes(value) {
  if (value === undefined) return NONE;
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
