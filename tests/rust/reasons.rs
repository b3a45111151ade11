//! `docs/reasons.md` is made from this table and `Reason::ALL`. `UPDATE_DOCS=1` rewrites it.

use scopegate_core::{Class, Reason};
use scopegate_tests::repository;

#[test]
fn page_of_reasons_is_that_of_the_table() {
    let page = page();
    let path = repository().join("docs/reasons.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("a writable file");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/reasons.md is stale: run with UPDATE_DOCS=1");
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for reason in Reason::ALL {
        let (cause, cure) = cause_and_cure(*reason);
        page.push_str(&format!(
            "\n## {reason}\n\n{}, answered as {}.\n\n**Cause.** {cause}\n\n**Cure.** {cure}\n",
            reason.code(),
            answered(reason.class())
        ));
    }
    page
}

const HEAD: &str = "# Reasons

Why a request was refused, as `Rejected.reason` and the log say it. The client sees only the class: one fixed text, so
that a refusal tells an attacker nothing about which check failed. Numbers are never reused.

The log line of a refusal holds `detail`, a sentence that says what was expected. It never holds a part of the token or
the value of a claim.
";

fn answered(class: Class) -> &'static str {
    match class {
        Class::Challenge => "401 with a challenge without `error`",
        Class::InvalidRequest => "400 `invalid_request`",
        Class::InvalidCall => "400 with a JSON-RPC error, 413 where the body is too large",
        Class::InvalidToken => "401 `invalid_token`",
        Class::Forbidden => "403",
        Class::Unavailable => "503 with `Retry-After` and no challenge",
        _ => "500",
    }
}

