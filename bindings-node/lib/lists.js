"use strict";

// Lists without what the caller may not use, for servers of both generations of the official SDK.

const { isAccessToken } = require("./access-token.js");
const { current, judgeOf } = require("./current.js");

/**
 * @typedef {import("../index.js").AccessToken} AccessToken
 * @typedef {import("../index.js").ResourceServer} ResourceServer
 * @typedef {(request: any, context: Context) => unknown} RequestHandler
 *
 * What a handler of either generation learns of its request: v2 has `http` and `mcpReq`, v1 has the other two.
 * @typedef {{
 *   http?: { authInfo?: Bearer },
 *   mcpReq?: { envelope?: unknown },
 *   authInfo?: Bearer,
 *   requestInfo?: unknown,
 * }} Context
 * @typedef {{ extra?: Record<string, unknown> }} Bearer
 *
 * The member of the result that is a list, the kind of call that uses an item, and the item's name.
 * @typedef {{ member: string, kind: "tools" | "prompts" | "resources", name: string }} List
 */

/** @type {ReadonlyMap<string, List>} */
const LISTS = new Map([
  ["tools/list", { member: "tools", kind: "tools", name: "name" }],
  ["prompts/list", { member: "prompts", kind: "prompts", name: "name" }],
  ["resources/list", { member: "resources", kind: "resources", name: "uri" }],
  ["resources/templates/list", { member: "resourceTemplates", kind: "resources", name: "uriTemplate" }],
]);

/** @type {typeof import("../types/lists.js").filterLists} */
function filterLists(gate, server) {
  const gateNow = current(gate);
  /** @param {AccessToken} token */
  const judge = (token) => (typeof gate === "function" ? judgeOf(token) : undefined) ?? gateNow();
  const registry = registryOf(server);
  const { setRequestHandler } = registry;
  registry.setRequestHandler = (/** @type {unknown[]} */ ...given) => {
    const [first] = given; // v2: the method, v1: a schema of requests
    const handler = /** @type {RequestHandler} */ (given.pop());
    /** @type {RequestHandler} */
    const filtering = async (request, context) => {
      const list = LISTS.get(typeof first === "string" ? first : request.method);
      const result = await handler(request, context);
      return list === undefined ? result : filtered(judge, list, result, context);
    };
    return Reflect.apply(setRequestHandler, registry, [...given, filtering]);
  };
  return server;
}

/**
 * The object that handlers are registered with.
 * @param {unknown} server
 * @returns {{ setRequestHandler: Function, assertCanSetRequestHandler: (method: string) => void }}
 */
function registryOf(server) {
  const registry = Reflect.get(Object(server), "server") ?? server;
  if (typeof registry?.setRequestHandler !== "function") throw new TypeError("expected a server of the official SDK");
  try {
    for (const method of LISTS.keys()) registry.assertCanSetRequestHandler(method);
  } catch (cause) {
    const cure =
      "call it before anything is registered, and without tools, prompts and resources in an McpServer's capabilities";
    throw new TypeError(`filterLists: the server has a list already: ${cure}`, { cause });
  }
  return registry;
}

/**
 * The result itself is left alone: the application may keep it for other callers.
 * @param {(token: AccessToken) => ResourceServer} judge
 * @param {List} list
 * @param {any} result
 * @param {Context} context
 */
function filtered(judge, { member, kind, name }, result, context) {
  const bearer = context.http?.authInfo ?? context.authInfo;
  if (bearer === undefined && context.http === undefined && context.requestInfo === undefined) return result;
  const token = bearer?.extra?.accessToken;
  /** @param {AccessToken} token */
  const allowedTo = (token) => {
    const gate = judge(token);
    return result[member].filter((/** @type {Record<string, string>} */ item) =>
      gate.allowed(token, kind, item[name] ?? ""),
    );
  };
  const items = isAccessToken(token) ? allowedTo(token) : [];
  const isCacheable = context.mcpReq?.envelope !== undefined || result.cacheScope !== undefined;
  return { ...result, [member]: items, ...(isCacheable ? { cacheScope: "private" } : {}) };
}

module.exports = { filterLists };
