/// <reference types="node" />

/**
 * An OAuth 2.1 resource server for MCP servers.
 *
 * {@link ResourceServer} judges requests. The adapters (`scopegate/express`, `/fastify`, `/hono`, `/fetch`) put it in
 * front of an application, and `scopegate/testing` has an issuer in memory for the tests of that application.
 *
 * @packageDocumentation
 */

import type { Configuration, KeySnapshot, PolicyEntry } from "./types/configuration.js";
import type { Reason } from "./types/reason.js";

export type {
  AuthorizationServer,
  ClientAudience,
  ClientCertificate,
  Configuration,
  DistrustedKey,
  EventsSettings,
  HttpSettings,
  KeySettings,
  KeySnapshot,
  Policy,
  PolicyEntry,
  PresetName,
  SourceSnapshot,
  TokenCacheSettings,
} from "./types/configuration.js";
export type { Reason } from "./types/reason.js";

/** The version of the native module that is loaded, such as "0.1.0". */
export const version: string;

/** The values of all field lines of one header: one value, a list of values, or nothing. */
export type HeaderLines = string | readonly string[] | null | undefined;

/** What is known of a request; each member may be left out. */
export interface RequestDetails {
  /** The value of **every** `Authorization` line (`req.headersDistinct.authorization`): two lines are refused. */
  authorization?: HeaderLines;
  /** The HTTP method. */
  method?: string | undefined;
  /** The path, and the query if any, as received. */
  target?: string | undefined;
  /** `Origin`. */
  origin?: HeaderLines;
  /** `Access-Control-Request-Method`. */
  accessControlRequestMethod?: HeaderLines;
  /** `Access-Control-Request-Headers`. */
  accessControlRequestHeaders?: HeaderLines;
  /**
   * Scopes that this request needs beside `required_scopes` and the policy's. One that breaks the grammar of RFC 6749
   * section 3.3, or `offline_access`, is an error of the program: the refusal is `internal`.
   */
  scopes?: readonly string[] | undefined;
  /** `MCP-Protocol-Version`. */
  protocolVersion?: HeaderLines;
  /** `Mcp-Method`. */
  mcpMethod?: HeaderLines;
  /** `Mcp-Name`. */
  mcpName?: HeaderLines;
  /**
   * The whole body, empty when the request has none. `authorize` also takes a function that reads it: it is called
   * only when the token has proved good and the body decides, with the most bytes that count; one more is refused.
   */
  body?: Uint8Array | string | ((limit: number) => Promise<Uint8Array | string>) | undefined;
  /** In place of `body`: the calls in it, for hosts whose own parser ran first. */
  calls?: readonly McpCall[] | undefined;
  /** The time to judge by, in whole seconds since 1970; the machine's clock when left out. */
  now?: number | undefined;
}

/** A JSON-RPC request or notification that the host's own parser read. */
export interface McpCall {
  /** The method, such as `tools/call`. */
  method: string;
  /**
   * What the method names: `params.name` or `params.uri`. What `completion/complete` and `subscriptions/listen` are about
   * cannot be said here: such a call is refused, and has to be handed in as `body`.
   */
  name?: string | undefined;
  /** The id of the request. What is neither an integer nor a string counts as unknown. */
  id?: unknown;
}

/** Members that replace those of another configuration, and the names of those that have their defaults again. */
export interface ConfigurationChanges extends Partial<Configuration> {
  /** Members that have their defaults again, unless they are given; `"all"` makes the changes a whole configuration. */
  reset?: readonly (keyof Configuration | "all")[];
}

/** A tool, prompt or resource that a host offers. */
export interface Offered {
  /** Its kind: the name counts within it. */
  readonly kind: "tool" | "prompt" | "resource";
  /** The name of a tool or prompt; the URI, or URI template, of a resource. */
  readonly name: string;
  /** What it declares to need. Without it, or with `null`, nothing. A resource that declares scopes must be a URI. */
  readonly scopes?: PolicyEntry | null;
}

