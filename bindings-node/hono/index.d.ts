import type { MiddlewareHandler } from "hono";
import type { ResourceServer } from "../index.js";
import type { AdapterOptions, AuthInfo } from "../types/auth-info.js";

export { accessToken } from "../types/auth-info.js";
export type { AdapterOptions, AuthInfo, TokenBearer } from "../types/auth-info.js";

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
export function scopegate(
  gate: ResourceServer,
  options?: AdapterOptions,
): MiddlewareHandler<{ Variables: { auth: AuthInfo } }>;
