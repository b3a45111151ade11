/*
 * scopegate.h: makes a server that speaks HTTP an OAuth 2.1 resource server for MCP.
 *
 * Made by cbindgen from ffi/; do not edit.
 *
 * CONVENTIONS
 *
 * Names. A function is scopegate_<type>_<verb>, and its first parameter is that type. Then come the other inputs, then
 * the places for results.
 *
 * Status. Functions that can fail return a scopegate_status. It is SCOPEGATE_OK (0), or it denies: a program that only
 * tests `!= SCOPEGATE_OK` is right for a bad token, for an outage and for a bug alike. Functions that read a handle
 * return the value itself.
 *
 * Results. A place for a result (T **) is written only with the statuses that promise it, and left alone otherwise. So
 * begin with NULL, and free what is not NULL. The token, the answer and the error never come together.
 *
 * NULL. An argument must not be NULL unless its function says so. If it is, the status is SCOPEGATE_NULL_ARGUMENT;
 * functions that read a handle return {NULL, 0}, 0 or what they say; scopegate_<type>_free does nothing. Other pointers
 * must be valid: a freed handle or a wrong length cannot be noticed.
 *
 * Ownership. What a function hands out through a place for a result, or returns as a plain pointer, is the caller's, to
 * be freed once by scopegate_<type>_free, in any order. What a scopegate_str points to is lent: it lives as long as the
 * handle it was read from. Arguments are read during the call only. Never use free() on anything of this library.
 *
 * Text. scopegate_str is a pointer and a length. Text that is handed out has a NUL behind it; that NUL is not counted.
 *
 * Threads. A parameter of type `const T *` may be used by any number of threads at once. Only scopegate_<type>_free
 * needs the handle for itself. There are no callbacks, no thread-local state and no last error.
 *
 * Blocking. Only functions that say so block, and only on the network: scopegate_server_authorize,
 * scopegate_server_refresh and scopegate_server_warm_up. Each has a deadline.
 *
 * Panics. A fault inside the library is caught: the status is SCOPEGATE_PANIC, with a refusal where the function has one
 * to give, and the process may go on. Where SCOPEGATE_OK means that there is an answer to send, it comes with that
 * refusal. Standard error gets a line about it, without any part of a token.
 *
 * fork. A child may go on using the servers that its parent made. The library must not be unloaded (dlclose): it is
 * linked so that it stays.
 *
 * Growth. SCOPEGATE_ABI changes when old programs would misread a new library; scopegate_server_new refuses another
 * number. scopegate_request carries its own size. Statuses may be added: treat one that you do not know as a refusal.
 */


#ifndef SCOPEGATE_H
#define SCOPEGATE_H

#include <stddef.h>
#include <stdint.h>

/** The version of this header; scopegate_version() is that of the library. */
#define SCOPEGATE_VERSION "0.1.0"

/** Initialises a scopegate_str with a string literal. */
#define SCOPEGATE_STR(literal) { "" literal, sizeof(literal) - 1 }

/** Initialises a scopegate_request that has nothing yet. */
#define SCOPEGATE_REQUEST_INIT { \
    sizeof(scopegate_request), { NULL, 0 }, { NULL, 0 }, NULL, 0, NULL, 0, { NULL, 0 }, { NULL, 0 }, \
    NULL, 0, NULL, 0, NULL, 0, NULL, 0, { NULL, 0 }, NULL, 0, NULL, 0, 0 }


/**
 * The number of this interface, for `scopegate_server_new` and `scopegate_server_open`. It is also the number in the
 * name of the shared library. It changes when a program that was compiled against this header would misread another.
 */
#define SCOPEGATE_ABI 0

/**
 * For `scopegate_server_allowed`: the tool of tools/call.
 */
#define SCOPEGATE_TOOL 1

/**
 * For `scopegate_server_allowed`: the prompt of prompts/get.
 */
#define SCOPEGATE_PROMPT 2

/**
 * For `scopegate_server_allowed`: the resource of resources/read.
 */
#define SCOPEGATE_RESOURCE 3

/**
 * Why something could not be done: one or more mistakes, each with its place. It is unchangeable, and any thread may
 * read it.
 */
typedef struct scopegate_error scopegate_error;

/**
 * Keys that a decision waits for. It is unchangeable, any thread may use it, and it may outlive its server. Free it
 * after `scopegate_server_check_after`, since until then it counts as one of `keys.max_waiters`.
 */
typedef struct scopegate_key_request scopegate_key_request;

/**
 * A document for operators. It is unchangeable, any thread may read it, and it may outlive its server.
 */
typedef struct scopegate_report scopegate_report;

/**
 * An HTTP response that is ready to send: a refusal, or a well-known document. It is unchangeable, any thread may read
 * it, and it may outlive its server.
 */
typedef struct scopegate_response scopegate_response;

/**
 * An OAuth 2.1 resource server for MCP: judges the requests for one resource. It never changes, and any number of
 * threads may use it at once.
 */
typedef struct scopegate_server scopegate_server;

/**
 * A verified access token. It never holds the token itself, because MCP forbids passing it on. It is unchangeable,
 * any thread may read it, and it may outlive its server.
 */
typedef struct scopegate_token scopegate_token;

/**
 * Text or bytes by pointer and length.
 *
 * Handed in, it is read during the call only and needs no NUL behind it. `data` may be NULL when `len` is 0; where
 * absent and empty differ, NULL is absent.
 *
 * Handed out, it is lent: it lives as long as the handle it came from, has a NUL at `data[len]`, and is
 * `{NULL, 0}` when there is no such value.
 */
