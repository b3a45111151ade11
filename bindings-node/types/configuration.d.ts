/** What a call needs: scopes, all of them, or `"deny"`. */
export type PolicyEntry = readonly string[] | "deny";

/**
 * The configuration of a resource server: the same document in every language, so its keys are in snake case.
 * `resource` and `authorization_servers` alone are a complete, strict one. Unknown keys are errors.
 */
export interface Configuration {
  /**
   * The RFC 8707 identifier of the server: exactly the URL that users paste into a client. It is the audience that
   * every token must name and the source of the metadata URL. https, or http on loopback. Required.
   */
  resource: string;
  /** Who may issue tokens: issuer identifiers, or objects. At least one. Required. */
  authorization_servers: readonly (string | AuthorizationServer)[];
  /** The scopes that the metadata advertises. Default: the member is left out. */
  scopes_supported?: readonly string[];
  /** The scopes that every request needs. */
  required_scopes?: readonly string[];
  /** The scopes that a 401 asks for. Default: the need of the request. */
  initial_scopes?: readonly string[];
  /** Which scopes an MCP call needs, by its method, tool, resource and prompt. Default: `required_scopes` alone. */
  policy?: Policy;
  /** Scopes that a granted scope covers beside itself. */
  scope_implications?: Readonly<Record<string, readonly string[]>>;
  /** Whether a granted `a:b:*` covers every scope that begins with `a:b:`. Default: `false`. */
  scope_wildcards?: boolean;
  /** Further accepted `aud` values, compared exactly. Each widens what is accepted. */
  additional_audiences?: readonly string[];
  /** Refuse a token whose `aud` also names someone else. Default: `false`. */
  reject_foreign_audiences?: boolean;
  /** The clock difference that is allowed, in seconds. Range: 0 to 300. Default: 30. */
  leeway_seconds?: number;
  /**
   * Refuse tokens issued longer ago than this, in seconds; it makes `iat` required. Range: 1 to 31536000. Default:
   * none.
   */
  max_token_age_seconds?: number;
  /**
   * Refuse tokens that are valid for longer than this from their issue, in seconds; it makes `iat` required. Range: 1
   * to 31536000. Default: none.
   */
  max_token_lifetime_seconds?: number;
  /**
   * What the challenge of a 403 lists. `"required_and_granted"`: The need of the request, then the granted scopes that
   * the configuration knows: clients before 2026 replace their scopes by the challenge's. `"required"`: The need of the
   * request. Default: `required_and_granted`.
   */
  challenge_scopes?: "required_and_granted" | "required";
  /**
   * The form of a 403's body. `"auto"`: A JSON-RPC error for a POST whose id is known, the OAuth form otherwise.
   * `"oauth"`: Always the OAuth form. Default: `auto`.
   */
  refusal_body?: "auto" | "oauth";
  /** Further members of the metadata document (RFC 9728 section 2), in this order. */
  metadata?: Readonly<Record<string, unknown>>;
  /** Also answer the root well-known path for a resource with a path. Default: `false`. */
  serve_root_metadata?: boolean;
  /**
   * Also serve the metadata of the first advertised authorization server (RFC 8414), for clients before MCP 2025-06-18.
   * Clients since then must refuse it, as its issuer is not the URL that they ask. Default: `false`.
   */
  serve_authorization_server_metadata?: boolean;
  /** Origins whose scripts may read refusals. */
  cors_origins?: readonly string[];
  /** When set, a request with another `Origin` is refused before its token is read. Default: any. */
  allowed_origins?: readonly string[];
  /** Keys that are not trusted, whatever their issuer publishes. */
  distrusted_keys?: readonly DistrustedKey[];
  /** How keys are kept. */
  keys?: KeySettings;
  /** How many verified tokens are kept. */
  token_cache?: TokenCacheSettings;
  /** Whether an audit event of each decision is kept for the host to drain, and how many. */
  events?: EventsSettings;
  /** How keys are fetched. */
  http?: HttpSettings;
}

