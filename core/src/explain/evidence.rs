//! What a request and its token say for and against each check.

use serde_json::{Map, Value};

use super::CheckOutcome;
use super::shown::{Shown, type_of};
use super::step::Step;
use crate::call::Message;
use crate::config::{ServerSettings, TokenFormat};
use crate::keys::source::Source;
use crate::reason::Reason;
use crate::refusal::{Particulars, Refusal};
use crate::request::{Body, MAX_TOKEN_BYTES, Request};
use crate::resource_server::Inner;
use crate::token::access_token::AccessToken;
use crate::token::claims::{self, Claims};
use crate::token::jws::{self, Jws};

/// What is known of a request, as far as it can be read.
pub(super) struct Evidence<'a> {
    pub(super) inner: &'a Inner,
    request: &'a Request<'a>,
    /// The token, where it proved good.
    token: Option<&'a AccessToken>,
    pub(super) refusal: Option<&'a Refusal>,
    credential: Result<&'a [u8], Reason>,
    /// The members of the token's header, where its envelope can be read.
    pub(super) header: Map<String, Value>,
    has_envelope: bool,
    /// The claims, none of them verified.
    pub(super) claims: Map<String, Value>,
    /// `iss`, where it can be read.
    pub(super) issuer: Option<String>,
    /// The server whose token it says it is, and its keys.
    pub(super) server: Option<&'a ServerSettings>,
    source: Option<&'a Source>,
    /// The claims by their types, where these are right.
    typed: Option<Claims>,
    now: Option<i64>,
    shown: Shown<'a>,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(
        inner: &'a Inner,
        request: &'a Request<'a>,
        token: Option<&'a AccessToken>,
        refusal: Option<&'a Refusal>,
    ) -> Evidence<'a> {
        let credential = request.credential();
        let jws = credential.ok().and_then(|credential| Jws::parse(credential).ok());
        let members = jws.as_ref().and_then(|jws| jws.claims().ok()).unwrap_or_default();
        let issuer = claims::issuer(&members).ok().map(str::to_owned);
        let of_server = issuer.as_deref().and_then(|issuer| inner.server_of(issuer).ok());
        let (server, source) = of_server.unzip();
        Evidence {
            has_envelope: credential.is_ok_and(|credential| Jws::parse_any(credential).is_ok()),
            header: credential.ok().and_then(jws::header_members).unwrap_or_default(),
            typed: server.and_then(|server| Claims::read(&members, &server.tokens).ok()),
            claims: members.into(),
            now: inner.now(request).ok(),
            shown: Shown { secrets: request.authorization },
            inner,
            request,
            token,
            refusal,
            credential,
            issuer,
            server,
            source,
        }
    }

    /// How many `Authorization` lines there are.
    pub(super) fn lines(&self) -> usize {
        self.request.authorization.len()
    }

    /// Whether the token has the form of a compact JWS, and a header that can be read.
    pub(super) fn has_envelope(&self) -> bool {
        self.has_envelope
    }

    /// How many parts the token has.
    pub(super) fn parts(&self) -> usize {
        self.credential.map_or(0, |token| token.split(|byte| *byte == b'.').count())
    }

    /// A claim that holds a text.
    pub(super) fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// Whom the token is for, as far as it can be read.
    pub(super) fn audience(&self) -> Vec<&str> {
        match self.claims.get("aud") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// The scopes of the token, where its claims can be read.
    pub(super) fn scopes(&self) -> Option<&[String]> {
        self.typed.as_ref()?.scopes.as_ref().map(|scopes| scopes.as_slice())
    }

    /// The claim that the refusal is about.
    pub(super) fn claim(&self) -> Option<&str> {
        self.refusal.and_then(|refusal| claims::claim_in(&refusal.detail))
    }

    /// Seconds from `exp`, or from the later of `nbf` and `iat`, to now: negative where that is to come.
    pub(super) fn since_expiry(&self) -> Option<i64> {
        Some(self.now?.saturating_sub(self.typed.as_ref()?.expires_at?))
    }

    pub(super) fn since_start(&self) -> Option<i64> {
        let typed = self.typed.as_ref()?;
        Some(self.now?.saturating_sub(typed.not_before.max(typed.issued_at)?))
    }

    /// Whether the configuration asks for a check. Where that depends on an issuer that is not known, it does.
    pub(super) fn asks_for(&self, step: Step) -> bool {
        let settings = &self.inner.settings;
        let rules = self.server.map(|server| &server.tokens);
        match step {
            Step::Origin => settings.allowed_origins.is_some(),
            Step::AccessToken => rules.is_none_or(|rules| rules.format == TokenFormat::Generic),
            Step::Age => settings.times.max_age.is_some(),
            Step::Lifetime => settings.times.max_lifetime.is_some(),
            Step::RequiredClaims => rules.is_none_or(|rules| !rules.required_claims.is_empty()),
            Step::Body | Step::Call | Step::Policy => self.inner.policy.is_some(),
            _ => true,
        }
    }

    /// What a check expects. Where it is one of several things, a failure names the one.
    pub(super) fn expected(&self, step: Step, outcome: CheckOutcome) -> Option<String> {
        let named = matches!(
            step,
            Step::TokenSyntax
                | Step::PayloadSyntax
                | Step::ClaimTypes
                | Step::ClaimsPresent
                | Step::AccessToken
                | Step::Policy
        );
        if let (Some(refusal), CheckOutcome::Failed, true) = (self.refusal, outcome, named) {
            let detail = &*refusal.detail;
            return Some(detail.strip_prefix("expected ").unwrap_or(detail).to_owned());
        }
        self.expected_always(step)
    }

    fn expected_always(&self, step: Step) -> Option<String> {
        let settings = &self.inner.settings;
        let times = settings.times;
        let expected = match step {
            Step::Arguments => "the request's own scopes to be scope tokens other than offline_access".into(),
            Step::Origin => {
                let allowed = settings.allowed_origins.iter().flatten().map(String::as_str);
                format!("no Origin, or one of {}", self.own_list(allowed))
            }
            Step::AuthorizationLine => "one Authorization line at most".into(),
            Step::BearerToken => "Bearer, a blank and a token".into(),
            Step::TokenSize => format!("at most {MAX_TOKEN_BYTES} bytes"),
            Step::OneCredential => "no comma".into(),
            Step::TokenSyntax => "three parts in base64url, the first of them a JSON object with alg".into(),
            Step::CriticalHeader => "a header without crit and b64".into(),
            Step::PayloadSyntax => "the payload to be a strict JSON object".into(),
            Step::Issuer => {
                let servers = settings.servers.iter();
                let issuers = servers.flat_map(|server| server.issuers.iter().map(String::as_str));
                format!("iss to be one of {}", self.own_list(issuers))
            }
            Step::Clock => "a clock that is past 1970".into(),
            Step::Signature => "a signature by that key".into(),
            Step::SenderConstraint => "no cnf".into(),
            Step::Expiry => format!("exp to be in the future, {} s allowed", times.leeway),
            Step::NotBefore => format!("nbf and iat not to be in the future, {} s allowed", times.leeway),
            Step::Age => format!("iat at most {} s ago, {} s allowed", times.max_age?, times.leeway),
            Step::Lifetime => format!("exp at most {} s after iat", times.max_lifetime?),
            Step::Body => "the body of the request".into(),
            Step::Call => "one readable JSON-RPC message, and no header that contradicts it".into(),
            Step::Policy => "a call that the policy allows".into(),
            Step::Scopes => format!("the scopes {}", self.own_list(self.need().iter().map(String::as_str))),
            Step::Algorithm
            | Step::Type
            | Step::Key
            | Step::ClaimTypes
            | Step::ClaimsPresent
            | Step::AccessToken
            | Step::Audience
            | Step::RequiredClaims => return self.expected_of(self.server?, step),
        };
        Some(expected)
    }

    /// What a check expects of the tokens of one server.
    fn expected_of(&self, server: &ServerSettings, step: Step) -> Option<String> {
        let settings = &self.inner.settings;
        let rules = &server.tokens;
        let is_strict = rules.format == TokenFormat::Rfc9068;
        let expected = match step {
            Step::Algorithm => {
                let names: Vec<_> = rules.algorithms.iter().map(|algorithm| algorithm.name()).collect();
                format!("alg to be one of {}", names.join(", "))
            }
            Step::Type if is_strict => "typ to be at+jwt".into(),
            Step::Type => "typ to be at+jwt or JWT, or absent".into(),
            Step::Key => "one key of the issuer that fits kid and alg".into(),
            Step::ClaimTypes => "every claim that is read to be of its type".into(),
            Step::ClaimsPresent if is_strict => {
                "every claim of RFC 9068, and those of required_claims".into()
            }
            Step::ClaimsPresent => "aud and exp, and every claim that the configuration requires".into(),
            Step::AccessToken => {
                "a scope claim or a client id claim, and nothing that only other tokens have".into()
            }
            Step::Audience => match &rules.client_audience {
                Some((claim, values)) if self.claims.get("aud").is_none() => {
                    format!("{claim} to be one of {}", self.own_list(values.iter().map(String::as_str)))
                }
                _ => {
                    let alone = if settings.audiences.reject_foreign { " and no one else" } else { "" };
                    format!("aud to name {}{alone}", self.own_list(self.audiences(server)))
                }
            },
            Step::RequiredClaims => {
                let allowed = rules.required_claims.iter().map(|(claim, values)| {
                    let values: Vec<String> = values.iter().map(|value| value.to_string()).collect();
                    format!("{claim} to be {}", values.join(" or "))
                });
                allowed.collect::<Vec<_>>().join(", ")
            }
            _ => return None,
        };
        Some(expected)
    }

    /// What stands in the place of what a check expects.
    pub(super) fn found(&self, step: Step, outcome: CheckOutcome) -> Option<String> {
        let is_good = outcome == CheckOutcome::Passed;
        let found = match step {
            Step::Arguments if self.request.scopes.is_empty() => "no scopes".into(),
            Step::Arguments => self.shown.list(self.request.scopes.iter().copied()),
            Step::Origin => self.origin(),
            Step::AuthorizationLine => count(self.lines(), "line"),
            Step::BearerToken => self.credential_found(),
            Step::TokenSize => match self.credential {
                Ok(token) => format!("{} bytes", token.len()),
                Err(_) if is_good => return None,
                Err(_) => "more".into(),
            },
            Step::OneCredential => if is_good { "none" } else { "a comma" }.into(),
            Step::TokenSyntax => count(self.parts(), "part"),
            Step::CriticalHeader => {
                let names = ["crit", "b64"].into_iter().filter(|name| self.header.contains_key(*name));
                self.shown.list(names)
            }
            Step::PayloadSyntax => if is_good { "an object" } else { "something else" }.into(),
            Step::Issuer => self.member("iss", self.claims.get("iss")),
            Step::Algorithm => self.member("alg", self.header.get("alg")),
            Step::Type => self.member("typ", self.header.get("typ")),
            Step::Clock => self.now.map_or("none that can be used".into(), |now| now.to_string()),
            Step::Key => self.key(is_good),
            Step::Signature => if is_good { "one" } else { "another one" }.into(),
            Step::ClaimTypes => self.type_found()?,
            Step::ClaimsPresent if is_good => return None,
            Step::ClaimsPresent => format!("no {}", self.claim()?),
            Step::SenderConstraint => if is_good { "none" } else { "a cnf" }.into(),
            Step::AccessToken => self.signs_of_other_tokens(),
            Step::Audience => self.audience_found()?,
            Step::Expiry => self.time("exp", self.typed.as_ref()?.expires_at)?,
            Step::NotBefore => self.starts()?,
            Step::Age => self.time("iat", self.typed.as_ref()?.issued_at)?,
            Step::Lifetime => {
                let typed = self.typed.as_ref()?;
                format!("{} s", typed.expires_at?.saturating_sub(typed.issued_at?))
            }
            Step::RequiredClaims => self.required()?,
            Step::Body if !is_good => "not handed in".into(),
            Step::Body => match self.request.body {
                Body::Unread => "not needed: verified headers stand for it",
                Body::Bytes(_) | Body::Read(_) | Body::Calls(_) => "handed in",
            }
            .into(),
            Step::Call if !is_good => self.refusal?.detail.clone().into_owned(),
            Step::Call | Step::Policy => self.calls()?,
            Step::Scopes => self.shown.list(self.token?.scopes().iter().map(String::as_str)),
        };
        Some(found)
    }

    /// Values of the configuration: theirs to see.
    fn own_list<'t>(&self, texts: impl IntoIterator<Item = &'t str>) -> String {
        Shown { secrets: &[] }.list(texts)
    }

    fn audiences<'s>(&'s self, server: &'s ServerSettings) -> impl Iterator<Item = &'s str> {
        let ours = &self.inner.settings.audiences;
        let further = ours.additional.iter().chain(&server.tokens.additional_audiences);
        [&ours.resource].into_iter().chain(further).map(String::as_str)
    }

    fn member(&self, name: &str, value: Option<&Value>) -> String {
        value.map_or_else(|| format!("no {name}"), |value| self.shown.value(value))
    }

    fn origin(&self) -> String {
        let lines: Vec<_> = self.request.origin.iter().map(|line| String::from_utf8_lossy(line)).collect();
        if lines.is_empty() { "no Origin".into() } else { self.shown.list(lines.iter().map(|line| &**line)) }
    }

    fn credential_found(&self) -> String {
        match (self.credential, self.lines()) {
            (Err(Reason::MissingToken), 0) => "no Authorization line".into(),
            (Err(Reason::MissingToken), _) => "a line without a Bearer token".into(),
            _ => "a Bearer token".into(),
        }
    }

    fn key(&self, is_good: bool) -> String {
        let kid = self.member("kid", self.header.get("kid"));
        let kid = if self.header.contains_key("kid") { format!("kid {kid}") } else { kid };
        let Some(status) = self.source.filter(|_| !is_good).map(Source::status) else { return kid };
        let held = match (status.is_usable(), &status.last_error) {
            (true, _) => format!(
                "of {} held: {}",
                count(status.keys, "key"),
                self.own_list(status.kids.iter().map(String::as_str))
            ),
            (false, Some(error)) => {
                format!("no usable keys held; the last fetch failed, {}: {}", error.step, error.message)
            }
            (false, None) => "no usable keys held".into(),
        };
        format!("{kid}; {held}")
    }

    /// Of a claim that has the wrong type: its type, and the text of one that a check is about.
    fn type_found(&self) -> Option<String> {
        let claim = self.claim()?;
        let (first, inside) =
            claim.split_once('.').map_or((claim, None), |(first, inside)| (first, Some(inside)));
        let nested = self.claims.get(first).and_then(|value| value.get(inside?));
        let is_secret = matches!(claim, "sub" | "jti" | "cnf");
        Some(match self.claims.get(claim).or(nested) {
            Some(value @ Value::String(_)) if !is_secret => format!("the string {}", self.shown.value(value)),
            Some(value) => type_of(value).to_owned(),
            None => "another type".to_owned(),
        })
    }

    fn signs_of_other_tokens(&self) -> String {
        let names = ["at_hash", "c_hash", "events", "nonce"].into_iter();
        let mut signs: Vec<String> =
            names.filter(|name| self.claims.contains_key(*name)).map(str::to_owned).collect();
        for name in ["token_use", "typ"] {
            signs.extend(self.claims.get(name).map(|value| format!("{name} {}", self.shown.value(value))));
        }
        let typed = self.typed.as_ref();
        if typed.is_some_and(|typed| typed.scopes.is_none() && typed.client_id.is_none()) {
            signs.push("neither a scope claim nor a client id claim".to_owned());
        }
        if signs.is_empty() { "nothing".to_owned() } else { signs.join(", ") }
    }

    fn audience_found(&self) -> Option<String> {
        if self.claims.contains_key("aud") {
            return Some(self.shown.list(self.audience()));
        }
        let (claim, _) = self.server?.tokens.client_audience.as_ref()?;
        Some(format!("no aud; {claim} {}", self.member(claim, self.claims.get(claim))))
    }

    fn starts(&self) -> Option<String> {
        let typed = self.typed.as_ref()?;
        let starts = [("nbf", typed.not_before), ("iat", typed.issued_at)];
        let starts: Vec<_> = starts.into_iter().filter_map(|(name, time)| self.time(name, time)).collect();
        Some(if starts.is_empty() { "neither".into() } else { starts.join("; ") })
    }

    fn time(&self, name: &str, time: Option<i64>) -> Option<String> {
        let time = time?;
        let since = self.now?.saturating_sub(time);
        Some(match since {
            0 => format!("{name} {time}, now"),
            1.. => format!("{name} {time}, {since} s ago"),
            _ => format!("{name} {time}, in {} s", since.saturating_neg()),
        })
    }

    /// The claims of `required_claims`, or the one that fails.
    fn required(&self) -> Option<String> {
        let failing = self.claim();
        let names = self.server?.tokens.required_claims.keys();
        let names = names.filter(|name| failing.is_none_or(|failing| failing == *name));
        let found: Vec<String> =
            names.map(|name| format!("{name} {}", self.member(name, self.claims.get(name)))).collect();
        Some(found.join(", "))
    }

    fn message(&self) -> Option<Message<'_>> {
        self.inner.message(self.request).ok()
    }

    fn calls(&self) -> Option<String> {
        let message = self.message()?;
        let calls: Vec<String> = message
            .calls()
            .iter()
            .take(MAX_CALLS)
            .map(|call| {
                let names = self.shown.list(call.names.iter().map(|named| &*named.name));
                let method = self.shown.text(&call.method);
                if call.names.is_empty() { method } else { format!("{method} of {names}") }
            })
            .collect();
        Some(if calls.is_empty() { "no call".into() } else { calls.join("; ") })
    }

    /// The scopes that the request needs, as far as that can be told.
    pub(super) fn need(&self) -> Vec<String> {
        if let Some(Particulars::Scopes(shortfall)) = self.refusal.map(|refusal| &refusal.particulars) {
            return shortfall.need.iter().map(str::to_owned).collect();
        }
        let message = self.token.and_then(|_| self.message()).unwrap_or(Message::None);
        let need = self.inner.need(self.request, &self.inner.needed_by(&message));
        need.iter().map(str::to_owned).collect()
    }
}

/// The most calls of a batch that are shown.
const MAX_CALLS: usize = 8;

fn count(number: usize, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}