typedef struct scopegate_str {
  /**
   * The first byte.
   */
  const char *data;
  /**
   * How many bytes.
   */
  size_t len;
} scopegate_str;

/**
 * How a call ended. 0 is success, 1 to 99 tell something about the call itself, 2000 to 9999 are the reasons for which
 * a request is refused. Numbers are never reused. Every status but `SCOPEGATE_OK` denies.
 */
typedef int32_t scopegate_status;

/**
 * One JSON-RPC request or notification of MCP, as the program's own parser read it. Text is UTF-8.
 */
typedef struct scopegate_call {
  /**
   * The JSON-RPC method.
   */
  struct scopegate_str method;
  /**
   * `params.name` of tools/call and prompts/get, `params.uri` of resources/read, /subscribe and /unsubscribe.
   * `data` NULL: none. What completion/complete and subscriptions/listen are about cannot be said here: such a call
   * is refused, and has to be handed in as `body`.
   */
  struct scopegate_str name;
  /**
   * The id, if it is a number; else NULL. It must be an integer within 2^53 of 0, or counts as unknown.
   */
  const int64_t *id_number;
  /**
   * The id, if it is a string; `data` NULL: it is not. Longer than 256 bytes it counts as unknown.
   */
  struct scopegate_str id_text;
} scopegate_call;

/**
 * The part of an HTTP request that decides whether it may pass. Begin with `SCOPEGATE_REQUEST_INIT` and set what the
 * request has; everything is read during the call only.
 *
 * Header values are handed in as they were received, each field line by itself and in order: a list of lines has its
 * number beside it, and none is `{NULL, 0}`. Do not join lines, trim or decode: two parsers would disagree.
 */
typedef struct scopegate_request {
  /**
   * The size of this struct as the caller knows it; `SCOPEGATE_REQUEST_INIT` sets it. Members may be added at the
   * end: a caller that knows more members than the library must leave those at 0.
   */
  size_t size;
  /**
   * The HTTP method.
   */
  struct scopegate_str method;
  /**
   * The request target as received: path and query.
   */
  struct scopegate_str target;
  /**
   * The values of *every* Authorization line. Two lines are two credentials, and refused.
   */
  const struct scopegate_str *authorization;
  /**
   * How many.
   */
  size_t authorization_count;
  /**
   * The values of every Origin line.
   */
  const struct scopegate_str *origin;
  /**
   * How many.
   */
  size_t origin_count;
  /**
   * The value of Access-Control-Request-Method, which makes an OPTIONS request a preflight. `data` NULL: absent.
   */
  struct scopegate_str access_control_request_method;
  /**
   * The value of Access-Control-Request-Headers. `data` NULL: absent.
   */
  struct scopegate_str access_control_request_headers;
  /**
   * The values of every MCP-Protocol-Version line.
   */
  const struct scopegate_str *protocol_version;
  /**
   * How many.
   */
  size_t protocol_version_count;
  /**
   * The values of every Mcp-Method line.
   */
  const struct scopegate_str *mcp_method;
  /**
   * How many.
   */
  size_t mcp_method_count;
  /**
   * The values of every Mcp-Name line.
   */
  const struct scopegate_str *mcp_name;
  /**
   * How many.
   */
  size_t mcp_name_count;
  /**
   * Scopes that this request needs beside those of the configuration, such as those of a route. One that breaks the
   * grammar of RFC 6749 section 3.3, or `offline_access`, refuses the request as `SCOPEGATE_INTERNAL`.
   */
  const struct scopegate_str *scopes;
  /**
   * How many.
   */
  size_t scopes_count;
  /**
   * The whole body, as the program itself will read it. Only with `body_read`.
   */
  struct scopegate_str body;
  /**
   * Instead of `body`, for programs whose own parser ran first: the calls in it, so that policy and program read the
   * same object. Only with `calls_read`; no calls means a body without a request.
   */
  const struct scopegate_call *calls;
  /**
   * How many.
   */
  size_t calls_count;
  /**
   * The time to judge by, in seconds since 1970. NULL: the machine's clock.
   */
  const int64_t *now;
  /**
   * 1 when the body was read (a request without a body has an empty one), 0 when not yet.
   */
  int32_t body_read;
  /**
   * 1 when `calls` stands for the body, else 0.
   */
  int32_t calls_read;
} scopegate_request;

/**
 * What a verified token said, kept by a program that freed the token: one that cannot tell soon when nobody uses a token
 * any more, such as one with a garbage collector. All of it is copied from the `scopegate_token`; nothing is verified
 * again, so the program vouches for it.
 */
typedef struct scopegate_kept_token {
  /**
   * `scopegate_token_issuer`.
   */
  struct scopegate_str issuer;
  /**
   * `scopegate_token_subject`. `data` NULL: absent.
   */
  struct scopegate_str subject;
  /**
   * `scopegate_token_client_id`. `data` NULL: absent.
   */
  struct scopegate_str client_id;
  /**
   * `scopegate_token_id`. `data` NULL: absent.
   */
  struct scopegate_str token_id;
  /**
   * Each `scopegate_token_scope_at`, with single blanks between them.
   */
  struct scopegate_str scope;
} scopegate_kept_token;

/**
 * Done; for a decision: the request may pass.
 */
#define SCOPEGATE_OK 0

/**
 * An argument is NULL that must not be.
 */
