//! The claims of a token: read once into typed values, then judged in a fixed order.
//!
//! Absent, malformed and wrong are three different reasons (RFC 8725 section 3.8 to 3.12).

use std::borrow::Cow;

use serde_json::Value;

use super::access_token::KeptToken;
use super::jws::{Header, MediaType};
use super::memory::Owned;
use crate::config::{AudienceRules, TimeRules, TokenFormat, TokenRules};
use crate::json::{Json, Object};
use crate::reason::Reason;
use crate::refusal::Refusal;
use crate::scope::{ScopeSet, is_scope_token};
use crate::url::Url;

/// The claims that are read, each absent or of its type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Claims {
    pub(crate) expires_at: Option<i64>,
    pub(crate) audience: Option<Vec<String>>,
    pub(crate) not_before: Option<i64>,
    pub(crate) issued_at: Option<i64>,
    pub(crate) subject: Option<String>,
    pub(crate) token_id: Option<String>,
    pub(crate) client_id: Option<String>,
    /// `None` when none of the scope claims is present.
    pub(crate) scopes: Option<ScopeSet>,
    is_sender_constrained: bool,
    token_use: Option<String>,
    payload_type: Option<String>,
    /// The claim that stands in for an absent `aud`.
    client_audience: Option<String>,
    /// Whether `client_id` itself is present: RFC 9068 wants it wherever the client is read from.
    has_client_id: bool,
    /// Whether one of the claims is present that only other tokens have.
    has_foreign_claim: bool,
    has_nonce: bool,
    /// In the generic format: whether the claims, apart from the header, would pass that of RFC 9068.
    fit_rfc9068: bool,
    /// The values of `required_claims`, in its order.
    pub(crate) required: Vec<Option<Value>>,
}

/// Check 10: the issuer, which alone selects whose keys are tried.
pub(crate) fn issuer<'a>(claims: &'a Object<'_>) -> Result<&'a str, Refusal> {
    match claims.get("iss") {
        None => Err(missing("iss")),
        Some(value) => as_text(value).ok_or_else(|| malformed("iss", "a string")),
    }
}

/// `iat` where it can be read, for the decision whether a key may be newer than those held.
pub(crate) fn issue_time(claims: &Object<'_>) -> Option<i64> {
    claims.get("iat").and_then(|value| as_time(value, f64::ceil))
}

impl Claims {
    /// Check 16: every claim that is present has its type.
    pub(crate) fn read(claims: &Object<'_>, rules: &TokenRules) -> Result<Claims, Refusal> {
        let expires_at = time(claims, "exp", f64::floor)?;
        let audience = audience(claims)?;
        let not_before = time(claims, "nbf", f64::ceil)?;
        let issued_at = time(claims, "iat", f64::ceil)?;
        let subject = text(claims, "sub")?;
        let token_id = text(claims, "jti")?;
        let client_id = client_id(claims, rules)?;
        let scopes = scopes(claims, rules)?;
        let is_sender_constrained = match claims.get("cnf") {
            None => false,
            Some(Json::Object(_)) => true,
            Some(_) => return Err(malformed("cnf", "an object")),
        };
        let generic = rules.format == TokenFormat::Generic;
        let token_use = if generic { text(claims, "token_use")? } else { None };
        let payload_type = if generic { text(claims, "typ")? } else { None };
        let client_audience = match &rules.client_audience {
            Some((claim, _)) if audience.is_none() => text(claims, claim)?,
            _ => None,
        };
        let has = |claim: &str| claims.has(claim);
        Ok(Claims {
            has_client_id: has("client_id"),
            has_foreign_claim: has("at_hash") || has("c_hash") || has("events"),
            has_nonce: has("nonce"),
            fit_rfc9068: generic && fit_rfc9068(claims),
            required: required(claims, rules),
            expires_at,
            audience,
            not_before,
            issued_at,
            subject,
            token_id,
            client_id,
            scopes,
            is_sender_constrained,
            token_use,
            payload_type,
            client_audience,
        })
    }

    /// What a host kept: enough to judge its scopes and to tell whose it is.
    pub(crate) fn kept(token: &KeptToken<'_>) -> Claims {
        let scopes = token.scope.split(' ').filter(|scope| !scope.is_empty()).collect();
        Claims {
            subject: token.subject.map(str::to_owned),
            client_id: token.client_id.map(str::to_owned),
            token_id: token.token_id.map(str::to_owned),
            scopes: Some(scopes),
            ..Claims::default()
        }
    }

    /// Checks 17 to 22, in their order. The scopes are judged elsewhere.
    pub(crate) fn judge(&self, token: &Judged<'_>) -> Result<(), Refusal> {
        self.is_complete(token)?;
        self.is_bearer_token()?;
        self.is_access_token(token)?;
        self.is_for_us(token)?;
        self.is_in_time(token.times, token.now)?;
        self.has_required_values(token.rules)
    }