/** How the configured policy and what a host offers fit together. */
export interface PolicyReport {
  /**
   * Configured rules, exact ones and patterns, that match nothing of their kind that is offered: often a name that is
   * spelled wrong. Rules for methods are not among them.
   */
  readonly unmatched_rules: readonly NamedThing[];
  /** What only `default` decides on: neither its name nor its method has a rule, and it declares nothing. */
  readonly defaulted: readonly NamedThing[];
  /** What `default` needs beside `required_scopes`, or `"deny"`; no scopes where no policy is configured. */
  readonly default: PolicyEntry;
  /** Offered resources that a policy lets nobody use, since servers could take the URI for another one. */
  readonly unreadable: readonly NamedThing[];
  /**
   * A sentence on each entry of these, with the path of the rule in the configuration, such as `policy.tools.wether`, or of
   * what is offered, such as `tools.weather`.
   */
  readonly forgotten: readonly { readonly path: string; readonly message: string }[];
}

/** A tool, prompt or resource, or the policy's rule for some: its kind, and its name, URI or pattern. */
export interface NamedThing {
  readonly kind: "tool" | "prompt" | "resource";
  readonly name: string;
}

/** Settings that are no part of the configuration. */
export interface ResourceServerOptions {
  /**
   * Called with each refusal, before it is thrown: for counters and logs. Nothing in a refusal comes from the token.
   * An error that it throws is dropped. Without it, `NODE_DEBUG=scopegate` writes a line for each refusal, at most
   * five a second for each reason.
   */
  onRefusal?: ((refusal: Rejected) => void) | undefined;
}

/**
 * An OAuth 2.1 resource server: judges requests, and writes refusals and the discovery document.
 *
 * `resource` and `authorization_servers` alone are a complete, strict configuration. Nothing is fetched and no thread
 * is started in the constructor. Not checked: whether a token was revoked before it expires, and the `Host` header.
 */
export class ResourceServer {
  /** Throws {@link ConfigError} with every mistake. */
  constructor(configuration: Configuration, options?: ResourceServerOptions);

  /**
   * A resource server from the configuration as JSON text, the same document for every language.
   *
   * Throws {@link ConfigError} with every mistake.
   */
  static fromJson(text: string, options?: ResourceServerOptions): ResourceServer;

  /**
   * A resource server from `process.env`, a worker's own in a worker. `SCOPEGATE_CONFIG` is the path of a JSON document, or
   * `SCOPEGATE_CONFIG_JSON` is one. Before it go `SCOPEGATE_RESOURCE`, `SCOPEGATE_AUTHORIZATION_SERVERS` (issuers with commas
   * or blanks between them, or a JSON list), `SCOPEGATE_REQUIRED_SCOPES` and `SCOPEGATE_SCOPES_SUPPORTED` (with blanks
   * between them) and `SCOPEGATE_KEY_SNAPSHOT` (the path of what `exportKeys` returned, as JSON); before these go
   * `overrides`. A variable that is empty is not set, and others are left alone.
   *
   * Throws {@link ConfigError} with every mistake; the path of one names the variable that it is in.
   */
  static fromEnv(overrides?: Partial<Configuration>, options?: ResourceServerOptions): ResourceServer;

  /**
   * The resource server that this one would be if its configuration were changed: for another resource of the same
   * authorization servers, or for a new version of the configuration while requests run. This one stays as it is.
   *
   * Each member that is given replaces that member whole; `null` is a mistake. Members that `reset` names have their
   * defaults again, unless they are given; with `"all"` the changes are a whole configuration. The whole is checked like a
   * new one, with its files read again.
   *
   * The keys of an authorization server are shared, replaced ones too, unless something has changed that governs where they
   * are, or how they are fetched, kept and read; verified tokens are shared unless `token_cache` has changed. What was
   * distrusted stays so, and so does what was declared. Each server counts its own decisions.
   *
   * Throws {@link ConfigError} with every mistake; nothing has been done then.
   */
  derive(changes: ConfigurationChanges): ResourceServer;

  /**
   * A resource server that also asks for the scopes which tools, prompts and resources declare, and how the configured
   * policy fits all that is offered. This one stays as it is; both share the keys and the verified tokens, and each counts
   * its own decisions.
   *
   * A declaration joins the rules for the method and the name: all their scopes are needed, and any denial refuses. So it
   * can only ask for more; but where the name has no rule, it stands in the place of `default`. Without a policy, what
   * declares nothing needs `required_scopes` only, as before.
   *
   * Throws {@link ConfigError} with every mistake; the path of one is such as `tools.weather`.
   */
  declare(offered: readonly Offered[]): { readonly gate: ResourceServer; readonly report: PolicyReport };