#define SCOPEGATE_NULL_ARGUMENT 1

/**
 * An argument is not what it must be: a configuration with mistakes, a request with a wrong `size`.
 */
#define SCOPEGATE_INVALID_ARGUMENT 2

/**
 * The program was compiled against the header of another interface than this library has.
 */
#define SCOPEGATE_ABI_MISMATCH 3

/**
 * A fault of this library. It was contained; the process may go on.
 */
#define SCOPEGATE_PANIC 4

/**
 * Only from `scopegate_server_check`: keys must be fetched before the request can be decided.
 */
#define SCOPEGATE_NEED_KEYS 5

/**
 * Only from `scopegate_server_check` and `scopegate_server_check_after`: the token is good, and the decision needs the
 * body.
 */
#define SCOPEGATE_NEED_BODY 6

/**
 * Only from `scopegate_server_well_known`, `_not_found`, `_health_response` and `_metrics_response`: the request is the
 * application's.
 */
#define SCOPEGATE_NOT_OURS 7

/**
 * No bearer token in the Authorization field: none at all, another scheme, or nothing after the scheme.
 */
#define SCOPEGATE_MISSING_TOKEN 2001

/**
 * More than one Authorization line, or several credentials joined by a comma (RFC 6750 section 3.1).
 */
#define SCOPEGATE_MULTIPLE_CREDENTIALS 2003

/**
 * The body is not one readable JSON-RPC message, or its routing headers contradict it.
 */
#define SCOPEGATE_MALFORMED_CALL 2004

/**
 * The body is larger than `policy.max_body_bytes`.
 */
#define SCOPEGATE_CALL_TOO_LARGE 2005

/**
 * The token is longer than 16 KiB.
 */
#define SCOPEGATE_TOKEN_TOO_LARGE 3001

/**
 * Not a compact JWS with strict base64url, a JSON header and a JSON payload (RFC 7515 section 7.1).
 */
#define SCOPEGATE_MALFORMED_TOKEN 3002

/**
 * The `typ` header is not one of an access token (RFC 9068 section 4, RFC 8725 section 3.11).
 */
#define SCOPEGATE_TYPE_NOT_ALLOWED 3003

/**
 * The `alg` header is not among the algorithms accepted from this issuer (RFC 8725 section 3.1).
 */
#define SCOPEGATE_ALGORITHM_NOT_ALLOWED 3004

/**
 * The header has `crit` or `b64`; no extension is supported (RFC 7515 section 4.1.11).
 */
#define SCOPEGATE_CRITICAL_HEADER 3005

/**
 * The token is bound to a key by `cnf` and no proof of it is checked (RFC 7800).
 */
#define SCOPEGATE_SENDER_CONSTRAINED 3006

/**
 * A JWT of another kind: an ID token, a logout token, a security event.
 */
#define SCOPEGATE_NOT_AN_ACCESS_TOKEN 3007

/**
 * No key of the issuer fits the token's `kid` and `alg`.
 */
#define SCOPEGATE_UNKNOWN_KEY 4001

/**
 * More than one key of the issuer fits the token.
 */
#define SCOPEGATE_AMBIGUOUS_KEY 4002

/**
 * The signature does not verify.
 */
#define SCOPEGATE_BAD_SIGNATURE 4003

/**
 * A required claim is absent.
 */
#define SCOPEGATE_MISSING_CLAIM 5001

/**
 * A claim is present with another JSON type or range than it must have.
 */
#define SCOPEGATE_MALFORMED_CLAIM 5002

/**
 * `iss` is not a configured issuer.
 */
#define SCOPEGATE_UNTRUSTED_ISSUER 5003

/**
 * `aud` does not name this resource (RFC 8707 section 2, RFC 9068 section 4).
 */
#define SCOPEGATE_WRONG_AUDIENCE 5004

/**
 * `exp` has passed.
 */
#define SCOPEGATE_EXPIRED 5005

/**
 * `nbf` or `iat` is in the future.
 */
#define SCOPEGATE_NOT_YET_VALID 5006

/**
 * Issued longer ago than `max_token_age_seconds`.
 */
#define SCOPEGATE_TOO_OLD 5007

/**
 * A claim of `required_claims` has a value that is not allowed.
 */
#define SCOPEGATE_CLAIM_NOT_ALLOWED 5008

/**
 * Valid for longer than `max_token_lifetime_seconds`.
 */
#define SCOPEGATE_LIFETIME_TOO_LONG 5009

/**
 * The token is good and its scopes do not cover the need.
 */
#define SCOPEGATE_INSUFFICIENT_SCOPE 6001

/**
 * The policy refuses this call whatever the scopes.
 */
#define SCOPEGATE_POLICY_DENIED 6002

/**
 * The Origin is not one of `allowed_origins`.
 */
#define SCOPEGATE_ORIGIN_DENIED 6003

/**
 * The keys needed to judge the token are not to be had now.
 */
#define SCOPEGATE_KEYS_UNAVAILABLE 7001

/**
 * A fault of this library or of the calling program.
 */
#define SCOPEGATE_INTERNAL 9001

/**
 * The machine's clock is not usable.
 */
#define SCOPEGATE_CLOCK_UNUSABLE 9002

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * The interface number of the library that is loaded, which `SCOPEGATE_ABI` must equal.
 */
uint32_t scopegate_abi(void);

/**
 * The version of the library that is loaded, such as "0.1.0". Lent for ever.
 */
struct scopegate_str scopegate_version(void);

