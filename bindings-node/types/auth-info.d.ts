import type { AccessToken } from "../index.js";

/**
 * What the official SDKs call a verified token: assignable to the `AuthInfo` of `@modelcontextprotocol/server` and of
 * `@modelcontextprotocol/sdk`.
 */
export interface AuthInfo {
  /** `""` unless `exposeToken` is set: MCP forbids passing a client's token on. */
  token: string;
  /** The client, `""` for a token that names a subject alone. */
  clientId: string;
  /** The effective scopes, since the SDKs compare without hierarchy. */
  scopes: string[];
  /** When the token expires, in seconds since 1970. */
  expiresAt: number;
  /** The resource that accepted the token. */
  resource: URL;
  /** Where clients find the protected resource metadata. */
  resourceMetadataUrl: string;
  /** The {@link AccessToken}; read it with `accessToken`. */
  extra: { accessToken: AccessToken } & Record<string, unknown>;
}

/** Something that may carry a verified token: an `AuthInfo` of an SDK, or a Node.js request. */
export type TokenBearer = {
  readonly extra?: Readonly<Record<string, unknown>> | undefined;
  readonly auth?: { readonly extra?: Readonly<Record<string, unknown>> | undefined } | undefined;
};

/**
 * The token that an adapter verified, from the `AuthInfo` that it handed to the SDK.
 *
 * Throws `TypeError` when there is none, as on a public path.
 */
export function accessToken(auth: TokenBearer | undefined): AccessToken;

/** What every adapter takes. */
export interface AdapterOptions {
  /** Paths that need no token, compared exactly with the path that the host routes by. */
  public?: Iterable<string> | undefined;
  /** A path that answers GET and HEAD with `{"status": ...}` of `gate.health()`, for probes, without a token. */
  health?: string | undefined;
  /** Scopes that every guarded request needs, beside the configuration's. */
  scopes?: readonly string[] | undefined;
  /** Whether the SDK's `AuthInfo` holds the token itself. Default false. */
  exposeToken?: boolean | undefined;
}