    /// Issuer, a blank, then subject, or client where there is no subject. An empty name is none: it would make
    /// strangers one.
    pub(crate) fn principal(&self, issuer: &str) -> Option<String> {
        let mut names = [&self.subject, &self.client_id].into_iter().flatten();
        names.find(|name| !name.is_empty()).map(|name| [issuer, " ", name].concat())
    }

    /// Whether a token that the generic format accepts would pass the format of RFC 9068 too.
    pub(crate) fn would_pass_rfc9068(&self, header: &Header) -> bool {
        header.media_type == MediaType::AccessToken && self.fit_rfc9068
    }

    /// Check 17.
    fn is_complete(&self, token: &Judged<'_>) -> Result<(), Refusal> {
        require(self.expires_at.is_some(), "exp")?;
        match &token.rules.client_audience {
            Some((claim, _)) if self.audience.is_none() => require(self.client_audience.is_some(), claim)?,
            _ => require(self.audience.is_some(), "aud")?,
        }
        let strict = token.rules.format == TokenFormat::Rfc9068;
        if strict {
            require(self.subject.is_some(), "sub")?;
            require(self.has_client_id, "client_id")?;
        }
        if strict || token.times.max_age.is_some() || token.times.max_lifetime.is_some() {
            require(self.issued_at.is_some(), "iat")?;
        }
        if strict {
            require(self.token_id.is_some(), "jti")?;
        }
        for (claim, value) in token.rules.required_claims.keys().zip(&self.required) {
            require(value.is_some(), claim)?;
        }
        Ok(())
    }

    /// Check 18: a token that is bound to a key is worth nothing without a proof of it (RFC 7800), and none is checked.
    fn is_bearer_token(&self) -> Result<(), Refusal> {
        match self.is_sender_constrained {
            true => Err(Refusal::new(Reason::SenderConstrained, "expected a token without cnf")),
            false => Ok(()),
        }
    }

    /// Check 19: in the generic format, what tells an access token from the other tokens of an issuer.
    fn is_access_token(&self, token: &Judged<'_>) -> Result<(), Refusal> {
        if token.rules.format == TokenFormat::Rfc9068 {
            return Ok(());
        }
        let refuse = |detail: &'static str| Err(Refusal::new(Reason::NotAnAccessToken, detail));
        let is_type = |name: &str| self.payload_type.as_deref() == Some(name);
        if self.has_foreign_claim {
            return refuse("expected no at_hash, c_hash or events: they are of other tokens");
        }
        if self.has_nonce && token.header.media_type != MediaType::AccessToken && !is_type("Bearer") {
            return refuse("expected no nonce: it is of an ID token");
        }
        if self.token_use.as_ref().is_some_and(|purpose| purpose != "access") {
            return refuse("expected token_use to be access");
        }
        if ["ID", "Refresh", "Offline", "Logout"].into_iter().any(is_type) {
            return refuse("expected a typ claim of an access token");
        }
        if self.scopes.is_none() && self.client_id.is_none() {
            return refuse("expected a scope claim or a client id claim");
        }
        Ok(())
    }

    /// Check 20.
    fn is_for_us(&self, token: &Judged<'_>) -> Result<(), Refusal> {
        let wrong = |detail: String| Err(Refusal::new(Reason::WrongAudience, detail));
        let Some(audience) = &self.audience else {
            let accepted = match (&token.rules.client_audience, &self.client_audience) {
                (Some((_, values)), Some(value)) => values.contains(value),
                _ => false,
            };
            return if accepted {
                Ok(())
            } else {
                wrong("expected the claim that stands in for aud to be a listed one".into())
            };
        };
        let ours = |name: &String| token.is_our_name(name);
        if !audience.iter().any(ours) {
            return wrong(format!("expected aud to name {}", token.audiences.resource));
        }
        if token.audiences.reject_foreign && !audience.iter().all(ours) {
            return wrong(format!("expected aud to name {} and no one else", token.audiences.resource));
        }
        Ok(())
    }