/**
 * The name of a status in lower snake case: "ok", "null_argument", ..., and the names of the reasons, which are the
 * same in every language. "unknown" for other numbers. Lent for ever.
 */
struct scopegate_str scopegate_status_name(scopegate_status status);

/**
 * The text of a C string, lent for as long as `text` lives. NULL gives `{NULL, 0}`.
 */
struct scopegate_str scopegate_str_from(const char *text);

/**
 * Makes a server from a configuration: `len` bytes of JSON. It reads the files that the configuration names and does no
 * other IO: no network, no thread.
 *
 * `abi` is `SCOPEGATE_ABI`. With `SCOPEGATE_OK` comes `server`, to be freed by `scopegate_server_free`. With any other
 * status comes `error`, which holds every mistake of the configuration at once and may be NULL.
 */
scopegate_status scopegate_server_new(uint32_t abi,
                                      const char *json,
                                      size_t len,
                                      struct scopegate_server **server,
                                      struct scopegate_error **error);

/**
 * Makes a server from the configuration in a file; everything else is as with `scopegate_server_new`. Relative paths,
 * this one and those in the configuration, start at the working directory.
 */
scopegate_status scopegate_server_open(uint32_t abi,
                                       const char *path,
                                       struct scopegate_server **server,
                                       struct scopegate_error **error);

/**
 * Makes a server from the configuration that the environment of the process says: `SCOPEGATE_CONFIG` is the path of a JSON
 * document, or `SCOPEGATE_CONFIG_JSON` is one. Before it go `SCOPEGATE_RESOURCE`, `SCOPEGATE_AUTHORIZATION_SERVERS` (issuers
 * with commas or blanks between them, or a JSON list), `SCOPEGATE_REQUIRED_SCOPES` and `SCOPEGATE_SCOPES_SUPPORTED` (with
 * blanks between them) and `SCOPEGATE_KEY_SNAPSHOT` (the path of what `scopegate_server_export_keys` wrote), and before these
 * the members of the object in `json`, `len` bytes, or NULL. A variable that is empty is not set, and others are left alone.
 *
 * No other thread may be changing the environment. Everything else is as with `scopegate_server_new`; the path of a mistake
 * names the variable that it is in.
 */
scopegate_status scopegate_server_from_env(uint32_t abi,
                                           const char *json,
                                           size_t len,
                                           struct scopegate_server **server,
                                           struct scopegate_error **error);

/**
 * Makes the server that `server` would be if its configuration were changed: for another resource of the same
 * authorization servers, or for a new version of the configuration while requests run. `server` stays as it is.
 *
 * `json` has `len` bytes: an object. Each top-level member of a configuration that is given replaces that member whole; a
 * null is a mistake. The members in the list `reset` have their defaults again, unless they are given; with "all" in it the
 * changes are a whole configuration. The whole is checked like a new one, with its files read again.
 *
 * The keys of an authorization server are shared, replaced ones too, unless something has changed that governs where they
 * are, or how they are fetched, kept and read; verified tokens are shared unless `token_cache` has changed. What was
 * distrusted stays so, and so does what was declared. Each server counts its own decisions.
 *
 * With `SCOPEGATE_OK` comes `derived`, to be freed by `scopegate_server_free`. With any other status comes `error`, which
 * holds every mistake and may be NULL; nothing has been done then.
 */
scopegate_status scopegate_server_derive(const struct scopegate_server *server,
                                         const char *json,
                                         size_t len,
                                         struct scopegate_server **derived,
                                         struct scopegate_error **error);

/**
 * Makes a server that also asks for the scopes which the tools, prompts and resources of its host declare, and reports how
 * the configured policy fits all that the host offers. `server` stays as it is; both share the keys and the verified tokens,
 * and each counts its own decisions.
 *
 * `json` has `len` bytes: a list of objects with `kind` ("tool", "prompt" or "resource"), `name` and, where something is
 * declared, `scopes` (a list, or "deny"). A declaration joins the rules for the method and the name: all their scopes are
 * needed, and any denial refuses. So it can only ask for more; but where the name has no rule, it stands in the place of
 * `default`.
 *
 * With `SCOPEGATE_OK` come `declared`, to be freed by `scopegate_server_free`, and `report`, unless that is NULL: a JSON
 * object with `unmatched_rules` and `defaulted` (lists of `kind` and `name`), `default` (a list of scopes, or "deny"),
 * `unreadable` (resources that a policy lets nobody use) and `forgotten` (a sentence on each of these: `path` and
 * `message`). With any other status comes `error`, which may be NULL; a mistake's
 * path is such as "tools.weather".
 */
scopegate_status scopegate_server_declare(const struct scopegate_server *server,
                                          const char *json,
                                          size_t len,
                                          struct scopegate_server **declared,
                                          struct scopegate_report **report,
                                          struct scopegate_error **error);

/**
 * Another handle to the same server, with the same keys. Each handle is freed by itself; the server ends with the last.
 * NULL for NULL.
 */
struct scopegate_server *scopegate_server_ref(const struct scopegate_server *server);

/**
 * Frees a handle and everything that it lent. No other thread may be using this handle; tokens, responses and other
 * handles stay valid. NULL is ignored.
 */
void scopegate_server_free(struct scopegate_server *server);

/**
 * The resource, as configured.
 */
struct scopegate_str scopegate_server_resource(const struct scopegate_server *server);

/**
 * The host of the resource in lower case, without port, for the program's own check of the Host field.
 */
struct scopegate_str scopegate_server_hostname(const struct scopegate_server *server);

