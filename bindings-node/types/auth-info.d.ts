import type { AccessToken, ResourceServer } from "../index.js";

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

/**
 * A resource server, or a function that gives the current one: how a configuration is changed while the server runs. It
 * is called once for each request, which that gate judges from begin to end; sessions stay with their owners. Where it
 * throws, the host answers as it does for any error, and nothing passes.
 */
export type Gate = ResourceServer | (() => ResourceServer);

/** One call of a request, as the core read it: of a body in which two parsers could find different things nobody is asked. */
export interface AdapterCall {
  /** The JSON-RPC method; undefined for a request that calls nothing, as GET and DELETE of the MCP transport. */
  readonly method: string | undefined;
  /** The tool, the prompt or the URI of the resource; undefined for methods that name nothing, or many things. */
  readonly name: string | undefined;
  /** The `params`, empty where there are none. */
  readonly params: Readonly<Record<string, unknown>>;
  /** The verified token. */
  readonly token: AccessToken;
}

/**
 * Gives the scopes that a call needs beside those of the configuration and its policy. It is asked after the token
 * proved good and the policy allowed the call, for each call of a batch; what it throws is answered with 500.
 */
export type ScopesOfCall = (
  call: AdapterCall,
) => readonly string[] | undefined | null | void | Promise<readonly string[] | undefined | null | void>;

/** What every adapter takes. */
export interface AdapterOptions {
  /** Paths that need no token, compared exactly with the path that the host routes by. */
  public?: Iterable<string> | undefined;
  /** A path that answers GET and HEAD with `{"status": ...}` of `gate.health()`, for probes, without a token. */
  health?: string | undefined;
  /**
   * A path that answers GET and HEAD with the text of `gate.metrics()`, for scrapers, without a token. It names issuers:
   * have the proxy in front deny the path to all but operators.
   */
  metrics?: string | undefined;
  /**
   * Scopes that every guarded request needs, beside the configuration's; or, in front of an MCP server, a function that
   * is asked for those of each call, whose body is then always read.
   */
  scopes?: readonly string[] | ScopesOfCall | undefined;
  /** Whether the SDK's `AuthInfo` holds the token itself. Default false. */
  exposeToken?: boolean | undefined;
}