  /**
   * What the token of a request says, once everything about it was checked. Missing keys are fetched, at most once,
   * without the event loop; the wait ends after `http.timeout_seconds`, and after 2 s while keys are held.
   *
   * With a `policy`, the decision needs `body` or `calls`.
   *
   * Rejects with {@link Rejected}, and with `TypeError` for an argument of the wrong type.
   */
  authorize(request?: RequestDetails): Promise<AccessToken>;

  /**
   * As {@link authorize}, without waiting: when keys are missing, it starts to fetch them in the background and
   * refuses this request with `keys_unavailable`. `body` cannot be a function.
   *
   * Throws {@link Rejected}, and `TypeError` for an argument of the wrong type.
   */
  check(request?: RequestDetails): AccessToken;

  /**
   * Checks a further need, such as the `scopes` of one route, on a token that was verified already. With `body` or
   * `calls` the policy is checked too. It does not look at the token's expiry again. `method: "POST"` and the body
   * give the refusal the form that MCP clients read.
   *
   * Throws {@link Rejected}.
   */
  require(token: AccessToken, request?: RequestDetails): void;

  /**
   * Why a request would be accepted or refused now: every check in its order, with what was expected and found. For
   * operators and for whoever holds the token.
   *
   * It decides as {@link check} does and leaves no traces: it fetches no keys, counts nothing, logs nothing, is no event
   * and remembers no token. Where keys are missing it says so; {@link warmUp} fetches them. `body` cannot be a function.
   */
  explain(request?: RequestDetails): Explanation;

  /** Whether the policy lets this token use what is named: to leave the rest out of lists. */
  allowed(token: AccessToken, kind: "tools" | "prompts" | "resources", name: string): boolean;

  /**
   * The answer to a preflight (for any path) and to a request for the protected resource metadata (RFC 9728
   * section 3), or `undefined`: then the request is the application's. The query of `target` is ignored. After a fault of
   * the library it throws {@link Rejected}.
   */
  wellKnown(
    method: string,
    target: string,
    origin?: HeaderLines,
    preflight?: Pick<RequestDetails, "accessControlRequestMethod" | "accessControlRequestHeaders">,
  ): HttpResponse | undefined;

  /**
   * Fetches the keys of every issuer of which no usable ones are held, and the authorization server's metadata where that
   * is served. Calling it is optional.
   *
   * Rejects with an `AggregateError` that has one error for each issuer whose keys or metadata are not to be had. Those
   * that were fetched are kept.
   */
  warmUp(): Promise<void>;

  /**
   * Distrusts the keys that an issuer publishes under a `kid`, in this process and for this server: from the return on
   * every decision refuses tokens that name it as `unknown_key`, those that wait for a fetch too, and no key set that is
   * held, fetched, imported or put in place answers with such a key, under another `kid` either. There is no way back but
   * a restart; `distrusted_keys` of the configuration outlives that.
   *
   * It does not reach other servers, workers and processes, nor what an application keeps of tokens that were accepted
   * before.
   *
   * `issuer` is compared exactly. Throws `RangeError` for an issuer that is not in the configuration and for a `kid` that
   * is not 1 to 256 bytes long, and `TypeError` for an argument of the wrong type. Nothing has changed then.
   */
  distrustKey(issuer: string, kid: string): void;

  /**
   * Puts these keys in the place of an issuer's, in this process and for this server: from the return on they alone
   * answer, they do not age, and nothing is fetched before {@link resume}; a fetch that runs is discarded. `jwks` is a JWK
   * Set, an object or JSON text, whose keys must meet the configuration like fetched ones.
   *
   * It trusts no key again that was distrusted, and requests that wait for a fetch go on to wait for it before the new
   * keys decide.
   *
   * Throws `RangeError` for an issuer that is not in the configuration and for a key set without a usable key that is
   * trusted, and `TypeError` for an argument of the wrong type. The keys are the same as before then.
   */
  replaceKeys(issuer: string, jwks: string | { readonly keys: readonly unknown[] }): void;

  /**
   * Ends {@link replaceKeys}: a fetch is due at once, and the replaced keys are used until it brings the issuer's. Keys of
   * the configuration are back at once. Does nothing where no keys were replaced, and trusts no distrusted key again.
   *
   * Throws `RangeError` for an issuer that is not in the configuration.
   */
  resume(issuer: string): void;

