import type { AuthorizationServer } from "../index.js";

/** What a token says. Each claim that RFC 9068 requires has a default; `null` leaves it out. */
export interface Claims {
  /** Scopes, separated by single blanks. */
  scope?: string | null;
  /** The user. */
  sub?: string | null;
  /** The audience; the resource of the issuer unless given. */
  aud?: string | readonly string[] | null;
  /** No claim, but the seconds from now to `exp`, which may be negative. Default 300. */
  expires_in?: number;
  /** Any other claim. */
  [claim: string]: unknown;
}

/**
 * An authorization server in memory, which signs whatever it is asked to: no network, no account.
 *
 * Its keys are made anew for each instance and protect nothing.
 */
export class Issuer {
  /** `resource`: the audience of its tokens, unless they say otherwise. Default `https://mcp.test/mcp`. */
  constructor(options?: { resource?: string });

  /** The `iss` of its tokens. */
  get issuer(): string;

  /**
   * An entry for `authorization_servers` with the present key. A `ResourceServer` that was made from it does not see a
   * later {@link rotate}.
   */
  server(): AuthorizationServer & { issuer: string; jwks: { keys: unknown[] } };

  /** A signed token (RFC 9068). */
  mint(claims?: Claims): string;

  /** The value of an `Authorization` header with a token as {@link mint} makes it. */
  authorization(claims?: Claims): string;

  /** Request headers with a token as {@link mint} makes it. */
  headers(claims?: Claims): { Authorization: string };

  /** Signs with a new key from now on. Servers that were made before know only the old one. */
  rotate(): void;
}
