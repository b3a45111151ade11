import type { ResourceServer } from "../index.js";

/** A server of the official SDK: an `McpServer`, or the `Server` within. */
export interface Connectable {
  connect(transport: never): Promise<void>;
  close(): Promise<void>;
}

/** What {@link declared} takes. */
export interface DeclaredOptions {
  /**
   * Whether to reject, with a `ConfigError` that names each, when a rule of the policy matches nothing that is offered, or
   * what is offered has no rule. Default false: each is a line of `NODE_DEBUG=scopegate`.
   */
  readonly strict?: boolean | undefined;
}

/**
 * The gate that also asks for the scopes which stand beside tools, prompts and resources, as `"scopegate/scopes"` in
 * their `_meta`, a list or `"deny"`:
 *
 * ```ts
 * server.registerTool("erase", { _meta: { "scopegate/scopes": ["admin"] } }, erase);
 * const gate = await declared(new ResourceServer(configuration), makeServer);
 * ```
 *
 * SDK 1 lists no `_meta` of prompts: there, a rule of the policy is the way.
 *
 * `makeServer` makes the server as for a request; it is called once, without a caller, and what it made is listed and
 * closed. A declaration can only add to what the policy says; where the policy has no rule, it stands in the place of
 * `default`.
 *
 * A tool that is added later is not known here: the configured policy alone decides on it, so let `default` be `"deny"`
 * where tools come later, and call this again. Given a function that gives the current gate, it gives such a function,
 * and what was listed joins whatever gate becomes current; a mistake of that one is thrown there, and nothing passes.
 *
 * Rejects with `ConfigError` for scopes that are none, `"tools.erase"` being the path of one.
 */
export function declared(
  gate: ResourceServer,
  makeServer: () => Connectable | Promise<Connectable>,
  options?: DeclaredOptions,
): Promise<ResourceServer>;
export function declared(
  gate: () => ResourceServer,
  makeServer: () => Connectable | Promise<Connectable>,
  options?: DeclaredOptions,
): Promise<() => ResourceServer>;