/**
 * The origin of the resource: scheme, host and port.
 */
struct scopegate_str scopegate_server_origin(const struct scopegate_server *server);

/**
 * The path of the resource.
 */
struct scopegate_str scopegate_server_path(const struct scopegate_server *server);

/**
 * Where the protected resource metadata is (RFC 9728 section 3).
 */
struct scopegate_str scopegate_server_metadata_url(const struct scopegate_server *server);

/**
 * The clock difference that is allowed (`leeway_seconds`), for a program that looks at expiry times itself.
 */
int64_t scopegate_server_leeway_seconds(const struct scopegate_server *server);

/**
 * The largest body that is read, in bytes: what `SCOPEGATE_NEED_BODY` says too.
 */
size_t scopegate_server_body_limit(const struct scopegate_server *server);

/**
 * How many settings are legal and seldom meant.
 */
size_t scopegate_server_warning_count(const struct scopegate_server *server);

/**
 * What a setting should be asked about, for the program's log. `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_server_warning_at(const struct scopegate_server *server, size_t index);

/**
 * Decides whether a request may pass. *Blocks* only while keys are fetched that no held key can stand in for.
 *
 * With `SCOPEGATE_OK` comes `token`. With **any** other status comes `answer`, the refusal that is ready to send: for
 * the reasons of 2000 and above, for a wrong argument and for a fault of the library alike. (Only where `answer` itself
 * is NULL there is the status alone.)
 *
 * With a policy, or where the form of a 403 needs it, the request must carry its body: without it the refusal is
 * `SCOPEGATE_INTERNAL`, and its detail says so. Not checked: whether a token was revoked before it expires, and the
 * Host field.
 */
scopegate_status scopegate_server_authorize(const struct scopegate_server *server,
                                            const struct scopegate_request *request,
                                            struct scopegate_token **token,
                                            struct scopegate_response **answer);

/**
 * Decides without blocking and without IO, or says what is missing; for event loops. It may start a fetch in the
 * background.
 *
 * As `scopegate_server_authorize`, but for two statuses that come without `answer`: with `SCOPEGATE_NEED_KEYS` comes
 * `wanted`: `scopegate_server_refresh` on another thread, then `scopegate_server_check_after`. With
 * `SCOPEGATE_NEED_BODY` comes `body_limit`: read the body, at most one byte more than that, and check again with it.
 * Strangers never cause the latter.
 */
scopegate_status scopegate_server_check(const struct scopegate_server *server,
                                        const struct scopegate_request *request,
                                        struct scopegate_token **token,
                                        struct scopegate_key_request **wanted,
                                        size_t *body_limit,
                                        struct scopegate_response **answer);

/**
 * Decides again after `scopegate_server_refresh`, whatever came of it. Never `SCOPEGATE_NEED_KEYS`; everything else is
 * as with `scopegate_server_check`.
 */
scopegate_status scopegate_server_check_after(const struct scopegate_server *server,
                                              const struct scopegate_request *request,
                                              const struct scopegate_key_request *wanted,
                                              struct scopegate_token **token,
                                              size_t *body_limit,
                                              struct scopegate_response **answer);

/**
 * Checks a further need on a token that was verified for this request: the `scopes` of `request`, and with a body or
 * calls the policy too. The method, Origin and body of `request` give the refusal its form. The token's times are not
 * checked again.
 *
 * `SCOPEGATE_OK`; with any other status comes `answer`.
 */
scopegate_status scopegate_server_require(const struct scopegate_server *server,
                                          const struct scopegate_token *token,
                                          const struct scopegate_request *request,
                                          struct scopegate_response **answer);

/**
 * As `scopegate_server_require`, for a program that kept what the token said and freed the token.
 */
scopegate_status scopegate_server_require_kept(const struct scopegate_server *server,
                                               const struct scopegate_kept_token *token,
                                               const struct scopegate_request *request,
                                               struct scopegate_response **answer);

/**
 * The calls in the body of a request, for a need that depends on their arguments: find it once the request may pass, then
 * check it with `scopegate_server_require`.
 *
 * With `SCOPEGATE_OK` comes `report`, a JSON array of objects with `method`, `name` (the tool, the prompt or the URI of
 * the resource, else null) and `params` (an object, or null); it is empty for a body that calls nothing. With any other
 * status comes `answer`: the body, which must be in `request`, is read as a policy reads it, with one or without, and in
 * the arguments too refused where two parsers could find different things.
 */
scopegate_status scopegate_server_calls(const struct scopegate_server *server,
                                        const struct scopegate_request *request,
                                        struct scopegate_report **report,
                                        struct scopegate_response **answer);

/**
 * Why a request would be accepted or refused now: every check in its order, with what was expected and what was found. For
 * operators and for whoever holds the token. It decides as `scopegate_server_check` does and leaves no traces: nothing is
 * fetched, counted or remembered. So fetch keys before, with `scopegate_server_warm_up`.
 *
 * With `SCOPEGATE_OK`, whatever the decision is, come `report` and `text`, either of which may be NULL. `report` is a JSON
 * object with `outcome` ("accepted", "refused", "needs_keys", "needs_body"), `reason`, `status`, `detail` and `checks`, a
 * list of objects with `check`, `outcome` ("passed", "failed", "not_reached", "not_asked"), `expected`, `found`, `hint` and
 * `reference`; what there is not is null. `text` is the same for people. Both show values of claims that a check is about,
 * verified or not, escaped and cut, and no part of the token as it was sent. With any other status comes `answer`.
 */
