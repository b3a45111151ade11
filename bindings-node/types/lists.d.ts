import type { Gate } from "./auth-info.js";

/** Where a server of the official SDK registers handlers: its low-level `Server`. */
export interface HandlerRegistry {
  setRequestHandler(...registration: never[]): void;
  assertCanSetRequestHandler(method: never): void;
}

/**
 * Leaves out of each list (`tools/list`, `prompts/list`, `resources/list`, `resources/templates/list`) what the caller
 * may not use, and marks it as private where the protocol has caches, so that none hands it to another caller. Returns
 * the same server, an `McpServer` or the `Server` within:
 *
 * ```ts
 * const server = filterLists(gate, new McpServer({ name: "weather", version: "1.0.0" }));
 * ```
 *
 * It hides names; it is the adapter in front that refuses the calls. Over stdio there is no caller, and lists stay
 * whole. Over HTTP without an adapter in front nothing is listed. What a `fallbackRequestHandler` lists is not filtered.
 *
 * Throws `TypeError` when the server has a list already: call it before a tool, prompt or resource is registered, and
 * leave these out of the `capabilities` of an `McpServer`, which declares them itself.
 */
export function filterLists<Server extends HandlerRegistry | { readonly server: HandlerRegistry }>(
  gate: Gate,
  server: Server,
): Server;
