"use strict";

// What all adapters share: a request of any host -> the response to send, or the token to pass on.

const { types } = require("node:util");
const { authInfo, sessionOwner } = require("./auth-info.js");
const { Rejected } = require("./errors.js");
const { HttpResponse } = require("./http-response.js");
const { current, noteJudge } = require("./current.js");
const { logLimited } = require("./log.js");
const { needOf } = require("./need.js");
const { own } = require("./own.js");
const { isListOfStrings } = require("./request.js");
const { adapterSide } = require("./resource-server.js");
const { Sessions } = require("./sessions.js");

/**
 * @typedef {import("../index.js").AccessToken} AccessToken
 * @typedef {import("../index.js").RequestDetails} RequestDetails
 * @typedef {import("../index.js").ResourceServer} ResourceServer
 * @typedef {import("../types/auth-info.js").AdapterOptions} AdapterOptions
 * @typedef {import("../types/auth-info.js").AuthInfo} AuthInfo
 * @typedef {import("../types/auth-info.js").Gate} Gate
 * @typedef {import("../types/auth-info.js").ScopesOfCall} ScopesOfCall
 * @typedef {import("./need.js").NativeFullCall} NativeFullCall
 * @typedef {{ status: number, headers: readonly (readonly [string, string])[], body: string }} Answer
 *
 * A request as a host has it. `lines` gives all field lines of a header, by its lower-case name. `readBody`
 * gives the bytes of the body, or as text what a parser in front of us made of them; a request that `isEmpty` says of
 * itself that it has none.
 * @typedef {{
 *   method: string,
 *   target: string,
 *   path: string,
 *   lines: (name: string) => readonly string[],
 *   isEmpty?: boolean,
 *   readBody: (limit: number) => Promise<Uint8Array | string> | Uint8Array | string,
 * }} Exchange
 *
 * One of: answer with this; the client has left; pass on, with the token of a guarded request.
 * @typedef {{ answer: Answer } | { gone: true } | { auth: AuthInfo | undefined, opened: (session: unknown) => void }} Verdict
 */

/** Ends the reading of a body: with an answer of the adapter's own, or because the client has left. */
class Stop extends Error {
  /** @param {{ answer: Answer } | { gone: true }} verdict */
  constructor(verdict) {
    super("the body was not read");
    this.verdict = verdict;
  }
}

/**
 * Throws TypeError for options that are not what `AdapterOptions` says.
 * @param {Gate} given
 * @param {AdapterOptions} [options]
 * @returns {(exchange: Exchange) => Verdict | Promise<Verdict>} at once where nothing has to be waited for; throws where
 *   there is no gate: a function gave none
 */