scopegate_status scopegate_server_explain(const struct scopegate_server *server,
                                          const struct scopegate_request *request,
                                          struct scopegate_report **report,
                                          struct scopegate_report **text,
                                          struct scopegate_response **answer);

/**
 * Whether a token may use a tool, prompt or resource (`kind` is `SCOPEGATE_TOOL`, `SCOPEGATE_PROMPT` or
 * `SCOPEGATE_RESOURCE`) of this name: its scopes cover `required_scopes` and what the policy says of that name. For
 * filtering lists; a call is decided by its whole request.
 *
 * `SCOPEGATE_OK` when it may, `SCOPEGATE_POLICY_DENIED` when not, for scopes or policy alike.
 */
scopegate_status scopegate_server_allowed(const struct scopegate_server *server,
                                          const struct scopegate_token *token,
                                          int32_t kind,
                                          struct scopegate_str name);

/**
 * As `scopegate_server_allowed`, for a program that kept what the token said and freed the token.
 */
scopegate_status scopegate_server_allowed_kept(const struct scopegate_server *server,
                                               const struct scopegate_kept_token *token,
                                               int32_t kind,
                                               struct scopegate_str name);

/**
 * Answers a request for the metadata, or a preflight. Needs no token, never blocks. Ask it first.
 *
 * With `SCOPEGATE_OK` comes `answer`, to be sent: after a fault of the library that is the refusal
 * `SCOPEGATE_INTERNAL`, so that nobody takes the request for the application's. With any other status comes nothing, and
 * the request goes on to `scopegate_server_authorize`: `SCOPEGATE_NOT_OURS` is the usual one, and a wrong argument is
 * refused there.
 */
scopegate_status scopegate_server_well_known(const struct scopegate_server *server,
                                             const struct scopegate_request *request,
                                             struct scopegate_response **answer);

/**
 * Answers a request for protected resource metadata that nobody serves, with a 404. For programs that own the whole
 * origin; ask it after every `scopegate_server_well_known`.
 *
 * With `SCOPEGATE_OK` comes `answer`, as with `scopegate_server_well_known`. With any other status comes nothing,
 * `SCOPEGATE_NOT_OURS` for every other path.
 */
scopegate_status scopegate_server_not_found(const struct scopegate_server *server,
                                            const struct scopegate_request *request,
                                            struct scopegate_response **answer);

/**
 * Answers a probe at the path that the program keeps for it, with the status of `scopegate_server_health` and no more.
 * Needs no token, never blocks. The target is not looked at.
 *
 * With `SCOPEGATE_OK` comes `answer`, as with `scopegate_server_well_known`. With any other status comes nothing,
 * `SCOPEGATE_NOT_OURS` for another method than GET and HEAD.
 */
scopegate_status scopegate_server_health_response(const struct scopegate_server *server,
                                                  const struct scopegate_request *request,
                                                  struct scopegate_response **answer);

/**
 * Answers a scraper at the path that the program keeps for it, with the text of `scopegate_server_metrics`. Needs no
 * token and names issuers, so operators alone should reach the path; everything else is as with
 * `scopegate_server_health_response`.
 */
scopegate_status scopegate_server_metrics_response(const struct scopegate_server *server,
                                                   const struct scopegate_request *request,
                                                   struct scopegate_response **answer);

/**
 * The refusal for a fault of the program, such as a body that could not be read: `SCOPEGATE_INTERNAL`, with `answer`.
 * `detail` says what happened, for `scopegate_response_detail`. It is never `SCOPEGATE_OK`.
 */
scopegate_status scopegate_server_internal_error(const struct scopegate_server *server,
                                                 const struct scopegate_request *request,
                                                 struct scopegate_str detail,
                                                 struct scopegate_response **answer);

/**
 * Fetches the keys that a check asked for. *Blocks* until they are there, at most for
 * `scopegate_key_request_longest_wait_ms`; concurrent calls share one fetch; returns at once if the keys came
 * meanwhile or a fetch may not start now.
 *
 * `SCOPEGATE_OK`, or `SCOPEGATE_KEYS_UNAVAILABLE` with `error`, which may be NULL: whatever comes of the fetch,
 * `scopegate_server_check_after` tells what it means for the request.
 */
scopegate_status scopegate_server_refresh(const struct scopegate_server *server,
                                          const struct scopegate_key_request *wanted,
                                          struct scopegate_error **error);

/**
 * Starts `scopegate_server_refresh` on a thread of the library and does not wait. For programs that never wait:
 * `scopegate_server_check_after` then decides by the keys that are held.
 */
scopegate_status scopegate_server_start_refresh(const struct scopegate_server *server,
                                                const struct scopegate_key_request *wanted,
                                                struct scopegate_error **error);

/**
 * Fetches the keys of every issuer of which no usable ones are held, four issuers at a time, and the authorization
 * server's metadata where that is served. *Blocks* until they are there or cannot be had. For the start of a program;
 * without it the first request of each issuer waits instead.
 *
 * `SCOPEGATE_OK`, or `SCOPEGATE_KEYS_UNAVAILABLE` with `error`, which names each issuer whose keys or metadata are missing
 * and may be NULL. The server is usable either way.
 */
scopegate_status scopegate_server_warm_up(const struct scopegate_server *server,
                                          struct scopegate_error **error);

/**
 * Which issuer's keys these are, counted from 0: a program needs no more than one refresh for each at a time.
 */
