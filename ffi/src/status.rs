//! Status numbers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use scopegate_core::Reason;

use crate::guard::guard;
use crate::string::{Str, Texts};

/// How a call ended. 0 is success, 1 to 99 tell something about the call itself, 2000 to 9999 are the reasons for which
/// a request is refused. Numbers are never reused. Every status but `SCOPEGATE_OK` denies.
pub type Status = i32;

/// Done; for a decision: the request may pass.
pub const SCOPEGATE_OK: Status = 0;
/// An argument is NULL that must not be.
pub const SCOPEGATE_NULL_ARGUMENT: Status = 1;
/// An argument is not what it must be: a configuration with mistakes, a request with a wrong `size`.
pub const SCOPEGATE_INVALID_ARGUMENT: Status = 2;
/// The program was compiled against the header of another interface than this library has.
pub const SCOPEGATE_ABI_MISMATCH: Status = 3;
/// A fault of this library. It was contained; the process may go on.
pub const SCOPEGATE_PANIC: Status = 4;
/// Only from `scopegate_server_check`: keys must be fetched before the request can be decided.
pub const SCOPEGATE_NEED_KEYS: Status = 5;
/// Only from `scopegate_server_check` and `scopegate_server_check_after`: the token is good, and the decision needs the
/// body.
pub const SCOPEGATE_NEED_BODY: Status = 6;
/// Only from `scopegate_server_well_known`, `_not_found`, `_health_response` and `_metrics_response`: the request is the
/// application's.
pub const SCOPEGATE_NOT_OURS: Status = 7;

/// No bearer token in the Authorization field: none at all, another scheme, or nothing after the scheme.
pub const SCOPEGATE_MISSING_TOKEN: Status = 2001;
/// More than one Authorization line, or several credentials joined by a comma (RFC 6750 section 3.1).
pub const SCOPEGATE_MULTIPLE_CREDENTIALS: Status = 2003;
/// The body is not one readable JSON-RPC message, or its routing headers contradict it.
pub const SCOPEGATE_MALFORMED_CALL: Status = 2004;
/// The body is larger than `policy.max_body_bytes`.
pub const SCOPEGATE_CALL_TOO_LARGE: Status = 2005;

/// The token is longer than 16 KiB.
pub const SCOPEGATE_TOKEN_TOO_LARGE: Status = 3001;
/// Not a compact JWS with strict base64url, a JSON header and a JSON payload (RFC 7515 section 7.1).
pub const SCOPEGATE_MALFORMED_TOKEN: Status = 3002;
/// The `typ` header is not one of an access token (RFC 9068 section 4, RFC 8725 section 3.11).
pub const SCOPEGATE_TYPE_NOT_ALLOWED: Status = 3003;
/// The `alg` header is not among the algorithms accepted from this issuer (RFC 8725 section 3.1).
pub const SCOPEGATE_ALGORITHM_NOT_ALLOWED: Status = 3004;
/// The header has `crit` or `b64`; no extension is supported (RFC 7515 section 4.1.11).
pub const SCOPEGATE_CRITICAL_HEADER: Status = 3005;
/// The token is bound to a key by `cnf` and no proof of it is checked (RFC 7800).
pub const SCOPEGATE_SENDER_CONSTRAINED: Status = 3006;
/// A JWT of another kind: an ID token, a logout token, a security event.
pub const SCOPEGATE_NOT_AN_ACCESS_TOKEN: Status = 3007;

/// No key of the issuer fits the token's `kid` and `alg`.
pub const SCOPEGATE_UNKNOWN_KEY: Status = 4001;
/// More than one key of the issuer fits the token.
pub const SCOPEGATE_AMBIGUOUS_KEY: Status = 4002;
/// The signature does not verify.
pub const SCOPEGATE_BAD_SIGNATURE: Status = 4003;

