import type { FastifyPluginAsync } from "fastify";
import type { IncomingMessage } from "node:http";
import type { AccessToken } from "../index.js";
import type { AdapterOptions, Gate, TokenBearer } from "../types/auth-info.js";

export type { AdapterCall, AdapterOptions, AuthInfo, Gate, ScopesOfCall, TokenBearer } from "../types/auth-info.js";

/** What the plugin takes. */
export interface PluginOptions extends AdapterOptions {
  /** The resource server, or a function that gives it. */
  gate: Gate;
}

/**
 * Guards every route of the application, but for the well-known ones and the paths in `public`:
 * `app.register(scopegate, { gate })`.
 *
 * A request that passes has an `AuthInfo` as `request.raw.auth`, which the handlers of the official SDKs read; any other
 * is answered with the refusal, unchanged. It works before the body is parsed, after every `onRequest` hook. When the
 * body decides, it is read only after the token proved good, as it was sent; the parser then reads the same bytes.
 *
 * Throws `TypeError` for options that are not what {@link PluginOptions} says.
 */
export const scopegate: FastifyPluginAsync<PluginOptions>;

/**
 * The token that the plugin verified: of a route's `request.raw`, or of the `AuthInfo` that the SDK handed on.
 *
 * Throws `TypeError` when there is none, as on a public path.
 */
export function accessToken(auth: TokenBearer | IncomingMessage | undefined): AccessToken;