    /// Check 21.
    fn is_in_time(&self, rules: TimeRules, now: i64) -> Result<(), Refusal> {
        let earliest = now.saturating_add(rules.leeway);
        let refuse = |reason, detail: String| Err(Refusal::new(reason, detail));
        if self.expires_at.is_none_or(|exp| now >= exp.saturating_add(rules.leeway)) {
            return refuse(
                Reason::Expired,
                format!("expected exp to be in the future, {} s allowed", rules.leeway),
            );
        }
        if self.not_before.is_some_and(|nbf| nbf > earliest) {
            return refuse(
                Reason::NotYetValid,
                format!("expected nbf not to be in the future, {} s allowed", rules.leeway),
            );
        }
        let Some(iat) = self.issued_at else { return Ok(()) };
        if iat > earliest {
            return refuse(
                Reason::NotYetValid,
                format!("expected iat not to be in the future, {} s allowed", rules.leeway),
            );
        }
        if let Some(limit) =
            rules.max_age.filter(|limit| now.saturating_sub(iat) > limit.saturating_add(rules.leeway))
        {
            return refuse(Reason::TooOld, format!("expected a token issued at most {limit} s ago"));
        }
        let lifetime = self.expires_at.map(|exp| exp.saturating_sub(iat));
        match rules.max_lifetime.filter(|limit| lifetime.is_some_and(|lifetime| lifetime > *limit)) {
            Some(limit) => {
                refuse(Reason::LifetimeTooLong, format!("expected a token valid for at most {limit} s"))
            }
            None => Ok(()),
        }
    }

    /// Check 22.
    fn has_required_values(&self, rules: &TokenRules) -> Result<(), Refusal> {
        for ((claim, allowed), value) in rules.required_claims.iter().zip(&self.required) {
            if !value.as_ref().is_some_and(|value| allowed.contains(value)) {
                let detail = format!("expected {claim} to have a value of required_claims");
                return Err(Refusal::new(Reason::ClaimNotAllowed, detail));
            }
        }
        Ok(())
    }
}

impl Owned for Claims {
    fn owned(&self) -> usize {
        let names = [&self.subject, &self.token_id, &self.client_id];
        let kinds = [&self.token_use, &self.payload_type, &self.client_audience];
        let texts: usize = names.into_iter().chain(kinds).map(Owned::owned).sum();
        texts + self.audience.owned() + self.scopes.owned() + self.required.owned()
    }
}

/// A token with what it is judged by.
pub(crate) struct Judged<'a> {
    pub(crate) header: &'a Header,
    pub(crate) rules: &'a TokenRules,
    pub(crate) audiences: &'a AudienceRules,
    pub(crate) times: TimeRules,
    pub(crate) now: i64,
}

impl Judged<'_> {
    /// Exactly the resource or an additional audience; for the resource also in another spelling of the same URL.
    /// Never a prefix, a folded slash or the request's host.
    fn is_our_name(&self, name: &String) -> bool {
        *name == self.audiences.resource
            || self.audiences.additional.contains(name)
            || self.rules.additional_audiences.contains(name)
            || Url::parse(name).is_ok_and(|url| url.normalised() == self.audiences.resource_normalised)
    }

    /// Check 12: `typ`, by the format.
    pub(crate) fn check_type(header: &Header, rules: &TokenRules) -> Result<(), Refusal> {
        let fits = match rules.format {
            TokenFormat::Rfc9068 => header.media_type == MediaType::AccessToken,
            TokenFormat::Generic => header.media_type != MediaType::Other,
        };
        match (fits, rules.format) {
            (true, _) => Ok(()),
            (false, TokenFormat::Rfc9068) => {
                Err(Refusal::new(Reason::TypeNotAllowed, "expected typ to be at+jwt"))
            }
            (false, TokenFormat::Generic) => {
                Err(Refusal::new(Reason::TypeNotAllowed, "expected typ to be at+jwt or JWT, or absent"))
            }
        }
    }
}

/// Whether these are what RFC 9068 section 2.2 asks for.
fn fit_rfc9068(claims: &Object<'_>) -> bool {
    let is_text = |value: &Json<'_>| value.as_text().is_some();
    ["sub", "client_id", "iat", "jti"].iter().all(|claim| claims.has(claim))
        && claims.get("client_id").is_some_and(is_text)
        && claims.get("scope").is_none_or(is_text)
}

fn required(claims: &Object<'_>, rules: &TokenRules) -> Vec<Option<Value>> {
    rules.required_claims.keys().map(|claim| claims.get(claim).cloned().map(Value::from)).collect()
}

fn require(is_present: bool, claim: &str) -> Result<(), Refusal> {
    if is_present { Ok(()) } else { Err(missing(claim)) }
}

/// 2^53 - 1: beyond it, parsers differ.
const MAX_TIME: f64 = 9_007_199_254_740_991.0;

/// A NumericDate (RFC 7519 section 2) as whole seconds, rounded to the strict side.
fn as_time(value: &Json<'_>, round: fn(f64) -> f64) -> Option<i64> {
    let Json::Number(number) = value else { return None };
    let seconds = number.as_f64()?;
    (0.0..=MAX_TIME).contains(&seconds).then(|| round(seconds) as i64)
}