  /**
   * The key sets that are held and came from their issuers, for `keys.snapshot`: a process that begins with them needs no
   * fetch. A plain object; `JSON.stringify` makes a file of it. It holds no secret, but whoever can change it can make
   * tokens.
   *
   * Not in it: keys that are distrusted, too old, replaced or from the configuration, and the list of what is distrusted.
   */
  exportKeys(): KeySnapshot;

  /** Counters: decisions by reason, fetches by outcome, and the state of each key source. */
  stats(): Stats;

  /**
   * The same counters as Prometheus text, to be served as `text/plain; version=0.0.4; charset=utf-8`. It names issuers:
   * show it to operators alone.
   */
  metrics(): string;

  /**
   * Takes the audit events that were kept since they were last taken, in the order of their decisions: one for each request
   * that was accepted or refused, and for each refusal of `require`. None where `events` is not configured.
   *
   * Nothing waits for who drains: without room events are dropped, and `stats().events.dropped` counts them.
   */
  drainEvents(): AuditEvent[];

  /**
   * Hands each audit event to `listener`, which is called every `interval` milliseconds (1000) for those that came since, on
   * a timer that keeps no process alive. Gives a function that ends it, after what still waits.
   *
   * What it throws keeps no other event from it: once it was called for all that came, that is thrown (an `AggregateError` of
   * several), uncaught on the timer and to the caller of the function that ends it.
   *
   * Throws `TypeError` and `RangeError` for arguments that do not fit.
   */
  onEvent(listener: (event: AuditEvent) => void, options?: { readonly interval?: number }): () => void;

  /** Whether tokens can be judged now, and what keeps them from it. */
  health(): Health;

  /** Where clients find the protected resource metadata. */
  get metadataUrl(): string;

  /** The resource identifier, as configured. */
  get resource(): string;

  /** The host of the resource, without port. */
  get hostname(): string;

  /** Scheme, host and port of the resource. */
  get origin(): string;

  /** The path of the resource. */
  get path(): string;
}

/** Counters since the server was made. */
export interface Stats {
  /** Accepted requests. */
  readonly accepted: number;
  /** Refused requests by reason; reasons that never occurred are left out. */
  readonly refused: Readonly<Partial<Record<Reason, number>>>;
  /** Accepted tokens that `token_format: "rfc9068"` would refuse. */
  readonly not_rfc9068: number;
  /** Verified tokens; nothing but zeros where they are not kept. */
  readonly token_cache: TokenCacheStats;
  /** Audit events; nothing but zeros where `events` is not configured. */
  readonly events: AuditStats;
  /** The key source of each authorization server. */
  readonly sources: readonly SourceStatus[];
  /** The metadata of the authorization server, where it is served (`serve_authorization_server_metadata`). */
  readonly authorization_server_metadata: RelayStatus | null;
}

/** The authorization server's metadata that is served to older clients, and how it is kept. */
export interface RelayStatus {
  /** What the document calls itself. */
  readonly issuer: string;
  /** The first and the last are answered with 503. */
  readonly state: "cold" | "fresh" | "due" | "overdue" | "expired";
  /** Since the fetch began that brought the document. */
  readonly age_seconds: number | null;
  /** Why the last fetch that failed did so. */
  readonly last_error: SourceStatus["last_error"];
  /** Finished fetches by outcome: `installed`, `abandoned`, or the step that failed. */
  readonly fetches: Readonly<Record<string, number>>;
}

/** What the verified tokens take and were good for. */
export interface TokenCacheStats {
  /** Tokens that were held when they came. They were judged again, but neither read nor verified. */
  readonly hits: number;
  /** Tokens that were not. */
  readonly misses: number;
  /** Tokens that are held. */
  readonly entries: number;
  /** The memory that they take, in bytes. */
  readonly bytes: number;
}

/** How audit events have fared. */
export interface AuditStats {
  /** Events that were kept to be drained. */
  readonly recorded: number;
  /** Events for which there was no room. */
  readonly dropped: number;
  /** Events that wait to be drained. */
  readonly waiting: number;
}

/**
 * Why a request would be accepted or refused.
 *
 * It shows values of claims that a check is about, also where nothing has verified them: escaped, and cut after 128 bytes.
 * It shows no part of the token as it was sent, no other claim, and nothing else of the `Authorization` lines.
 */
