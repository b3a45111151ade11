"use strict";

// What a server of the official SDK offers, asked for as a client asks: over a connection within the process.

/**
 * @typedef {import("../index.js").Offered} Offered
 * @typedef {import("../types/declared.js").Connectable} Connectable
 * @typedef {{ id: number, result?: any, error?: { code: number, message: string } }} Answer
 */

/** The member of `_meta` of a tool, prompt or resource that holds the scopes it needs, or `"deny"`. */
const META = "scopegate/scopes";

/** @type {readonly { method: string, capability: string, member: string, kind: Offered["kind"], name: string }[]} */
const LISTS = [
  { method: "tools/list", capability: "tools", member: "tools", kind: "tool", name: "name" },
  { method: "prompts/list", capability: "prompts", member: "prompts", kind: "prompt", name: "name" },
  { method: "resources/list", capability: "resources", member: "resources", kind: "resource", name: "uri" },
  {
    method: "resources/templates/list",
    capability: "resources",
    member: "resourceTemplates",
    kind: "resource",
    name: "uriTemplate",
  },
];

/**
 * All that a server offers, with what stands beside it. The server is closed afterwards.
 * @param {Connectable} server
 * @returns {Promise<Offered[]>}
 */
async function offeredBy(server) {
  if (typeof server?.connect !== "function") throw new TypeError("expected a function that makes a server of the SDK");
  const connection = new Connection();
  await server.connect(/** @type {never} */ (connection));
  try {
    const { capabilities } = await connection.ask("initialize", {
      protocolVersion: "2025-06-18",
      capabilities: {},
      clientInfo: { name: "scopegate", version: "1" },
    });
    connection.tell("notifications/initialized");
    const offered = [];
    for (const list of LISTS.filter(({ capability }) => capabilities?.[capability] !== undefined)) {
      offered.push(...(await itemsOf(connection, list)));
    }
    return offered;
  } finally {
    await server.close();
  }
}

/**
 * Every page of a list.
 * @param {Connection} connection
 * @param {(typeof LISTS)[number]} list
 */
async function itemsOf(connection, { method, member, kind, name }) {
  /** @type {Offered[]} */
  const items = [];
  let cursor;
  do {
    const page = await connection.ask(method, cursor === undefined ? {} : { cursor });
    for (const item of page?.[member] ?? []) {
      const scopes = item._meta?.[META];
      items.push({ kind, name: item[name], ...(scopes === undefined ? {} : { scopes }) });
    }
    cursor = page?.nextCursor;
  } while (cursor !== undefined);
  return items;
}

/** JSON-RPC's error for a method that a server has not: it offers nothing of the kind. */
const METHOD_NOT_FOUND = -32601;

/** A transport of the SDK whose other end is this program. */
class Connection {
  /** @type {((message: unknown) => void) | undefined} */
  onmessage;
  /** @type {(() => void) | undefined} */
  onclose;
  /** @type {Map<number, (answer: Answer) => void>} */
  #waiting = new Map();

  async start() {}

  /** @param {Answer} answer */
  async send(answer) {
    this.#waiting.get(answer.id)?.(answer);
  }

  async close() {
    this.onclose?.();
  }

  /**
   * @param {string} method
   * @param {object} params
   */
  async ask(method, params) {
    const id = this.#waiting.size + 1;
    const answered = new Promise((resolve) => this.#waiting.set(id, resolve));
    this.onmessage?.({ jsonrpc: "2.0", id, method, params });
    const { result, error } = /** @type {Answer} */ (await answered);
    if (error !== undefined && error.code !== METHOD_NOT_FOUND) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** @param {string} method */
  tell(method) {
    this.onmessage?.({ jsonrpc: "2.0", method });
  }
}

module.exports = { offeredBy };