/// A required claim is absent.
pub const SCOPEGATE_MISSING_CLAIM: Status = 5001;
/// A claim is present with another JSON type or range than it must have.
pub const SCOPEGATE_MALFORMED_CLAIM: Status = 5002;
/// `iss` is not a configured issuer.
pub const SCOPEGATE_UNTRUSTED_ISSUER: Status = 5003;
/// `aud` does not name this resource (RFC 8707 section 2, RFC 9068 section 4).
pub const SCOPEGATE_WRONG_AUDIENCE: Status = 5004;
/// `exp` has passed.
pub const SCOPEGATE_EXPIRED: Status = 5005;
/// `nbf` or `iat` is in the future.
pub const SCOPEGATE_NOT_YET_VALID: Status = 5006;
/// Issued longer ago than `max_token_age_seconds`.
pub const SCOPEGATE_TOO_OLD: Status = 5007;
/// A claim of `required_claims` has a value that is not allowed.
pub const SCOPEGATE_CLAIM_NOT_ALLOWED: Status = 5008;
/// Valid for longer than `max_token_lifetime_seconds`.
pub const SCOPEGATE_LIFETIME_TOO_LONG: Status = 5009;

/// The token is good and its scopes do not cover the need.
pub const SCOPEGATE_INSUFFICIENT_SCOPE: Status = 6001;
/// The policy refuses this call whatever the scopes.
pub const SCOPEGATE_POLICY_DENIED: Status = 6002;
/// The Origin is not one of `allowed_origins`.
pub const SCOPEGATE_ORIGIN_DENIED: Status = 6003;

/// The keys needed to judge the token are not to be had now.
pub const SCOPEGATE_KEYS_UNAVAILABLE: Status = 7001;

/// A fault of this library or of the calling program.
pub const SCOPEGATE_INTERNAL: Status = 9001;
/// The machine's clock is not usable.
pub const SCOPEGATE_CLOCK_UNUSABLE: Status = 9002;

/// The status of a reason: its number.
pub(crate) fn of(reason: Reason) -> Status {
    Status::from(reason.code())
}

/// The name of a reason.
pub(crate) fn reason_name(reason: Reason) -> Str {
    name(of(reason))
}

/// The name of a status in lower snake case: "ok", "null_argument", ..., and the names of the reasons, which are the
/// same in every language. "unknown" for other numbers. Lent for ever.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_status_name(status: Status) -> Str {
    guard("scopegate_status_name", || Str::NONE, || name(status))
}

/// What a status that is no reason is called.
const CALL_STATUSES: [(Status, &str); 8] = [
    (SCOPEGATE_OK, "ok"),
    (SCOPEGATE_NULL_ARGUMENT, "null_argument"),
    (SCOPEGATE_INVALID_ARGUMENT, "invalid_argument"),
    (SCOPEGATE_ABI_MISMATCH, "abi_mismatch"),
    (SCOPEGATE_PANIC, "panic"),
    (SCOPEGATE_NEED_KEYS, "need_keys"),
    (SCOPEGATE_NEED_BODY, "need_body"),
    (SCOPEGATE_NOT_OURS, "not_ours"),
];

fn name(status: Status) -> Str {
    static UNKNOWN: LazyLock<Texts> = LazyLock::new(|| Texts::of("unknown"));
    static NAMES: LazyLock<BTreeMap<Status, Texts>> = LazyLock::new(|| {
        let reasons = Reason::ALL.iter().map(|reason| (of(*reason), reason.name()));
        CALL_STATUSES.into_iter().chain(reasons).map(|(status, name)| (status, Texts::of(name))).collect()
    });
    NAMES.get(&status).unwrap_or(&UNKNOWN).first()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Every constant above, by name.
    fn constants() -> BTreeSet<(String, Status)> {
        let lines = include_str!("status.rs").lines();
        let constants =
            lines.filter_map(|line| line.strip_prefix("pub const SCOPEGATE_")?.split_once(": Status = "));
        constants
            .map(|(name, number)| {
                (name.to_lowercase(), number.trim_end_matches(';').parse().expect("a number"))
            })
            .collect()
    }

    #[test]
    fn constants_are_the_reasons_and_the_call_statuses() {
        let reasons = Reason::ALL.iter().map(|reason| (reason.name().to_owned(), of(*reason)));
        let calls = CALL_STATUSES.iter().map(|(status, name)| ((*name).to_owned(), *status));
        assert_eq!(constants(), reasons.chain(calls).collect());
    }

    #[test]
    fn reasons_and_call_statuses_stand_in_their_blocks() {
        assert!(CALL_STATUSES.iter().all(|(status, _)| (0..=99).contains(status)));
        assert!(Reason::ALL.iter().all(|reason| (2000..=9999).contains(&of(*reason))));
    }
}
