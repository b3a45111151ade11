import type { AdapterOptions, AuthInfo, Gate } from "../types/auth-info.js";

export { accessToken } from "../types/auth-info.js";
export type { AdapterCall, AdapterOptions, AuthInfo, Gate, ScopesOfCall, TokenBearer } from "../types/auth-info.js";

/** A function that answers requests of the Fetch API. It gets the verified token of a guarded request. */
export type FetchHandler = (request: Request, options?: { authInfo?: AuthInfo }) => Response | Promise<Response>;

/** Such a function, or an object that has it, as `createMcpHandler` of the official SDK makes it. */
export type Handler = FetchHandler | { fetch: FetchHandler };

/**
 * Guards everything that `handler` answers, but for the well-known routes and the paths in `public`. Serve the
 * function that this returns.
 *
 * A request that passes reaches the handler with `{ authInfo }`; any other is answered with the refusal, unchanged.
 * The body is read only when it decides, after the token proved good, and can be read again. The Fetch API joins
 * repeated header lines with a comma: two `Authorization` lines are refused all the same.
 *
 * Throws `TypeError` for options that are not what {@link AdapterOptions} says.
 */
export function protect(
  gate: Gate,
  handler: Handler,
  options?: AdapterOptions,
): (request: Request) => Promise<Response>;
