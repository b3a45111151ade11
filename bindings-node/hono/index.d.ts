import type { MiddlewareHandler } from "hono";
import type { AdapterOptions, AuthInfo, Gate } from "../types/auth-info.js";

export { accessToken } from "../types/auth-info.js";
export type { AdapterCall, AdapterOptions, AuthInfo, Gate, ScopesOfCall, TokenBearer } from "../types/auth-info.js";

/**
 * Guards everything that comes behind it, but for the well-known routes and the paths in `public`:
 * `app.use(scopegate(gate))`.
 *
 * A request that passes has an `AuthInfo` as `c.get("auth")`, for `handler.fetch(c.req.raw, { authInfo })`; any other
 * is answered with the refusal, unchanged. The body is read only when it decides, after the token proved good, and can
 * be read again. On `@hono/node-server` every `Authorization` line is seen as it came.
 *
 * Throws `TypeError` for options that are not what {@link AdapterOptions} says.
 */
export function scopegate(gate: Gate, options?: AdapterOptions): MiddlewareHandler<{ Variables: { auth: AuthInfo } }>;