/** An authorization server whose tokens are accepted. */
export interface AuthorizationServer {
  /** The accepted `iss`, or a list of accepted values that share one key source; compared exactly. Required. */
  issuer: string | readonly string[];
  /**
   * What `{tenant}` in the issuer stands for: each tenant's issuer is accepted, compared exactly. `{tenant}` may also
   * stand in `discovery_url`, `metadata_issuer`, `advertise` and `jwks_uri`. Each tenant is an authorization server
   * with keys of its own; where all keys are at one place without `{tenant}`, the tenants share them like a list of
   * issuers.
   */
  tenants?: readonly string[];
  /**
   * What the tokens of a product are like: a name for values of the members below, of which those given here replace
   * its own. `docs/issuers` has a page for each.
   */
  preset?: PresetName;
  /** Where the discovery document is. Default: derived from the issuer, RFC 8414 section 3. */
  discovery_url?: string;
  /** What the discovery document must call itself. Default: the first issuer. */
  metadata_issuer?: string;
  /** The identifier in our metadata; `false` leaves this server out. Default: `metadata_issuer`. */
  advertise?: string | boolean;
  /** The key set itself (RFC 7517 section 5): nothing is fetched. */
  jwks?: { readonly keys: readonly unknown[] };
  /** A file that holds the key set: nothing is fetched. It is read once, when the server is made. */
  jwks_file?: string;
  /** The URL of the key set, in the place of discovery. */
  jwks_uri?: string;
  /**
   * The accepted algorithms, of RS, PS and ES with 256, 384 and 512 bits, and EdDSA. `none` and HMAC do not exist here.
   * Default: RS256, PS256, ES256, EdDSA.
   */
  algorithms?: readonly string[];
  /**
   * What a token of this issuer must look like. `"generic"`: A JWT with a scope or client claim that is no other kind
   * of token. `"rfc9068"`: An RFC 9068 access token: `typ` `at+jwt` and every required claim. Default: `generic`.
   */
  token_format?: "generic" | "rfc9068";
  /** Further `aud` values accepted from this issuer. */
  additional_audiences?: readonly string[];
  /** A claim that stands in for an absent `aud`. */
  unsafe_client_audience?: ClientAudience;
  /**
   * Where a token says its scopes: the first claim that is present. A list is the path to a claim within objects.
   * Default: scope, scp, scopes, permissions.
   */
  scope_claims?: readonly (string | readonly string[])[];
  /** What is put before each scope of a token that lacks it. */
  scope_prefix?: string;
  /** Where a token says its client: the first claim that is present. Default: client_id, azp, appid, cid. */
  client_id_claims?: readonly string[];
  /** Claims that must have this value, or one of these values. */
  required_claims?: Readonly<Record<string, unknown>>;
}

/** What the tokens of an issuer are like, by a name. */
export type PresetName =
  | "scalekit"
  | "entra"
  | "entra_v1"
  | "cognito"
  | "okta"
  | "keycloak"
  | "auth0"
  | "workos"
  | "descope"
  | "authentik"
  | "adfs";

/** A claim that stands in for an absent `aud`. */
export interface ClientAudience {
  /** The claim. Required. */
  claim: string;
  /** Its accepted values. Required. */
  values: readonly string[];
}

/** Which scopes each MCP call needs. The entries of the method and of the name are joined. */
export interface Policy {
  /** The rule of a call of which no map has the method or the name. Required. */
  default: PolicyEntry;
  /** Rules by JSON-RPC method; `*` may stand once, as the last character. */
  methods?: Readonly<Record<string, PolicyEntry>>;
  /** Rules by the tool's name; `*` may stand once, as the last character. */
  tools?: Readonly<Record<string, PolicyEntry>>;
  /**
   * Rules by the resource's URI, in the form that URIs are compared in: without query and fragment, scheme and host in
   * lower case, nothing escaped that need not be, everything beyond ASCII escaped. `*` may stand once, as the last
   * character, after a slash or a scheme: it stands for any number of whole segments.
   */
  resources?: Readonly<Record<string, PolicyEntry>>;
  /** Rules by the prompt's name; `*` may stand once, as the last character. */
  prompts?: Readonly<Record<string, PolicyEntry>>;
  /** The largest body that is read, in bytes. Range: 1 to 1073741824. Default: 4194304. */
  max_body_bytes?: number;
  /**
   * The server behind compares `Mcp-Method` and `Mcp-Name` with the body (MCP 2026-07-28 and later), so that they may
   * stand for it: then a body is asked for only where they do not say all. Wrong if set for a server that does not.
   * Default: `false`.
   */
  headers_verified?: boolean;
}

/** A key that is not trusted: every key that its issuer publishes under this `kid`. */
export interface DistrustedKey {
  /** One of the issuers of a server in `authorization_servers`. Required. */
  issuer: string;
  /** The `kid`, 1 to 256 bytes. Required. */
  kid: string;
}