size_t scopegate_key_request_source(const struct scopegate_key_request *wanted);

/**
 * The longest that `scopegate_server_refresh` blocks for them, in milliseconds.
 */
int64_t scopegate_key_request_longest_wait_ms(const struct scopegate_key_request *wanted);

/**
 * Frees it. NULL is ignored.
 */
void scopegate_key_request_free(struct scopegate_key_request *wanted);

/**
 * Distrusts the keys that an issuer publishes under a `kid`: from the return on, every call of this process refuses
 * tokens that name it as `SCOPEGATE_UNKNOWN_KEY`, in an outage too, and no set that is held, fetched, imported or
 * replaced answers with such a key, under another `kid` or none either. It holds for every handle of the server and for
 * children that are forked later. There is no way back but a restart; `distrusted_keys` of the configuration outlives
 * that.
 *
 * `issuer` is any issuer of the configuration, compared exactly. With any status but `SCOPEGATE_OK` nothing has changed,
 * and `error`, which may be NULL, says why. Not done here: tokens that the program has accepted before stay accepted
 * wherever it remembers them.
 */
scopegate_status scopegate_server_distrust_key(const struct scopegate_server *server,
                                               struct scopegate_str issuer,
                                               struct scopegate_str kid,
                                               struct scopegate_error **error);

/**
 * Puts the keys of a JWK Set in the place of an issuer's: from the return on they alone answer, in this process. They do
 * not age, the fetch that runs is discarded, and none starts before `scopegate_server_resume`. They must meet the
 * configuration like fetched ones, and at least one must be usable and not distrusted.
 *
 * With any status but `SCOPEGATE_OK` nothing has changed, and `error`, which may be NULL, says why.
 */
scopegate_status scopegate_server_replace_keys(const struct scopegate_server *server,
                                               struct scopegate_str issuer,
                                               struct scopegate_str jwks,
                                               struct scopegate_error **error);

/**
 * Ends `scopegate_server_replace_keys`: a fetch is due at once, and the replaced keys are used until it brings the
 * issuer's; keys that are in the configuration are back at once. Does nothing where no keys were replaced.
 *
 * With any status but `SCOPEGATE_OK` nothing has changed, and `error`, which may be NULL, says why.
 */
scopegate_status scopegate_server_resume(const struct scopegate_server *server,
                                         struct scopegate_str issuer,
                                         struct scopegate_error **error);

/**
 * The key sets that are held and came from their issuers, as a JSON object for `keys.snapshot` of a configuration: a
 * program that begins with it needs no fetch. It holds no secret, but whoever can change it can make tokens: keep it
 * like the configuration.
 *
 * With `SCOPEGATE_OK` comes `report`, else `error`, which may be NULL. Not in it: keys that are distrusted, too old,
 * replaced or from the configuration, and the list of what is distrusted.
 */
scopegate_status scopegate_server_export_keys(const struct scopegate_server *server,
                                              struct scopegate_report **report,
                                              struct scopegate_error **error);

/**
 * Who issued it: a configured issuer (`iss`).
 */
struct scopegate_str scopegate_token_issuer(const struct scopegate_token *token);

/**
 * Whom it speaks for (`sub`). A client that speaks for itself may be named here too (RFC 9068 section 2.2).
 * `{NULL, 0}` when absent. Unique only together with the issuer.
 */
struct scopegate_str scopegate_token_subject(const struct scopegate_token *token);

/**
 * The client it was issued to: the first of `client_id_claims` that is present. `{NULL, 0}` when none is.
 */
struct scopegate_str scopegate_token_client_id(const struct scopegate_token *token);

/**
 * How many scopes it grants.
 */
size_t scopegate_token_scope_count(const struct scopegate_token *token);

/**
 * A granted scope, in the token's order, without duplicates, with `scope_prefix`. `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_token_scope_at(const struct scopegate_token *token, size_t index);

/**
 * How many scopes it grants, with those that they imply.
 */
size_t scopegate_token_effective_scope_count(const struct scopegate_token *token);

/**
 * The granted scopes, then those that they imply, sorted by bytes. For programs that compare scopes without
 * hierarchy. `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_token_effective_scope_at(const struct scopegate_token *token, size_t index);

/**
 * How many audiences it names; 0 when another claim stood in for `aud`.
 */
size_t scopegate_token_audience_count(const struct scopegate_token *token);

/**
 * Whom it is for (`aud`). `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_token_audience_at(const struct scopegate_token *token, size_t index);

/**
 * The resource that accepted it, as configured.
 */
struct scopegate_str scopegate_token_resource(const struct scopegate_token *token);

/**
 * When it expires (`exp`), in seconds since 1970, rounded down. The leeway is not added. 0 for NULL.
 */
int64_t scopegate_token_expires_at(const struct scopegate_token *token);

/**
 * When it was issued (`iat`), in seconds since 1970, rounded up; -1 when the token does not say.
 */
int64_t scopegate_token_issued_at(const struct scopegate_token *token);

/**
 * Its identifier (`jti`), unique only together with the issuer. `{NULL, 0}` when absent.
 */
struct scopegate_str scopegate_token_id(const struct scopegate_token *token);

/**
 * Issuer, a blank, then subject, or client where there is no subject: the key for sessions and stored state.
 * `{NULL, 0}` when the token names neither.
 */
struct scopegate_str scopegate_token_principal(const struct scopegate_token *token);

/**
 * All claims: the JSON object exactly as it was signed. Of the claims without a function here, only those in
 * `required_claims` were checked.
 */
