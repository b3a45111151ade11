import type { ResourceServer } from "../index.js";
import type { AuthInfo } from "../types/auth-info.js";

export { accessToken } from "../types/auth-info.js";
export type { AuthInfo, Gate, TokenBearer } from "../types/auth-info.js";
export { declared } from "../types/declared.js";
export type { Connectable, DeclaredOptions } from "../types/declared.js";
export { filterLists } from "../types/lists.js";
export type { HandlerRegistry } from "../types/lists.js";

/**
 * The interface `OAuthTokenVerifier` of `@modelcontextprotocol/server` 2.4, for servers that must keep the SDK's own gate
 * (`requireBearerAuth`). Prefer an adapter: `scopegate/express`, `/fastify`, `/hono` or `/fetch`.
 *
 * What is lost: when keys are unavailable the answer is not a 503 with `Retry-After`; a challenge names no scopes but
 * those given to `requireBearerAuth`; a token that lacks `required_scopes` gets 401 where 403 is right, so clients
 * cannot step up; several credentials in one request are not refused; a policy cannot be enforced at all, so a
 * configuration with one is refused here.
 *
 * Pass `resourceMetadataUrl: gate.metadataUrl` and `expectedResource: new URL(gate.resource)` beside it.
 */
export class TokenVerifier {
  /** Throws `TypeError` for a configuration with a policy. */
  constructor(gate: ResourceServer, options?: { exposeToken?: boolean });

  /**
   * What the token says. `expiresAt` has the leeway in it, since the SDK compares it with its own clock.
   *
   * Rejects with the SDK's error for an invalid token, and with `Rejected` when nothing could be judged.
   */
  verifyAccessToken(token: string): Promise<AuthInfo>;
}
