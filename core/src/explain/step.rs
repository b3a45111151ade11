//! The checks by their names, in their order.

use super::evidence::Evidence;
use crate::reason::Reason;

/// A check that a decision makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    Arguments,
    Origin,
    AuthorizationLine,
    BearerToken,
    TokenSize,
    OneCredential,
    TokenSyntax,
    CriticalHeader,
    PayloadSyntax,
    Issuer,
    Algorithm,
    Type,
    Clock,
    Key,
    Signature,
    ClaimTypes,
    ClaimsPresent,
    SenderConstraint,
    AccessToken,
    Audience,
    Expiry,
    NotBefore,
    Age,
    Lifetime,
    RequiredClaims,
    Body,
    Call,
    Policy,
    Scopes,
}

impl Step {
    /// Every check, in the order in which they are made.
    pub(super) const ALL: &'static [Step] = &[
        Step::Arguments,
        Step::Origin,
        Step::AuthorizationLine,
        Step::BearerToken,
        Step::TokenSize,
        Step::OneCredential,
        Step::TokenSyntax,
        Step::CriticalHeader,
        Step::PayloadSyntax,
        Step::Issuer,
        Step::Algorithm,
        Step::Type,
        Step::Clock,
        Step::Key,
        Step::Signature,
        Step::ClaimTypes,
        Step::ClaimsPresent,
        Step::SenderConstraint,
        Step::AccessToken,
        Step::Audience,
        Step::Expiry,
        Step::NotBefore,
        Step::Age,
        Step::Lifetime,
        Step::RequiredClaims,
        Step::Body,
        Step::Call,
        Step::Policy,
        Step::Scopes,
    ];

    /// Its place in the order.
    pub(super) const fn place(self) -> usize {
        self as usize
    }

    /// The name and where more is to be read.
    const fn entry(self) -> (&'static str, &'static str) {
        match self {
            Step::Arguments => ("arguments", "docs/reasons.md#internal"),
            Step::Origin => ("origin", "docs/reasons.md#origin_denied"),
            Step::AuthorizationLine => ("authorization_line", "RFC 6750 section 2"),
            Step::BearerToken => ("bearer_token", "RFC 6750 section 2.1"),
            Step::TokenSize => ("token_size", "docs/reasons.md#token_too_large"),
            Step::OneCredential => ("one_credential", "RFC 6750 section 2.1"),
            Step::TokenSyntax => ("token_syntax", "RFC 7515 section 7.1"),
            Step::CriticalHeader => ("critical_header", "RFC 7515 section 4.1.11"),
            Step::PayloadSyntax => ("payload_syntax", "RFC 7519 section 7.2"),
            Step::Issuer => ("issuer", "RFC 8725 section 3.8"),
            Step::Algorithm => ("algorithm", "RFC 8725 section 3.1"),
            Step::Type => ("type", "RFC 8725 section 3.11"),
            Step::Clock => ("clock", "docs/reasons.md#clock_unusable"),
            Step::Key => ("key", "RFC 7515 section 4.1.4"),
            Step::Signature => ("signature", "RFC 7515 section 5.2"),
            Step::ClaimTypes => ("claim_types", "RFC 7519 section 4.1"),
            Step::ClaimsPresent => ("claims_present", "RFC 9068 section 2.2"),
            Step::SenderConstraint => ("sender_constraint", "RFC 7800 section 3"),
            Step::AccessToken => ("access_token", "RFC 8725 section 3.12"),
            Step::Audience => ("audience", "RFC 9068 section 4"),
            Step::Expiry => ("expiry", "RFC 7519 section 4.1.4"),
            Step::NotBefore => ("not_before", "RFC 7519 section 4.1.5"),
            Step::Age => ("age", "RFC 7519 section 4.1.6"),
            Step::Lifetime => ("lifetime", "docs/reasons.md#lifetime_too_long"),
            Step::RequiredClaims => ("required_claims", "docs/reasons.md#claim_not_allowed"),
            Step::Body => ("body", "docs/reasons.md#malformed_call"),
            Step::Call => ("call", "docs/reasons.md#malformed_call"),
            Step::Policy => ("policy", "docs/reasons.md#policy_denied"),
            Step::Scopes => ("scopes", "RFC 6750 section 3.1"),
        }
    }

    pub(super) const fn name(self) -> &'static str {
        self.entry().0
    }

    pub(super) const fn reference(self) -> &'static str {
        self.entry().1
    }

    /// The check that refuses for this reason. Three reasons are of two checks each: the one is of the token's envelope, the
    /// other of what is in it.
    pub(super) fn that_refuses(reason: Reason, evidence: &Evidence<'_>) -> Step {
        match reason {
            Reason::Internal => Step::Arguments,
            Reason::OriginDenied => Step::Origin,
            Reason::MultipleCredentials if evidence.lines() > 1 => Step::AuthorizationLine,
            Reason::MissingToken => Step::BearerToken,
            Reason::TokenTooLarge => Step::TokenSize,
            Reason::MultipleCredentials => Step::OneCredential,
            Reason::MalformedToken if !evidence.has_envelope() => Step::TokenSyntax,
            Reason::CriticalHeader => Step::CriticalHeader,
            Reason::MalformedToken => Step::PayloadSyntax,
            Reason::MissingClaim | Reason::MalformedClaim if evidence.issuer.is_none() => Step::Issuer,
            Reason::UntrustedIssuer => Step::Issuer,
            Reason::AlgorithmNotAllowed => Step::Algorithm,
            Reason::TypeNotAllowed => Step::Type,
            Reason::ClockUnusable => Step::Clock,
            Reason::KeysUnavailable | Reason::UnknownKey | Reason::AmbiguousKey => Step::Key,
            Reason::BadSignature => Step::Signature,
            Reason::MalformedClaim => Step::ClaimTypes,
            Reason::MissingClaim => Step::ClaimsPresent,
            Reason::SenderConstrained => Step::SenderConstraint,
            Reason::NotAnAccessToken => Step::AccessToken,
            Reason::WrongAudience => Step::Audience,
            Reason::Expired => Step::Expiry,
            Reason::NotYetValid => Step::NotBefore,
            Reason::TooOld => Step::Age,
            Reason::LifetimeTooLong => Step::Lifetime,
            Reason::ClaimNotAllowed => Step::RequiredClaims,
            Reason::CallTooLarge | Reason::MalformedCall => Step::Call,
            Reason::PolicyDenied => Step::Policy,
            Reason::InsufficientScope => Step::Scopes,
        }
    }
}