struct scopegate_str scopegate_token_claims(const struct scopegate_token *token);

/**
 * The number of the verification that it came from: from 1 on, never the same again in this process. Tokens of one number
 * say the same, so that a program which keeps something beside a token, such as an object made of it, knows by the number
 * alone that it may use it again. 0 for NULL.
 */
uint64_t scopegate_token_verification(const struct scopegate_token *token);

/**
 * Frees a token and everything that it lent. NULL is ignored.
 */
void scopegate_token_free(struct scopegate_token *token);

/**
 * The HTTP status code.
 */
int32_t scopegate_response_status(const struct scopegate_response *response);

/**
 * How many header fields it has. Content-Length, Connection and Date are not among them, but for the Content-Length
 * of an answer to a HEAD request.
 */
size_t scopegate_response_header_count(const struct scopegate_response *response);

/**
 * The name of a header field, in the order they are sent. `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_response_header_name_at(const struct scopegate_response *response,
                                                       size_t index);

/**
 * The value of a header field. `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_response_header_value_at(const struct scopegate_response *response,
                                                        size_t index);

/**
 * The body; it may be empty.
 */
struct scopegate_str scopegate_response_body(const struct scopegate_response *response);

/**
 * The whole response as the bytes of an HTTP/1.1 message, with `Content-Length` and `Connection: close`: write it and
 * close the connection. The answer to a HEAD request comes without its body. No Date field is written.
 */
struct scopegate_str scopegate_response_http1(const struct scopegate_response *response);

/**
 * The number of the reason of a refusal, such as `SCOPEGATE_EXPIRED`; `SCOPEGATE_OK` for a document. A refusal of a
 * call that ended with a status below 100 has the reason `SCOPEGATE_INTERNAL`.
 */
scopegate_status scopegate_response_code(const struct scopegate_response *response);

/**
 * The name of the reason of a refusal, such as "expired"; `{NULL, 0}` for a document. Lent for ever.
 */
struct scopegate_str scopegate_response_reason(const struct scopegate_response *response);

/**
 * What was expected, in a sentence for the operator's log; `{NULL, 0}` for a document. It holds no byte of the token
 * and no claim value, and must not be sent to the client all the same.
 */
struct scopegate_str scopegate_response_detail(const struct scopegate_response *response);

/**
 * Frees a response and everything that it lent. NULL is ignored.
 */
void scopegate_response_free(struct scopegate_response *response);

/**
 * Counters of decisions and fetches, and the state of each key source. With `SCOPEGATE_OK` comes `report`, else
 * `error`, which may be NULL.
 */
scopegate_status scopegate_server_stats(const struct scopegate_server *server,
                                        struct scopegate_report **report,
                                        struct scopegate_error **error);

/**
 * The same counters as Prometheus text, to be served as `text/plain; version=0.0.4; charset=utf-8`. It names issuers:
 * show it to operators alone. With `SCOPEGATE_OK` comes `report`, else `error`, which may be NULL.
 */
scopegate_status scopegate_server_metrics(const struct scopegate_server *server,
                                          struct scopegate_report **report,
                                          struct scopegate_error **error);

/**
 * Takes the audit events that were kept since they were last taken, as JSON lines: an object for each request that was
 * accepted or refused, with a line feed after it. Empty when there are none, and where `events` is not configured.
 * Nothing waits for who drains: without room events are dropped and counted (`scopegate_server_stats`).
 *
 * With `SCOPEGATE_OK` comes `report`, else `error`, which may be NULL. The events hold values of claims, and never a
 * token.
 */
scopegate_status scopegate_server_drain_events(const struct scopegate_server *server,
                                               struct scopegate_report **report,
                                               struct scopegate_error **error);

/**
 * Whether tokens can be judged now: what a readiness probe asks. Needs no network, and does not depend on an issuer
 * once its keys are held.
 *
 * `SCOPEGATE_OK` when some issuer's tokens can be judged, `SCOPEGATE_KEYS_UNAVAILABLE` when none's; with either comes
 * `report`. It names hosts and errors: show it to operators alone. With any other status comes `error`, which may be
 * NULL.
 */
scopegate_status scopegate_server_health(const struct scopegate_server *server,
                                         struct scopegate_report **report,
                                         struct scopegate_error **error);

/**
 * The text of the report: a JSON object, unless its function says otherwise.
 */
struct scopegate_str scopegate_report_text(const struct scopegate_report *report);

/**
 * Frees a report and what it lent. NULL is ignored.
 */
void scopegate_report_free(struct scopegate_report *report);

/**
 * Everything that went wrong, one line for each mistake: `path: message`. For a person to read; it holds no token.
 */
struct scopegate_str scopegate_error_message(const struct scopegate_error *error);

/**
 * How many mistakes there are, at least one.
 */
size_t scopegate_error_count(const struct scopegate_error *error);

/**
 * Where a mistake is: the field of the configuration, such as "authorization_servers[0].issuer" ("." for the whole
 * document), the issuer whose keys could not be fetched, or the argument of the call. `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_error_path_at(const struct scopegate_error *error,
                                             size_t index);

/**
 * What is expected there, or what happened. `{NULL, 0}` past the last.
 */
struct scopegate_str scopegate_error_message_at(const struct scopegate_error *error, size_t index);

/**
 * Frees an error and everything that it lent. NULL is ignored.
 */
void scopegate_error_free(struct scopegate_error *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* SCOPEGATE_H */