export interface Explanation {
  /**
   * `needs_keys`: it cannot be told for want of keys. `needs_body`: the token is good, and the rest cannot be told
   * without the body.
   */
  readonly outcome: "accepted" | "refused" | "needs_keys" | "needs_body";
  /** Why the request is refused. */
  readonly reason: Reason | null;
  /** The HTTP status of the refusal. */
  readonly status: number | null;
  /** The `detail` of the refusal. */
  readonly detail: string | null;
  /** All checks, in the order in which they are made: the first that fails is the reason. */
  readonly checks: readonly ExplainedCheck[];

  /** A line for each check, with what was expected and found where it failed. */
  toString(): string;

  /** The same as a JSON object, the same bytes in every language. */
  toJson(): string;
}

/** One check of a request. */
export interface ExplainedCheck {
  /** Its name, which stays. */
  readonly check: string;
  /**
   * `failed`: it is not met, or cannot be told, and no later one was made. `not_reached`: an earlier one failed. `not_asked`:
   * the configuration does not ask for it.
   */
  readonly outcome: "passed" | "failed" | "not_reached" | "not_asked";
  /** What it expects; null where that depends on an issuer that is not known, and where it is not asked for. */
  readonly expected: string | null;
  /** What was found, where the check was made. */
  readonly found: string | null;
  /** What often is behind a failure that looks like this one. */
  readonly hint: string | null;
  /** Where more is to be read: the section of an RFC, or of `docs/reasons.md`. */
  readonly reference: string;
}

/**
 * What was decided about one request, for whom, and what they asked for.
 *
 * It holds values of claims that were verified, and never the token. All from `issuer` on is known only of tokens that
 * proved good. Texts are cut after 256 bytes and lists after 32 items, with `\u2026` in the place of the rest.
 */
export interface AuditEvent {
  /** When, in seconds since 1970; `null` where the machine's clock cannot be used. */
  readonly time: number | null;
  /** The resource that was asked for, as configured. */
  readonly resource: string;
  /** Whether the request may pass. */
  readonly outcome: "accepted" | "refused";
  /** Why it may not. */
  readonly reason: Reason | null;
  /** The authorization server that issued the token (`iss`). */
  readonly issuer: string | null;
  /** The user the token speaks for (`sub`). */
  readonly subject: string | null;
  /** The client the token was issued to. */
  readonly client_id: string | null;
  /** The scopes that the request needed, as far as they were found out. */
  readonly scopes_needed: readonly string[];
  /** The token's scopes. */
  readonly scopes_granted: readonly string[];
  /** The MCP calls in the request, where they were read, and the tool, prompt or resource that each names first. */
  readonly calls: readonly { readonly method: string; readonly name: string | null }[];
  /** Tells events of one token from events of another: a salted hash, in hexadecimal. Each process draws its salt. */
  readonly token: string | null;
}

/** Whether tokens can be judged now. */
export interface Health {
  /** `degraded`: some keys are old, or an issuer's are missing. `unavailable`: no issuer's keys are held. */
  readonly status: "ok" | "degraded" | "unavailable";
  /** The key source of each authorization server. */
  readonly sources: readonly SourceStatus[];
  /** What the configuration should be asked about. */
  readonly warnings: readonly string[];
}