fn cause_and_cure(reason: Reason) -> (&'static str, &'static str) {
    match reason {
        Reason::MissingToken => (
            "The request has no bearer token in its `Authorization` field: it is a client's first request, the scheme is \
             another one, nothing follows `Bearer`, or the token came in the query or the body, which are not read.",
            "None for a first request: the challenge tells the client where to get a token. Otherwise send \
             `Authorization: Bearer <token>`, and look whether a proxy removes the field.",
        ),
        Reason::MultipleCredentials => (
            "The request has more than one `Authorization` line, or one with a comma in it.",
            "Find who adds the second: often a proxy that sets its own credentials beside the client's.",
        ),
        Reason::MalformedCall => (
            "The token is good, and the body is not one JSON-RPC message that every parser reads alike, or `Mcp-Method` or \
             `Mcp-Name` contradict it. A batch holds more than 100 messages, or comes with MCP 2026-07-28 or later.",
            "Send one JSON-RPC 2.0 message in UTF-8 without repeated members; on MCP 2026-07-28 send the routing headers of \
             exactly that message.",
        ),
        Reason::CallTooLarge => (
            "The body is larger than `policy.max_body_bytes` (4 MiB unless set).",
            "Raise the limit if bodies of that size are meant, or send less.",
        ),
        Reason::TokenTooLarge => (
            "The token is longer than 16 KiB.",
            "Have the authorization server put less into it: group lists are the usual cause.",
        ),
        Reason::MalformedToken => (
            "The credential is not a compact JWS: an opaque token, an encrypted one, base64 with padding, JSON with a \
             repeated member, or a header without `alg`.",
            "Ask the authorization server for JWT access tokens for this resource; many send opaque ones when the client \
             leaves out the `resource` (or `audience`) parameter.",
        ),
        Reason::TypeNotAllowed => (
            "The `typ` header is not that of an access token.",
            "Send the access token, not the ID token. Where the issuer does not send `at+jwt`, set \
             `token_format` to `generic`.",
        ),
        Reason::AlgorithmNotAllowed => (
            "The `alg` header is not one of the issuer's `algorithms`. `none` and HMAC are never accepted.",
            "List the algorithm if the issuer is meant to use it. An issuer that signs with HS256 needs an asymmetric \
             signing key.",
        ),
        Reason::CriticalHeader => (
            "The header has `crit` or `b64`, which asks for an extension; none is supported.",
            "Have the issuer leave it out.",
        ),
        Reason::SenderConstrained => (
            "The token has `cnf`: it is bound to a key by DPoP or mutual TLS, and no proof of that key is checked here.",
            "Ask for plain bearer tokens for this resource.",
        ),
        Reason::NotAnAccessToken => (
            "The JWT is of another kind: it has `at_hash`, `c_hash`, `events`, a `nonce`, another `token_use`, or neither a \
             scope nor a client.",
            "Send the access token. If the issuer names its scopes or clients by another claim, set `scope_claims` or \
             `client_id_claims`.",
        ),
        Reason::UnknownKey => (
            "The issuer's key set has no key for the token's `kid` and `alg`, and it was fetched recently.",
            "If the issuer rotated its keys without overlap, wait for the next fetch. Otherwise compare the token's `kid` \
             with the key set; `stats` counts keys that were skipped, with the reason.",
        ),
        Reason::AmbiguousKey => (
            "Two different keys of the issuer fit the token: one `kid` used twice, or a token without `kid` and more than \
             one key.",
            "Have the issuer give each key a `kid` of its own and put it into its tokens.",
        ),
        Reason::BadSignature => (
            "The signature is not that of the issuer's key: the token was changed, or the issuer put new material under an \
             old `kid`.",
            "If it follows a rotation under the same `kid`, the new key is fetched within 30 seconds. Otherwise treat it as \
             an attempt to forge.",
        ),
        Reason::MissingClaim => (
            "A required claim is absent; the log says which. `iss`, `aud` and `exp` always are required.",
            "Have the issuer add it. A token without `aud` was asked for without a `resource` parameter.",
        ),
        Reason::MalformedClaim => (
            "A claim is there with another JSON type or range than it must have; the log says which.",
            "Have the issuer correct it.",
        ),
        Reason::UntrustedIssuer => (
            "`iss` is not a configured issuer. It is compared exactly: a slash at the end counts.",
            "Copy `issuer` from the authorization server's metadata into `authorization_servers`.",
        ),
        Reason::WrongAudience => (
            "`aud` does not name this resource, or also names someone else while `reject_foreign_audiences` is set.",
            "Let clients send the `resource` parameter with exactly the configured `resource`. If the issuer uses another \
             name for it, list that in `additional_audiences`.",
        ),
        Reason::Expired => (
            "`exp` has passed, the leeway included.",
            "None: the client gets a new token. If it happens to fresh tokens, compare the clocks.",
        ),
        Reason::NotYetValid => (
            "`nbf` or `iat` is in the future by more than the leeway.",
            "Compare the clocks of this machine and the authorization server.",
        ),
        Reason::TooOld => (
            "The token was issued longer ago than `max_token_age_seconds`.",
            "None: the client gets a new token.",
        ),
        Reason::ClaimNotAllowed => (
            "A claim of `required_claims` has another value; the log says which.",
            "Check the tenant or use that the token was issued for.",
        ),
        Reason::LifetimeTooLong => (
            "`exp` is later than `iat` by more than `max_token_lifetime_seconds`.",
            "Shorten the lifetime at the authorization server.",
        ),
        Reason::InsufficientScope => (
            "The token is good and its scopes do not cover what the request needs.",
            "None in most cases: the challenge lists the scopes and the client asks for them. If it comes back without \
             them, the authorization server does not grant them to this client or user.",
        ),
        Reason::PolicyDenied => (
            "The policy says `deny` for this call, by a rule or by its default, or the URI of a resource is one that servers \
             could take for another: with dot segments, escaped slashes or letters, a fragment, a user name, blanks.",
            "Add a rule if the call is meant to be allowed; `detail` tells the two causes apart. Give the resource a plain URI.",
        ),
        Reason::OriginDenied => (
            "The request's `Origin` is not one of `allowed_origins`.",
            "List the origin if its pages may use the server.",
        ),
        Reason::KeysUnavailable => (
            "The token cannot be judged: no usable keys of its issuer are held and none can be had now. This is not the \
             token's fault, so the client keeps it.",
            "`explain`, and `last_error` in `stats`, say which step failed last (name look-up, connection, TLS, HTTP, content) \
             and how. Let this machine \
             reach the issuer, or give the keys by `jwks_file`.",
        ),
        Reason::Internal => (
            "The calling program made a mistake (the log says which), or this library did.",
            "Correct the call. If the log speaks of a panic, report it.",
        ),
        Reason::ClockUnusable => ("The machine's clock is before 1970 or cannot be read.", "Set the clock."),
        _ => panic!("{reason} has no cause and cure here"),
    }
}
