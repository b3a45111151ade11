//! Why a request was refused.

use std::fmt;

/// Why a request was refused: one fine-grained reason for operators and tests.
///
/// Numbers stand in blocks, are part of every binding's interface, and are never reused. The wire shows only the
/// [`Class`]: one fixed text for each, so that a refusal tells an attacker nothing about which check failed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
#[repr(u16)]
pub enum Reason {
    /// No bearer token in the `Authorization` field: none at all, another scheme, or nothing after the scheme.
    MissingToken = 2001,
    // 2002 is reserved.
    /// More than one `Authorization` line, or several credentials joined by a comma (RFC 6750 section 3.1).
    MultipleCredentials = 2003,
    /// The body is not one readable JSON-RPC message, or its routing headers contradict it.
    MalformedCall = 2004,
    /// The body is larger than `policy.max_body_bytes`.
    CallTooLarge = 2005,
    /// The token is longer than 16 KiB.
    TokenTooLarge = 3001,
    /// Not a compact JWS with strict base64url, a JSON header and a JSON payload (RFC 7515 section 7.1).
    MalformedToken = 3002,
    /// The `typ` header is not one of an access token (RFC 9068 section 4, RFC 8725 section 3.11).
    TypeNotAllowed = 3003,
    /// The `alg` header is not among the algorithms accepted from this issuer (RFC 8725 section 3.1).
    AlgorithmNotAllowed = 3004,
    /// The header has `crit` or `b64`; no extension is supported (RFC 7515 section 4.1.11).
    CriticalHeader = 3005,
    /// The token is bound to a key by `cnf` and no proof of it is checked (RFC 7800).
    SenderConstrained = 3006,
    /// A JWT of another kind: an ID token, a logout token, a security event.
    NotAnAccessToken = 3007,
    /// No key of the issuer fits the token's `kid` and `alg`.
    UnknownKey = 4001,
    /// More than one key of the issuer fits the token.
    AmbiguousKey = 4002,
    /// The signature does not verify.
    BadSignature = 4003,
    /// A required claim is absent.
    MissingClaim = 5001,
    /// A claim is present with another JSON type or range than it must have.
    MalformedClaim = 5002,
    /// `iss` is not a configured issuer.
    UntrustedIssuer = 5003,
    /// `aud` does not name this resource (RFC 8707 section 2, RFC 9068 section 4).
    WrongAudience = 5004,
    /// `exp` has passed.
    Expired = 5005,
    /// `nbf` or `iat` is in the future.
    NotYetValid = 5006,
    /// Issued longer ago than `max_token_age_seconds`.
    TooOld = 5007,
    /// A claim of `required_claims` has a value that is not allowed.
    ClaimNotAllowed = 5008,
    /// Valid for longer than `max_token_lifetime_seconds`.
    LifetimeTooLong = 5009,
    /// The token is good and its scopes do not cover the need.
    InsufficientScope = 6001,
    /// The policy refuses this call whatever the scopes.
    PolicyDenied = 6002,
    /// The `Origin` is not one of `allowed_origins`.
    OriginDenied = 6003,
    /// The keys needed to judge the token are not to be had now.
    KeysUnavailable = 7001,
    /// A fault of ours or of the calling program.
    Internal = 9001,
    /// The machine's clock is not usable.
    ClockUnusable = 9002,
}

/// How a [`Reason`] is answered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Class {
    /// 401 with a challenge that holds no error (RFC 6750 section 3.1).
    Challenge,
    /// 400 `invalid_request`.
    InvalidRequest,
    /// 400 or 413 with a JSON-RPC error.
    InvalidCall,
    /// 401 `invalid_token`.
    InvalidToken,
    /// 403.
    Forbidden,
    /// 503 with `Retry-After` and no challenge.
    Unavailable,
    /// 500.
    Internal,
}

impl Reason {
    /// Every reason, by number.
    pub const ALL: &'static [Reason] = &[
        Reason::MissingToken,
        Reason::MultipleCredentials,
        Reason::MalformedCall,
        Reason::CallTooLarge,
        Reason::TokenTooLarge,
        Reason::MalformedToken,
        Reason::TypeNotAllowed,
        Reason::AlgorithmNotAllowed,
        Reason::CriticalHeader,
        Reason::SenderConstrained,
        Reason::NotAnAccessToken,
        Reason::UnknownKey,
        Reason::AmbiguousKey,
        Reason::BadSignature,
        Reason::MissingClaim,
        Reason::MalformedClaim,
        Reason::UntrustedIssuer,
        Reason::WrongAudience,
        Reason::Expired,
        Reason::NotYetValid,
        Reason::TooOld,
        Reason::ClaimNotAllowed,
        Reason::LifetimeTooLong,
        Reason::InsufficientScope,
        Reason::PolicyDenied,
        Reason::OriginDenied,
        Reason::KeysUnavailable,
        Reason::Internal,
        Reason::ClockUnusable,
    ];

    /// The number, stable for ever.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// The name in lower snake case, the same in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Reason::MissingToken => "missing_token",
            Reason::MultipleCredentials => "multiple_credentials",
            Reason::MalformedCall => "malformed_call",
            Reason::CallTooLarge => "call_too_large",
            Reason::TokenTooLarge => "token_too_large",
            Reason::MalformedToken => "malformed_token",
            Reason::TypeNotAllowed => "type_not_allowed",
            Reason::AlgorithmNotAllowed => "algorithm_not_allowed",
            Reason::CriticalHeader => "critical_header",
            Reason::SenderConstrained => "sender_constrained",
            Reason::NotAnAccessToken => "not_an_access_token",
            Reason::UnknownKey => "unknown_key",
            Reason::AmbiguousKey => "ambiguous_key",
            Reason::BadSignature => "bad_signature",
            Reason::MissingClaim => "missing_claim",
            Reason::MalformedClaim => "malformed_claim",
            Reason::UntrustedIssuer => "untrusted_issuer",
            Reason::WrongAudience => "wrong_audience",
            Reason::Expired => "expired",
            Reason::NotYetValid => "not_yet_valid",
            Reason::TooOld => "too_old",
            Reason::ClaimNotAllowed => "claim_not_allowed",
            Reason::LifetimeTooLong => "lifetime_too_long",
            Reason::InsufficientScope => "insufficient_scope",
            Reason::PolicyDenied => "policy_denied",
            Reason::OriginDenied => "origin_denied",
            Reason::KeysUnavailable => "keys_unavailable",
            Reason::Internal => "internal",
            Reason::ClockUnusable => "clock_unusable",
        }
    }

    /// How the reason is answered.
    pub const fn class(self) -> Class {
        match self {
            Reason::MissingToken => Class::Challenge,
            Reason::MultipleCredentials => Class::InvalidRequest,
            Reason::MalformedCall | Reason::CallTooLarge => Class::InvalidCall,
            Reason::InsufficientScope | Reason::PolicyDenied | Reason::OriginDenied => Class::Forbidden,
            Reason::KeysUnavailable => Class::Unavailable,
            Reason::Internal | Reason::ClockUnusable => Class::Internal,
            _ => Class::InvalidToken,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
