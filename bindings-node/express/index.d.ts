import type { IncomingMessage, ServerResponse } from "node:http";
import type { AdapterOptions, Gate } from "../types/auth-info.js";

export { accessToken } from "../types/auth-info.js";
export type { AdapterCall, AdapterOptions, AuthInfo, Gate, ScopesOfCall, TokenBearer } from "../types/auth-info.js";

/** Middleware for Express 4 and 5, and for whatever else calls it with a request and response of `node:http`. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/**
 * Guards everything that comes behind it, but for the well-known routes and the paths in `public`.
 *
 * A request that passes has an `AuthInfo` as `req.auth`, which the handlers of the official SDKs read; any other is
 * answered with the refusal, unchanged. Mount it at the root, so that clients find the metadata; under a prefix, paths
 * are those below the prefix, and {@link metadata} serves the metadata.
 *
 * When the body decides, it is read only after the token proved good, as it was sent, and can be read again; where a
 * body parser ran first, what it made is judged. Responses pass untouched. A session of the SDKs' session transports
 * (`Mcp-Session-Id`) is refused to other principals than the one it was opened for, in this process.
 *
 * Throws `TypeError` for options that are not what {@link AdapterOptions} says.
 */
export function scopegate(gate: Gate, options?: AdapterOptions): Middleware;

/** Serves the protected resource metadata alone, for an application that mounts {@link scopegate} under a prefix. */
export function metadata(gate: Gate): Middleware;
