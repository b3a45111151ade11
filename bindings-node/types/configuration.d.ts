/** What a call needs: scopes, all of them, or `"deny"`. */
export type PolicyEntry = readonly string[] | "deny";

/**
 * The configuration of a resource server: the same document in every language, so its keys are in snake case.
 * `resource` and `authorization_servers` alone are a complete, strict one. Unknown keys are errors.
 */
export interface Configuration {
  /** RFC 8707 identifier of this server: exactly the URL that users paste into a client. https, or http on loopback. */
  resource: string;
  /** The authorization servers whose tokens are accepted: issuers, or more about each. */
  authorization_servers: readonly (string | AuthorizationServer)[];
  /** What the metadata advertises. */
  scopes_supported?: readonly string[];
  /** Needed by every request. */
  required_scopes?: readonly string[];
  /** What a 401 asks for, when that is not the need of the request. */
  initial_scopes?: readonly string[];
  /** Which scopes each MCP call needs. */
  policy?: Policy;
  /** Scopes that a granted scope implies. */
  scope_implications?: Readonly<Record<string, readonly string[]>>;
  /** Whether a granted `a:b:*` covers `a:b:` plus one or more characters. Default false. */
  scope_wildcards?: boolean;
  /** Further accepted `aud` values, compared exactly. */
  additional_audiences?: readonly string[];
  /** Refuse a token that also names someone else. Default false. */
  reject_foreign_audiences?: boolean;
  /** Clock difference allowed, 0 to 300 seconds. Default 30. */
  leeway_seconds?: number;
  /** Refuse tokens that were issued longer ago. Makes `iat` required. */
  max_token_age_seconds?: number;
  /** Refuse tokens that are valid for longer. Makes `iat` required. */
  max_token_lifetime_seconds?: number;
  /** Whether a 403 also lists granted scopes that the configuration knows. Default `required_and_granted`. */
  challenge_scopes?: "required_and_granted" | "required";
  /** `auto`: a 403 to a POST is a JSON-RPC error when the id is known. Default `auto`. */
  refusal_body?: "auto" | "oauth";
  /** Further members of the protected resource metadata (RFC 9728). */
  metadata?: Readonly<Record<string, unknown>>;
  /** Also answer the root well-known path for a resource with a path. Default false. */
  serve_root_metadata?: boolean;
  /**
   * Also serve the metadata of the first advertised authorization server (RFC 8414), for clients before MCP 2025-06-18.
   * Clients since then must refuse it. Default false.
   */
  serve_authorization_server_metadata?: boolean;
  /** Origins whose scripts may read refusals. */
  cors_origins?: readonly string[];
  /** When set, a request with another `Origin` is refused before its token is read. */
  allowed_origins?: readonly string[];
  /** Keys that are not trusted, whoever publishes them, as `distrustKey`. */
  distrusted_keys?: readonly DistrustedKey[];
  /** How key sets are kept. */
  keys?: KeySettings;
  /** How many verified tokens are kept. */
  token_cache?: TokenCacheSettings;
  /** Whether an audit event of each decision is kept until it is drained, and how many; none by default. */
  events?: EventsSettings;
  /** How key sets and metadata are fetched. */
  http?: HttpSettings;
}

/** An authorization server whose tokens are accepted. */
export interface AuthorizationServer {
  /** The accepted `iss`, or several that share one key set. Compared exactly. */
  issuer: string | readonly string[];
  /**
   * What `{tenant}` in `issuer` stands for: each tenant's issuer is accepted. `{tenant}` may also stand in `discovery_url`,
   * `metadata_issuer`, `advertise` and `jwks_uri`.
   */
  tenants?: readonly string[];
  /** A named set of the members below: those given here replace the preset's. See `docs/issuers`. */
  preset?: PresetName;
  /** Where its metadata is. */
  discovery_url?: string;
  /** What the metadata must call itself. Default: the first issuer. */
  metadata_issuer?: string;
  /** The identifier in our own metadata; `false` leaves this server out. */
  advertise?: string | boolean;
  /** The key set itself: nothing is fetched. */
  jwks?: { readonly keys: readonly unknown[] };
  /** A file with the key set: nothing is fetched. */
  jwks_file?: string;
  /** Where the key set is, in place of discovery. */
  jwks_uri?: string;
  /** Accepted algorithms. Default RS256, PS256, ES256 and EdDSA. Never `none`, never HS256 and its kin. */
  algorithms?: readonly string[];
  /** `rfc9068` accepts only what RFC 9068 calls an access token. Default `generic`. */
  token_format?: "generic" | "rfc9068";
  /** Further accepted `aud` values of this issuer only. */
  additional_audiences?: readonly string[];
  /** A claim that stands in for an absent `aud`. */
  unsafe_client_audience?: ClientAudience;
  /** Where the scopes are: the first that is present. An entry that is a list is a path. */
  scope_claims?: readonly (string | readonly string[])[];
  /** Put before each scope of the token unless it is there. */
  scope_prefix?: string;
  /** Where the client is: the first that is present. */
  client_id_claims?: readonly string[];
  /** Claims that must have this value, or one of these. */
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
  /** The name of the claim. */
  claim: string;
  /** Its accepted values. */
  values: readonly string[];
}