function guard(given, options) {
  const { public: listed = [], health, metrics, scopes = [], exposeToken = false, ...unknown } = own(options);
  const gateNow = current(given);
  const [option] = Object.keys(unknown);
  if (option !== undefined) {
    throw new TypeError(`${option}: unknown, expected public, health, metrics, scopes or exposeToken`);
  }
  const scopesOf = typeof scopes === "function" ? scopes : undefined;
  const fixed = typeof scopes === "function" ? [] : scopes;
  if (typeof listed === "string" || !isListOfStrings(fixed)) {
    throw new TypeError("public and scopes: expected a list of strings; scopes may be a function");
  }
  if (typeof exposeToken !== "boolean") throw new TypeError("exposeToken: expected a boolean");
  const open = new Set(listed);
  for (const path of [...open, ...[health, metrics].filter((option) => option !== undefined)]) {
    if (typeof path !== "string" || !path.startsWith("/")) {
      throw new TypeError("public, health and metrics: expected a path that begins with a slash");
    }
  }
  const sessions = sessionsOf(given);

  /**
   * @param {ResourceServer} gate
   * @param {Exchange} exchange
   */
  function unguarded(gate, exchange) {
    const { method, target, path, lines } = exchange;
    const document = gate.wellKnown(method, target, lines("origin"), {
      accessControlRequestMethod: lines("access-control-request-method"),
      accessControlRequestHeaders: lines("access-control-request-headers"),
    });
    const answer = document ?? watched(gate, method, path);
    if (answer !== undefined) return { answer };
    if (open.has(path)) return { auth: undefined, opened: () => undefined };
    const missing = sideOf(gate).notFound(target);
    return missing && { answer: missing };
  }

  /**
   * The answer to a probe or a scraper.
   * @param {ResourceServer} gate
   * @param {string} method
   * @param {string} path
   */
  function watched(gate, method, path) {
    if (path === health) return sideOf(gate).healthResponse(method);
    return path === metrics ? sideOf(gate).metricsResponse(method) : undefined;
  }

  /**
   * @param {ResourceServer} gate
   * @param {Exchange} exchange
   * @returns {Verdict | Promise<Verdict>}
   */
  function guarded(gate, { method, target, lines, isEmpty = false, readBody }) {
    const authorization = lines("authorization");
    const mcpMethod = lines("mcp-method");
    /** @type {Uint8Array | string | undefined} */
    let body;
    const details = {
      authorization,
      method,
      target,
      origin: lines("origin"),
      protocolVersion: lines("mcp-protocol-version"),
      mcpMethod,
      mcpName: lines("mcp-name"),
      scopes: fixed,
    };
    /** @param {number} limit */
    const keep = (limit) => after(readBody(limit), (read) => (body = read));
    const decided = sideOf(gate).authorize({
      ...details,
      body: isEmpty && mcpMethod.length === 0 ? EMPTY : keep, // where headers could decide, they are asked first
    });
    return scopesOf === undefined ? after(decided, passed) : asking(scopesOf);

    /**
     * @param {AccessToken} token
     * @returns {Verdict}
     */
    function passed(token) {
      if (body !== undefined && typeof body !== "string" && body.length > 0 && !areJson(lines("content-type"))) {
        logLimited("content-type", "refused: the body is not application/json in UTF-8");
        return { answer: TYPE_REFUSED };
      }
      const credential = () => credentialIn(authorization);
      const owner = () => sessionOwner(token, credential);
      const used = lines(SESSION_HEADER);
      if (used.length > 0 && sessions.areForeign(used, owner())) {
        logLimited("mcp-session-id", "refused: the session belongs to another principal");
        return { answer: SESSION_NOT_FOUND };
      }
      noteJudge(token, gate);
      return {
        auth: authInfo(gate, token, credential, exposeToken),
        /** @param {unknown} session */
        opened: (session) => sessions.opened(session, owner()),
      };
    }

    /** @param {ScopesOfCall} function_ */
    async function asking(function_) {
      const token = await decided;
      body ??= await readBody(sideOf(gate).bodyLimit);
      const verdict = passed(token);
      if (!("answer" in verdict)) await requireOfCalls(gate, token, { ...details, body }, function_);
      return verdict;
    }
  }

  return (exchange) => {
    const gate = gateNow(); // of the whole request, whatever is current when it ends
    try {
      const verdict = unguarded(gate, exchange) ?? guarded(gate, exchange);
      return isPending(verdict) ? verdict.catch((error) => stopped(gate, exchange, error)) : verdict;
    } catch (error) {
      return stopped(gate, exchange, error);
    }
  };
}

/**
 * What becomes of a request that did not come to its end.
 * @param {ResourceServer} gate
 * @param {Exchange} exchange
 * @param {unknown} error
 * @returns {Verdict}
 */
function stopped(gate, { method, lines }, error) {
  if (error instanceof Rejected) return { answer: error };
  if (error instanceof Stop) return error.verdict;
  const detail = error instanceof Error ? error.message : "an unknown error";
  return { answer: sideOf(gate).internalError(detail, { method, origin: lines("origin") }) };
}

/**
 * Goes on with a value: at once, unless it has to be waited for.
 * @template T, R
 * @param {T | Promise<T>} value
 * @param {(value: T) => R} next
 * @returns {R | Promise<R>}
 */
function after(value, next) {
  return isPending(value) ? value.then(next) : next(value);
}

/**
 * Whether a value has to be waited for. An async function's promise is the language's own, whatever class a program has
 * put in the place of the global one.
 * @template T
 * @param {T | Promise<T>} value
 * @returns {value is Promise<T>}
 */
function isPending(value) {
  return types.isPromise(value) || value instanceof Promise;
}

/**
 * For hosts with callbacks: hands the verdict on, at once where nothing has to be waited for.
 * @param {ReturnType<typeof guard>} judge
 * @param {Exchange} exchange
 * @param {(verdict: Verdict) => unknown} act
 * @param {(error: any) => unknown} fail
 */
function judged(judge, exchange, act, fail) {
  let verdict;
  try {
    verdict = judge(exchange);
  } catch (error) {
    fail(error);
    return;
  }
  if (isPending(verdict)) void verdict.then(act, fail);
  else act(verdict);
}

/**
 * Asks the function for each call that the policy allows, and checks the token for all that it said.
 * @param {ResourceServer} gate
 * @param {AccessToken} token
 * @param {RequestDetails & { body: Uint8Array | string }} details
 * @param {ScopesOfCall} scopesOf
 */
async function requireOfCalls(gate, token, details, scopesOf) {
  gate.require(token, details); // where headers decided, the policy has not seen the body
  const scopes = await needOf(scopesOf, sideOf(gate).calls(details), token);
  if (scopes.length > 0) gate.require(token, { ...details, scopes });
}