fn time(claims: &Object<'_>, name: &str, round: fn(f64) -> f64) -> Result<Option<i64>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match as_time(value, round) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(malformed(name, "a number from 0 to 2^53 - 1")),
        },
    }
}

/// A string that means the same in every language: U+0000 would end it in C. Only an escape can put one there.
fn as_text<'a>(value: &'a Json<'_>) -> Option<&'a str> {
    match value {
        Json::Text(Cow::Borrowed(text)) => Some(text),
        Json::Text(Cow::Owned(text)) if !text.contains('\0') => Some(text),
        _ => None,
    }
}

fn text(claims: &Object<'_>, name: &str) -> Result<Option<String>, Refusal> {
    match claims.get(name) {
        None => Ok(None),
        Some(value) => match as_text(value) {
            Some(text) => Ok(Some(text.to_owned())),
            None => Err(malformed(name, "a string")),
        },
    }
}

fn audience(claims: &Object<'_>) -> Result<Option<Vec<String>>, Refusal> {
    let names: Option<Vec<String>> = match claims.get("aud") {
        None => return Ok(None),
        Some(Json::List(names)) if !names.is_empty() => {
            names.iter().map(|name| as_text(name).map(str::to_owned)).collect()
        }
        Some(value) => as_text(value).map(|name| vec![name.to_owned()]),
    };
    names.map(Some).ok_or_else(|| malformed("aud", "a string or a list of strings"))
}

fn client_id(claims: &Object<'_>, rules: &TokenRules) -> Result<Option<String>, Refusal> {
    if rules.format == TokenFormat::Rfc9068 {
        text(claims, "client_id")?;
    }
    match rules.client_id_claims.iter().find(|claim| claims.has(claim)) {
        Some(claim) => text(claims, claim),
        None => Ok(None),
    }
}

/// The scopes in the first scope claim that is present, with the prefix put before each that lacks it.
fn scopes(claims: &Object<'_>, rules: &TokenRules) -> Result<Option<ScopeSet>, Refusal> {
    for path in &rules.scope_claims {
        let Some(value) = follow(claims, path)? else { continue };
        let malformed = |expected| malformed(&path.join("."), expected);
        let is_scope = matches!(path.as_slice(), [name] if name == "scope");
        if rules.format == TokenFormat::Rfc9068 && is_scope && value.as_text().is_none() {
            return Err(malformed("a string"));
        }
        let listed =
            scope_list(value).ok_or_else(|| malformed("scopes: a string with single blanks, or a list"))?;
        return Ok(Some(match &rules.scope_prefix {
            None => listed.into_iter().collect(),
            Some(prefix) => listed.into_iter().map(|scope| with_prefix(prefix, scope)).collect(),
        }));
    }
    Ok(None)
}

/// The value at the end of a path through nested objects.
fn follow<'a, 'b>(claims: &'a Object<'b>, path: &[String]) -> Result<Option<&'a Json<'b>>, Refusal> {
    let Some((last, before)) = path.split_last() else { return Ok(None) };
    let mut object = claims;
    for name in before {
        match object.get(name) {
            None => return Ok(None),
            Some(Json::Object(inner)) => object = inner,
            Some(_) => return Err(malformed(name, "an object")),
        }
    }
    Ok(object.get(last))
}

fn scope_list<'a>(value: &'a Json<'_>) -> Option<Vec<&'a str>> {
    let scopes: Option<Vec<&str>> = match value {
        Json::Text(text) if text.is_empty() => Some(Vec::new()),
        Json::Text(text) => Some(text.split(' ').collect()),
        Json::List(items) => items.iter().map(Json::as_text).collect(),
        _ => None,
    };
    scopes.filter(|scopes| scopes.iter().all(|scope| is_scope_token(scope)))
}

fn with_prefix(prefix: &str, scope: &str) -> String {
    if scope.starts_with(prefix) { scope.to_owned() } else { format!("{prefix}{scope}") }
}

fn missing(claim: &str) -> Refusal {
    Refusal::new(Reason::MissingClaim, format!("expected the claim {claim}"))
}

fn malformed(claim: &str, expected: &str) -> Refusal {
    Refusal::new(Reason::MalformedClaim, format!("expected {claim} to be {expected}"))
}

/// The claim that a refusal is about, by its detail: one that is missing, malformed or not allowed.
pub(crate) fn claim_in(detail: &str) -> Option<&str> {
    let rest = detail.strip_prefix("expected ")?;
    let named = rest.strip_prefix("the claim ");
    named.or_else(|| {
        rest.rsplit_once(" to be ").or_else(|| rest.rsplit_once(" to have ")).map(|(claim, _)| claim)
    })
}