/** How many audit events are kept until they are drained. */
export interface EventsSettings {
  /** How many events. What comes when there is no room is counted and dropped. Range: 1 to 1000000. Default: 8192. */
  capacity?: number;
}

/**
 * How many verified tokens are kept, so that the same token need not be verified for each request; all that can change is
 * judged each time. 0 for either turns it off.
 */
export interface TokenCacheSettings {
  /** How many tokens. Range: 0 to 1000000. Default: 10000. */
  capacity?: number;
  /** How much memory they may take, in bytes: 0, or at least 65536. Range: 0 to 17179869184. Default: 67108864. */
  max_bytes?: number;
}

/** How key sets are kept. */
export interface KeySettings {
  /** How long a set is fresh whose response does not say, in seconds. Range: 300 to 3600. Default: 600. */
  default_ttl_seconds?: number;
  /**
   * How long a set is used while its server cannot be reached, in seconds: 0, or at least 60. Range: 0 to 604800.
   * Default: 86400.
   */
  max_stale_seconds?: number;
  /** A key that is not held may be asked for once in this many seconds. Range: 5 to 3600. Default: 30. */
  unknown_key_interval_seconds?: number;
  /** How many requests may wait for one fetch. Range: 1 to 100000. Default: 64. */
  max_waiters?: number;
  /** The largest RSA key, in bits. Range: 2048 to 8192. Default: 4096. */
  rsa_max_bits?: number;
  /**
   * Whether sets are fetched when they are due without a request that waits. `false` is for hosts that freeze between
   * requests: the request that finds a set due fetches, waits for at most 2 seconds, and else uses what is held.
   * Default: `true`.
   */
  background_refresh?: boolean;
  /**
   * Keys to begin with, as `exportKeys` wrote them. They age on since then, and are fetched anew when they are due;
   * keys of servers that are not configured, and keys that are too old, are passed over.
   */
  snapshot?: KeySnapshot;
}

/** Key sets as `exportKeys` returns them. Whoever can change them can make tokens: keep them like the configuration. */
export interface KeySnapshot {
  /** The version of this format: 1. Required. */
  version: number;
  /** Wall time of the export, in seconds since 1970: the keys go on ageing while the snapshot lies around. Required. */
  exported_at: number;
  /** The key sets that were usable then. Required. */
  sources: readonly SourceSnapshot[];
}

/** The key set of one authorization server. */
export interface SourceSnapshot {
  /** All accepted `iss` values of the server: the keys are imported for a server that has exactly these. Required. */
  issuers: readonly string[];
  /** How old the set was at the export, in seconds. Required. */
  age_seconds: number;
  /** From which age on the set is overdue, in seconds. Required. */
  ttl_seconds: number;
  /** Its usable keys as public JWKs, each with the algorithm that it was bound to. Required. */
  keys: readonly unknown[];
}

/** How key sets and metadata are fetched. */
export interface HttpSettings {
  /** The time for one fetch, from the name look-up to the last byte, in seconds. Range: 1 to 30. Default: 5. */
  timeout_seconds?: number;
  /** A file of PEM certificates that are trusted beside the platform's. */
  ca_file?: string;
  /** PEM certificates that are trusted beside the platform's. */
  ca_pem?: string;
  /** The URL of an HTTP proxy. Default: the environment's `HTTPS_PROXY` and its kin. */
  proxy?: string;
  /** The `User-Agent` of our requests. Default: `scopegate/` and the version. */
  user_agent?: string;
  /** Whether a `jwks_uri` from a discovery document may lead to a private address. Default: `false`. */
  allow_private_addresses?: boolean;
  /** Host names, compared exactly, that may be asked over plain http. */
  insecure_hosts?: readonly string[];
  /** What we show to a server, or an https proxy, that asks for a certificate in the TLS handshake. */
  client_certificate?: ClientCertificate;
}

/** A certificate for TLS with its private key, each in a file or as text. */
export interface ClientCertificate {
  /** A PEM file with the certificate, then those that lead to its CA. */
  certificate_file?: string;
  /** The same as text. */
  certificate_pem?: string;
  /** A PEM file with the private key, without a passphrase. Needless where the certificate's PEM holds it too. */
  key_file?: string;
  /** The same as text. */
  key_pem?: string;
}