/** A body that need not be asked for. */
const EMPTY = new Uint8Array();

/** The name under which hosts' headers and responses have the session. */
const SESSION_HEADER = "mcp-session-id";

/** The body decides, and is read as sent: inflating it here would be a second parser in front of the server's. */
const ENCODING_REFUSED = unsupported("Content-Encoding", [["Accept-Encoding", "identity"]]);

/** The body decides, and is read as JSON in UTF-8: a server behind may read another type otherwise. */
const TYPE_REFUSED = unsupported("Content-Type", []);

/**
 * @param {string} what
 * @param {[string, string][]} headers
 */
function unsupported(what, headers) {
  return new HttpResponse({
    status: 415,
    headers: [["Content-Type", "application/json"], ["Cache-Control", "no-store"], ...headers],
    body: `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"${what} not supported"}}`,
  });
}

/** As the SDKs answer for a session that they do not know: no one learns that it is another's. */
const SESSION_NOT_FOUND = new HttpResponse({
  status: 404,
  headers: [
    ["Content-Type", "application/json"],
    ["Cache-Control", "no-store"],
  ],
  body: '{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}',
});

/**
 * Throws a `Stop` when the body has a coding.
 * @param {readonly string[]} contentEncoding
 */
function refuseEncoding(contentEncoding) {
  const codings = contentEncoding.flatMap((line) => line.split(",")).map((coding) => coding.trim().toLowerCase());
  if (codings.every((coding) => coding === "" || coding === "identity")) return;
  logLimited("content-encoding", "refused: the body has a Content-Encoding");
  throw new Stop({ answer: ENCODING_REFUSED });
}

/**
 * Whether every parser takes these lines of Content-Type (RFC 9110 section 8.3) for JSON in UTF-8. Without one nothing
 * says otherwise.
 * @param {readonly string[]} contentType
 */
function areJson([line, ...more]) {
  if (line === undefined) return true;
  const [essence, ...parameters] = line.split(";").map((part) => part.trim().toLowerCase());
  const charsets = parameters.filter((part) => part.includes("charset"));
  const isUtf8 = charsets.every((part) => /^charset="?utf-?8"?$/.test(part));
  return more.length === 0 && !line.includes(",") && essence === "application/json" && isUtf8;
}

/**
 * What a body parser made, as bytes again: the policy then judges what the server behind acts on.
 * @param {unknown} parsed
 * @returns {Uint8Array | string}
 */
function bytesOfParsed(parsed) {
  if (parsed instanceof Uint8Array) return parsed;
  if (typeof parsed === "string") return parsed;
  const json = written(parsed);
  if (json === undefined) throw new TypeError("the parsed body is no JSON value");
  return json;
}

/**
 * JSON.parse reads what JSON.stringify has no stack for; in its place stands what is too deep for the core as well.
 * @param {unknown} parsed
 */
function written(parsed) {
  try {
    return JSON.stringify(parsed);
  } catch (error) {
    if (error instanceof RangeError) return "[".repeat(1000) + "]".repeat(1000);
    throw error;
  }
}

/**
 * The token of a request that passed: it has one Authorization line, and that one Bearer token.
 * @param {readonly string[]} authorization
 */
function credentialIn([line = ""]) {
  return line.trim().split(/[ \t]+/)[1] ?? "";
}

/**
 * By the gate, or by the function that gives it: sessions outlive a gate that is replaced.
 * @type {WeakMap<Gate, InstanceType<typeof Sessions>>}
 */
const sessionsByGate = new WeakMap();

/** @param {Gate} gate */
function sessionsOf(gate) {
  const sessions = sessionsByGate.get(gate) ?? new Sessions();
  sessionsByGate.set(gate, sessions);
  return sessions;
}

/**
 * @typedef {{
 *   hasPolicy: boolean,
 *   leewaySeconds: number,
 *   bodyLimit: number,
 *   authorize: (details: import("./request.js").Described) => AccessToken | Promise<AccessToken>,
 *   notFound: (target: string) => Answer | undefined,
 *   healthResponse: (method: string) => Answer | undefined,
 *   metricsResponse: (method: string) => Answer | undefined,
 *   internalError: (detail: string, details?: RequestDetails) => Answer,
 *   calls: (details: RequestDetails) => NativeFullCall[],
 * }} AdapterSide
 */

/**
 * @param {ResourceServer} gate
 * @returns {AdapterSide}
 */
function sideOf(gate) {
  return Reflect.get(gate, adapterSide);
}

module.exports = { SESSION_HEADER, Stop, bytesOfParsed, guard, judged, refuseEncoding, sideOf };