/** Which scopes each MCP call needs. The entries of the method and of the name are joined. */
export interface Policy {
  /** For calls that have no entry. */
  default: PolicyEntry;
  /** By JSON-RPC method. A pattern may end with `*`. */
  methods?: Readonly<Record<string, PolicyEntry>>;
  /** By tool. A pattern may end with `*`. */
  tools?: Readonly<Record<string, PolicyEntry>>;
  /**
   * By resource URI, in the form that URIs are compared in: without query and fragment, scheme and host in lower case,
   * everything beyond ASCII escaped. A pattern ends with `/*`, `scheme:*` or `scheme://*` and stands for whole segments.
   */
  resources?: Readonly<Record<string, PolicyEntry>>;
  /** By prompt. A pattern may end with `*`. */
  prompts?: Readonly<Record<string, PolicyEntry>>;
  /** The largest body that is read. Default 4194304. */
  max_body_bytes?: number;
  /**
   * The server behind compares `Mcp-Method` and `Mcp-Name` with the body (MCP 2026-07-28 and later), so that they may
   * stand for it. Wrong if set for a server that does not. Default false.
   */
  headers_verified?: boolean;
}

/** A key that is not trusted: every key that its issuer publishes under this `kid`. */
export interface DistrustedKey {
  /** One of the issuers in `authorization_servers`. */
  issuer: string;
  /** 1 to 256 bytes. */
  kid: string;
}

/** How many audit events are kept until they are drained. */
export interface EventsSettings {
  /** How many, 1 to 1000000; 8192 by default. What comes when there is no room is counted and dropped. */
  capacity?: number;
}

/**
 * How many verified tokens are kept, so that the same token need not be verified for each request; all that can change is
 * judged each time. 0 for either turns it off.
 */
export interface TokenCacheSettings {
  /** How many tokens, 0 to 1000000. Default 10000. */
  capacity?: number;
  /** How much memory they may take, 0 or 65536 to 17179869184. Default 67108864. */
  max_bytes?: number;
}

/** How key sets are kept. */
export interface KeySettings {
  /** For key sets that come without `max-age`, 300 to 3600. Default 600. */
  default_ttl_seconds?: number;
  /** How long keys are used when no new ones are to be had, 0 or 60 to 604800. Default 86400. */
  max_stale_seconds?: number;
  /** Between two fetches because of unknown keys, 5 to 3600. Default 30. */
  unknown_key_interval_seconds?: number;
  /** Requests that may wait for one issuer's keys, 1 to 100000. Default 64. */
  max_waiters?: number;
  /** The largest RSA modulus, 2048 to 8192. Default 4096. */
  rsa_max_bits?: number;
  /**
   * Whether keys are fetched when they are due without a request that waits. False is for hosts that freeze between
   * requests: the request that finds keys due fetches them, waits for 2 s at most, and goes on with what is held. Default
   * true.
   */
  background_refresh?: boolean;
  /**
   * Keys to begin with, as `exportKeys` returned them. They age on since then. Keys that are too old, and those of
   * servers that are not configured, are passed over.
   */
  snapshot?: KeySnapshot;
}

/** Key sets as `exportKeys` returns them. Whoever can change them can make tokens: keep them like the configuration. */
export interface KeySnapshot {
  /** The version of this format. */
  version: number;
  /** When they were exported, in seconds since 1970. */
  exported_at: number;
  /** The key sets that were usable then. */
  sources: readonly SourceSnapshot[];
}

/** The key set of one authorization server. */
export interface SourceSnapshot {
  /** All its issuers: the keys are for a server that has exactly these. */
  issuers: readonly string[];
  /** How old the keys were at the export. */
  age_seconds: number;
  /** From which age on they are overdue. */
  ttl_seconds: number;
  /** Public JWKs. */
  keys: readonly unknown[];
}

/** How key sets and metadata are fetched. */
export interface HttpSettings {
  /** From DNS to the last byte, 1 to 30. Default 5. */
  timeout_seconds?: number;
  /** Certificates to trust beside the platform's. */
  ca_file?: string;
  /** The same as PEM text. */
  ca_pem?: string;
  /** The proxy, in place of the environment's. */
  proxy?: string;
  /** The `User-Agent` of our requests. */
  user_agent?: string;
  /** Whether a discovered key location may be on a private network. Default false. */
  allow_private_addresses?: boolean;
  /** Exact host names that may be asked over plain http. */
  insecure_hosts?: readonly string[];
  /** Shown to a server, or an https proxy, that asks for a certificate in the TLS handshake. */
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