/** The keys of one authorization server and how they are kept. */
export interface SourceStatus {
  /** The issuer. */
  readonly issuer: string;
  /** What is held. `static`: the keys of the configuration; `pinned`: those of {@link ResourceServer.replaceKeys}. */
  readonly state: "static" | "pinned" | "cold" | "fresh" | "due" | "overdue" | "idle" | "expired" | "closed";
  /** Whether the keys are overdue and a fetch has failed since the last good one. */
  readonly degraded: boolean;
  /** Since the fetch began that brought the keys or found them unchanged, or since they were put in place. */
  readonly age_seconds: number | null;
  /** From which age on the keys are overdue. */
  readonly ttl_seconds: number | null;
  /** How many keys are held and usable. */
  readonly keys: number;
  /** Their kids. */
  readonly kids: readonly string[];
  /** JWKs that were left aside, by reason. */
  readonly skipped: Readonly<Record<string, number>>;
  /** JWKs that were published with private members. */
  readonly private_members: number;
  /** Kids that are distrusted. */
  readonly distrusted_kids: number;
  /** Keys that were taken out of the held set because they are distrusted. */
  readonly distrusted_keys: number;
  /** Why the last fetch that failed did so: the step of it, what happened there, and when. */
  readonly last_error: {
    readonly step: "start" | "DNS" | "connect" | "TLS" | "HTTP" | "parse";
    readonly message: string;
    readonly seconds_ago: number;
  } | null;
  /** Until the background fetches next; `null` when it has nothing to do. */
  readonly next_refresh_seconds: number | null;
  /** How many fetches may still start in the present minute. */
  readonly fetches_left: number;
  /** Until a `kid` that is not held may start a fetch again; 0 when it may now. */
  readonly unknown_kid_wait_seconds: number;
  /** How many requests wait for a fetch. */
  readonly waiting: number;
  /** Finished fetches by outcome: `installed`, `not_modified`, `abandoned`, or the step that failed. */
  readonly fetches: Readonly<Record<string, number>>;
  /** What the issuer's operator should be told. */
  readonly warnings: readonly string[];
}

/**
 * What a valid access token says. Made by {@link ResourceServer} alone, and unchangeable.
 *
 * It never holds the token itself: MCP forbids passing a client's token on. `util.inspect`, and so `console.log`, show no
 * claim of it; `JSON.stringify` writes its members.
 */
export class AccessToken {
  private constructor();
  /** The authorization server that issued the token (`iss`). */
  readonly issuer: string;
  /** The user the token speaks for (`sub`); unique for one issuer only. */
  readonly subject: string | undefined;
  /** The client the token was issued to, from the first claim of `client_id_claims` that is present. */
  readonly clientId: string | undefined;
  /** The scopes in the token, in its order, after `scope_prefix`. */
  readonly scopes: readonly string[];
  /** `scopes`, then those that they imply. */
  readonly effectiveScopes: readonly string[];
  /** Whom the token is for (`aud`), as a list even when the claim is one string. */
  readonly audience: readonly string[];
  /** The configured resource that accepted the token. */
  readonly resource: string;
  /** When the token expires (`exp`), in seconds since 1970. The leeway is not in it. */
  readonly expiresAt: number;
  /** When the token was issued (`iat`), in seconds since 1970. */
  readonly issuedAt: number | undefined;
  /** The token's identifier (`jti`); unique for one issuer only. */
  readonly tokenId: string | undefined;
  /** The key for sessions and stored state: the issuer, a blank, then the subject, or else the client. */
  readonly principal: string | undefined;
  /**
   * The payload, parsed anew at each access. Of the claims that have no member here, only those in `required_claims`
   * were checked. Integers beyond 2^53 are rounded, as `JSON.parse` does.
   */
  get claims(): Record<string, unknown>;
  /** The payload as the issuer signed it, as JSON text. */
  get claimsJson(): string;
}

/** An HTTP response: every byte of it was decided by the core, and is sent unchanged. */
export class HttpResponse {
  private constructor();
  /** The status code. */
  readonly status: number;
  /** The header fields, in the order they are sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body. */
  readonly body: string;
  /** The same as a response of the Fetch API. */
  toResponse(): Response;
}

/**
 * A request was refused. It carries the whole response; send that unchanged.
 *
 * Nothing in it comes from the token, so it may be logged.
 */
export class Rejected extends Error {
  private constructor();
  /** Why, for operators and tests. The wire shows one fixed text for each class of reasons. */
  readonly reason: Reason;
  /** The number of the reason, the same in every language. */
  readonly code: number;
  /** The status code of the response. */
  readonly status: number;
  /** The header fields of the response, in the order they are sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The body of the response. */
  readonly body: string;
  /** A sentence for the operator that says what was expected. It is never sent. */
  readonly detail: string;
  /** Whether nothing was judged, because the keys are not to be had now: a case for an alert. */
  get unavailable(): boolean;
  /** The response of the Fetch API. */
  toResponse(): Response;
}

/** A configuration was refused. Nothing was started. */
export class ConfigError extends Error {
  private constructor();
  /** Every mistake in it: the field, such as `authorization_servers[0].issuer`, and what is expected there. */
  readonly errors: readonly { readonly path: string; readonly message: string }[];
}
