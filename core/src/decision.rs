//! The order of checks, from a request to an access token or the reason why not.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use crate::call::{self, CallError, CallId, FullCall, Message};
use crate::config::{
    ChallengeScopes, DEFAULT_MAX_BODY_BYTES, ServerSettings, TokenFormat, parameter_name_in,
};
use crate::event::audit::{Caller, Decided};
use crate::keys::algorithm::Algorithm;
use crate::keys::source::{KeyRequest, Recognition, Selection, Source, VerifyingKey, Want};
use crate::policy::{Policy, Verdict};
use crate::reason::Reason;
use crate::refusal::{Particulars, Refusal, ScopeShortfall};
use crate::rejection::Rejection;
use crate::request::{Body, Request};
use crate::resource_server::Inner;
use crate::scope::{ScopeSet, is_scope_token};
use crate::token::access_token::{AccessToken, Fields};
use crate::token::cache::Verified;
use crate::token::claims::{self, Claims, Judged};
use crate::token::jws::{Header, Jws};
use crate::wire::{Wire, listed_origin};

/// A decision that counts.
pub(crate) const LIVE: bool = true;

/// A decision that is only looked at: it comes out the same, starts no fetch, counts nothing and remembers no token.
pub(crate) const DRY: bool = false;

impl Inner {
    /// Checks 1 to 22. The order of checks: the first that fails is the reason, in every language.
    pub(crate) fn authenticate<const IS_LIVE: bool>(
        &self,
        request: &Request<'_>,
        done: Option<&KeyRequest>,
    ) -> Result<AccessToken, Stop> {
        checked_scopes(request)?;
        self.check_origin(request)?;
        let credential = request.credential().map_err(credential_refusal)?;
        self.verified::<IS_LIVE>(credential, request, done)
    }

    /// Checks 23 to 26. Whatever comes of it, `asked` tells what was found out on the way.
    pub(crate) fn permit<'a, const IS_LIVE: bool>(
        &self,
        token: &AccessToken,
        request: &Request<'a>,
        asked: &mut Asked<'a>,
    ) -> Result<(), Stop> {
        match (&self.policy, &request.body) {
            (Some(policy), Body::Unread) => self.check_headers::<IS_LIVE>(policy, token, request, asked),
            (Some(policy), _) => self.check_call(policy, token, request, asked).map_err(Stop::from),
            (None, _) if self.cover(token, request.scopes) => Ok(()),
            (None, _) => match self.has_scopes(token, self.need(request, &[])) {
                Ok(_) => Ok(()),
                Err(refusal) => Err(self.stop_with_id::<IS_LIVE>(refusal, request)),
            },
        }
    }

    /// Check 2.
    fn check_origin(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let Some(allowed) = &self.settings.allowed_origins else { return Ok(()) };
        if request.origin.is_empty() || listed_origin(allowed, request).is_some() {
            return Ok(());
        }
        Err(Refusal::new(Reason::OriginDenied, "expected an Origin of allowed_origins"))
    }

    /// Checks 7 to 22, from the entry of a token that passed them before as far as they can have another outcome now.
    fn verified<const IS_LIVE: bool>(
        &self,
        credential: &[u8],
        request: &Request<'_>,
        done: Option<&KeyRequest>,
    ) -> Result<AccessToken, Stop> {
        let Some(cache) = self.cache.as_ref().filter(|_| IS_LIVE) else {
            return aside(request, || Ok(self.verify::<IS_LIVE>(credential, request, done)?.token));
        };
        if let Some(found) = cache.find(credential, &self.readings)
            && let Some(verified) = found.verified()
        {
            match self.verify_again(verified, request, done)? {
                Some(token) => return Ok(token),
                None => cache.remove(&found),
            }
        }
        aside(request, move || {
            let verified = self.verify::<IS_LIVE>(credential, request, done)?;
            let token = verified.token.clone();
            cache.insert(credential, verified);
            Ok(token)
        })
    }

    /// Checks 7 to 22: syntax, issuer, algorithm, type, key, signature and claims.
    fn verify<const IS_LIVE: bool>(
        &self,
        credential: &[u8],
        request: &Request<'_>,
        done: Option<&KeyRequest>,
    ) -> Result<Verified, Stop> {
        let jws = Jws::parse(credential)?;
        let members = jws.claims()?;
        let issuer = claims::issuer(&members)?.to_owned();
        let origin = self.origin(&issuer, &jws.header, request)?;
        let want = origin.want(&jws.header, claims::issue_time(&members));
        let selection =
            if IS_LIVE { origin.source.select(&want, done) } else { origin.source.foresee(&want) };
        let key = match selection {
            Selection::Key(key) => key,
            none => return Err(without_key(none)),
        };
        if !key.verifies(jws.signing_input, &jws.signature) {
            if IS_LIVE {
                origin.source.bad_signature(&want);
            }
            return Err(bad_signature().into());
        }
        let claims = Claims::read(&members, &origin.server.tokens)?;
        self.judge::<IS_LIVE>(&claims, &jws.header, &origin)?;
        Ok(Verified {
            key: VerifyingKey::new(&key),
            token: self.access_token(issuer, claims, jws.payload),
            header: jws.header,
            reading: origin.server.reading,
        })
    }

    /// Checks 10 to 14 and 17 to 22 of a token that was verified before. `None` when its key is no longer the one that
    /// verified it.
    fn verify_again(
        &self,
        verified: &Verified,
        request: &Request<'_>,
        done: Option<&KeyRequest>,
    ) -> Result<Option<AccessToken>, Stop> {
        let Verified { header, token, key, reading: _ } = verified;
        let origin = self.origin(token.issuer(), header, request)?;
        match origin.source.recognise(&origin.want(header, token.issued_at()), key, done) {
            Recognition::SameKey => {}
            Recognition::Changed => return Ok(None),
            Recognition::NotNow(selection) => return Err(without_key(selection)),
        }
        self.judge::<LIVE>(token.claims(), header, &origin)?;
        Ok(Some(token.clone()))
    }

    /// Checks 10 to 13: whose token it says it is, and whether that server's tokens may look so.
    fn origin(&self, issuer: &str, header: &Header, request: &Request<'_>) -> Result<Origin<'_>, Refusal> {
        let (server, source) = self.server_of(issuer)?;
        let algorithm = accepted_algorithm(header, &server.tokens.algorithms)?;
        Judged::check_type(header, &server.tokens)?;
        Ok(Origin { server, source, algorithm, now: self.now(request)? })
    }

    /// Checks 17 to 22.
    fn judge<const IS_LIVE: bool>(
        &self,
        claims: &Claims,
        header: &Header,
        origin: &Origin<'_>,
    ) -> Result<(), Refusal> {
        let rules = &origin.server.tokens;
        claims.judge(&Judged {
            header,
            rules,
            audiences: &self.settings.audiences,
            times: self.settings.times,
            now: origin.now,
        })?;
        if IS_LIVE && rules.format == TokenFormat::Generic && !claims.would_pass_rfc9068(header) {
            self.counters.not_rfc9068();
        }
        Ok(())
    }

    /// The unverified issuer only selects whose keys are tried, before any network.
    pub(crate) fn server_of(&self, issuer: &str) -> Result<(&ServerSettings, &Source), Refusal> {
        let place = self.issuers.place_of(issuer);
        let server = place.and_then(|place| self.settings.servers.get(place));
        let source = place.and_then(|place| self.sources.get(place));
        server
            .zip(source.map(Arc::as_ref))
            .ok_or_else(|| Refusal::new(Reason::UntrustedIssuer, "expected iss to be a configured issuer"))
    }

    /// Check 13.
    pub(crate) fn now(&self, request: &Request<'_>) -> Result<i64, Refusal> {
        let now = request.now.or_else(|| self.clock.wall()).filter(|now| *now >= 0);
        now.ok_or_else(|| Refusal::new(Reason::ClockUnusable, "expected the machine's clock to be past 1970"))
    }

    fn access_token(&self, issuer: String, claims: Claims, payload: String) -> AccessToken {
        let scopes = claims.scopes.as_ref().map_or(&[][..], ScopeSet::as_slice);
        AccessToken::new(Fields {
            principal: claims.principal(&issuer),
            effective_scopes: self.settings.implications.effective(scopes),
            issuer,
            claims,
            resource: self.settings.audiences.resource.clone(),
            payload,
        })
    }

    /// Checks 24 to 26: the call, the policy and the scopes.
    pub(crate) fn check_call<'a>(
        &self,
        policy: &Policy,
        token: &AccessToken,
        request: &Request<'a>,
        asked: &mut Asked<'a>,
    ) -> Result<(), Refusal> {
        let (message, read) = match self.message(request) {
            Ok(message) => (message, Ok(())),
            Err(error) => (Message::None, Err(error)),
        };
        let message = asked.message.insert(message);
        read.and_then(|()| call::check_routing(request, message)).map_err(call_refusal)?;
        match self.has_need(policy, token, request, message) {
            Ok(need) => {
                asked.need = Some(need);
                Ok(())
            }
            Err(refusal) => Err(Refusal { id: message.id().cloned(), ..refusal }),
        }
    }

    /// The calls in a body, with their arguments.
    pub(crate) fn calls<'a>(&self, request: &Request<'a>) -> Result<Vec<FullCall<'a>>, Refusal> {
        let Some(body) = request.body.bytes() else {
            return Err(Refusal::new(Reason::Internal, "expected the body: the arguments are in it alone"));
        };
        let message = self.message(request).map_err(call_refusal)?;
        call::check_routing(request, &message).map_err(call_refusal)?;
        call::in_full(&message, body).map_err(call_refusal)
    }

    /// The same by the routing headers, where the host vouches for them. Without that, and where they do not say all,
    /// the body decides; it also gives a 403 its form.
    fn check_headers<'a, const IS_LIVE: bool>(
        &self,
        policy: &Policy,
        token: &AccessToken,
        request: &Request<'a>,
        asked: &mut Asked<'a>,
    ) -> Result<(), Stop> {
        if !policy.headers_verified() {
            return Err(Stop::NeedBody);
        }
        let call = call::from_headers(request).map_err(call_refusal)?.ok_or(Stop::NeedBody)?;
        match self.has_need(policy, token, request, asked.message.insert(Message::Call(call))) {
            Ok(need) => {
                asked.need = Some(need);
                Ok(())
            }
            Err(refusal) => Err(self.stop_with_id::<IS_LIVE>(refusal, request)),
        }
    }

    /// Checks 25 and 26. What was needed.
    fn has_need(
        &self,
        policy: &Policy,
        token: &AccessToken,
        request: &Request<'_>,
        message: &Message<'_>,
    ) -> Result<ScopeSet, Refusal> {
        let detail = match policy.judge(message) {
            Verdict::Need(scopes) => return self.has_scopes(token, self.need(request, &scopes)),
            Verdict::Deny => "expected a call that the policy allows",
            Verdict::NoKey => "expected the URI of a resource that every server reads in the same way",
        };
        Err(Refusal::new(Reason::PolicyDenied, detail))
    }

    /// Whether a token's scopes cover `required_scopes` and these.
    pub(crate) fn cover(&self, token: &AccessToken, scopes: &[&str]) -> bool {
        let need = self.settings.required_scopes.iter().chain(scopes.iter().copied());
        self.settings.implications.cover(token.scopes(), need)
    }

    /// `required_scopes`, then the policy's, then the request's own.
    pub(crate) fn need(&self, request: &Request<'_>, policy: &[&str]) -> ScopeSet {
        let mut need = self.settings.required_scopes.clone();
        need.extend(policy);
        need.extend(request.scopes);
        need
    }

    /// Check 26. What was needed, where the token has it.
    pub(crate) fn has_scopes(&self, token: &AccessToken, need: ScopeSet) -> Result<ScopeSet, Refusal> {
        if self.settings.implications.cover(token.scopes(), need.iter()) {
            return Ok(need);
        }
        let detail = format!("expected the scopes {}", need.joined());
        let granted = self.listed_grants(token);
        let particulars = Particulars::Scopes(Box::new(ScopeShortfall { need, granted }));
        Err(Refusal { particulars, ..Refusal::new(Reason::InsufficientScope, detail) })
    }

    /// The granted scopes that the configuration knows, in its order: never the token's, so that equal refusals have
    /// equal bytes.
    fn listed_grants(&self, token: &AccessToken) -> Vec<String> {
        let settings = &self.settings;
        if settings.challenge_scopes == ChallengeScopes::Required {
            return Vec::new();
        }
        let known = settings.required_scopes.iter();
        let known = known.chain(settings.initial_scopes.iter().flat_map(ScopeSet::iter));
        let known = known.chain(settings.scopes_supported.iter().flat_map(ScopeSet::iter));
        let known = known.chain(self.policy.iter().flat_map(Policy::scopes));
        let granted: HashSet<&str> = token.scopes().iter().map(String::as_str).collect();
        known.filter(|scope| granted.contains(scope)).map(str::to_owned).collect()
    }

    /// For decisions that were made without the body: it matters for the form of a 403 alone.
    fn stop_with_id<const IS_LIVE: bool>(&self, refusal: Refusal, request: &Request<'_>) -> Stop {
        if !IS_LIVE || !self.wire().prefers_json_rpc(request) {
            return refusal.into();
        }
        match self.read_for_id(request) {
            Ok(id) => Refusal { id, ..refusal }.into(),
            Err(NoBody) => Stop::NeedBody,
        }
    }

    pub(crate) fn read_for_id(&self, request: &Request<'_>) -> Result<Option<CallId>, NoBody> {
        match request.body {
            Body::Unread => Err(NoBody),
            Body::Bytes(body) => Ok(call::read_id(body, self.body_limit())),
            Body::Read(body) => Ok(body.message.as_ref().ok().and_then(Message::id).cloned()),
            Body::Calls(calls) => Ok(call::from_calls(calls).ok().and_then(|message| message.id().cloned())),
        }
    }

    pub(crate) fn body_limit(&self) -> usize {
        self.policy.as_ref().map_or(DEFAULT_MAX_BODY_BYTES, Policy::max_body_bytes)
    }

    pub(crate) fn wire(&self) -> Wire<'_> {
        Wire { settings: &self.settings, metadata_url: &self.metadata.url }
    }

    /// A request that passes. Counted, and told to those who audit.
    pub(crate) fn accept<'a>(&self, request: &Request<'a>, known: Known<'_, 'a>) {
        self.counters.accepted();
        self.audit(request, Some(known), None);
    }

    /// A refusal as the host sees it, of a token that proved good where there is one. Counted, and told to those who audit.
    pub(crate) fn reject<'a>(
        &self,
        refusal: Refusal,
        request: &Request<'a>,
        known: Option<Known<'_, 'a>>,
    ) -> Box<Rejection> {
        self.counters.refused(refusal.reason);
        self.audit(request, known, Some(refusal.reason));
        let response = self.wire().answer(&refusal, request);
        Box::new(Rejection { reason: refusal.reason, detail: refusal.detail.into_owned(), response })
    }
}

/// What was found out of a request's calls while it was decided, and need not be found out again to tell of it.
#[derive(Default)]
pub(crate) struct Asked<'a> {
    message: Option<Message<'a>>,
    need: Option<ScopeSet>,
}

/// Whose request it is, of a token that proved good, and for what.
pub(crate) struct Known<'t, 'a> {
    pub(crate) token: &'t AccessToken,
    pub(crate) asked: Asked<'a>,
}

/// Audit events. What was not found out for the decision is, here alone, so that decisions without them cost nothing.
impl Inner {
    fn audit<'a>(&self, request: &Request<'a>, known: Option<Known<'_, 'a>>, reason: Option<Reason>) {
        let Some(log) = &self.events else { return };
        let Some(room) = log.room(known.is_some()) else { return };
        let time = request.now.or_else(|| self.clock.wall());
        let resource = self.settings.resource.as_str();
        let Some(Known { token, asked }) = known else {
            return room.keep(&Decided { time, resource, reason, caller: None });
        };
        let message = asked.message.unwrap_or_else(|| self.message(request).unwrap_or(Message::None));
        let needed = asked.need.unwrap_or_else(|| self.need(request, &self.needed_by(&message)));
        let caller = Some(Caller { token, request, needed, calls: message.calls() });
        room.keep(&Decided { time, resource, reason, caller });
    }

    /// The calls that were asked for, as far as they can be read.
    pub(crate) fn message<'a>(&self, request: &Request<'a>) -> Result<Message<'a>, CallError> {
        match request.body {
            Body::Unread => Ok(call::from_headers(request)?.map_or(Message::None, Message::Call)),
            Body::Bytes(body) => call::read(body, self.body_limit()),
            Body::Read(body) => body.message.clone(),
            Body::Calls(calls) => call::from_calls(calls),
        }
    }

    pub(crate) fn needed_by(&self, message: &Message<'_>) -> Vec<&str> {
        match self.policy.as_ref().map(|policy| policy.judge(message)) {
            Some(Verdict::Need(scopes)) => scopes,
            Some(Verdict::Deny | Verdict::NoKey) | None => Vec::new(),
        }
    }
}

/// The authorization server that a token says it is from.
struct Origin<'a> {
    server: &'a ServerSettings,
    source: &'a Source,
    algorithm: Algorithm,
    now: i64,
}

impl Origin<'_> {
    fn want<'a>(&self, header: &'a Header, issued_at: Option<i64>) -> Want<'a> {
        Want { algorithm: self.algorithm, kid: header.kid.as_deref(), issued_at }
    }
}

/// What a host does aside; a signature that it did not have verified is bad.
fn aside<T: Send>(request: &Request<'_>, work: impl FnOnce() -> Result<T, Stop> + Send) -> Result<T, Stop> {
    request.aside(work).unwrap_or_else(|| Err(bad_signature().into()))
}

/// Check 16.
fn bad_signature() -> Refusal {
    Refusal::new(Reason::BadSignature, "expected a signature by the issuer's key")
}

/// Check 14, when there is no key.
fn without_key(selection: Selection) -> Stop {
    let refusal = match selection {
        Selection::NeedKeys(wanted) => return Stop::NeedKeys(wanted),
        Selection::Unavailable { retry_after } => keys_unavailable(retry_after),
        Selection::Ambiguous => {
            let detail = "expected exactly one key of the issuer to fit the token's kid and alg";
            Refusal::new(Reason::AmbiguousKey, detail)
        }
        Selection::Unknown | Selection::Key(_) => {
            Refusal::new(Reason::UnknownKey, "expected a kid and alg of one of the issuer's keys")
        }
    };
    refusal.into()
}

/// Why a decision ended before its token came out.
pub(crate) enum Stop {
    Refuse(Box<Refusal>),
    NeedKeys(KeyRequest),
    NeedBody,
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Stop::Refuse(Box::new(refusal))
    }
}

/// The body was not read yet.
pub(crate) struct NoBody;

/// Check 1.
pub(crate) fn checked_scopes(request: &Request<'_>) -> Result<(), Refusal> {
    let is_fit = |scope: &&str| {
        is_scope_token(scope) && *scope != "offline_access" && parameter_name_in(scope).is_none()
    };
    if request.scopes.iter().all(is_fit) {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::Internal,
        "scopes: expected scope tokens (RFC 6749 section 3.3) other than offline_access",
    ))
}

fn credential_refusal(reason: Reason) -> Refusal {
    let detail = match reason {
        Reason::MultipleCredentials => "expected one credential in one Authorization line",
        Reason::TokenTooLarge => "expected a token of at most 16384 bytes",
        _ => "expected Authorization: Bearer and a token",
    };
    Refusal::new(reason, detail)
}

/// Check 11.
pub(crate) fn accepted_algorithm(header: &Header, accepted: &[Algorithm]) -> Result<Algorithm, Refusal> {
    header.algorithm.filter(|algorithm| accepted.contains(algorithm)).ok_or_else(|| {
        let names: Vec<_> = accepted.iter().map(|algorithm| algorithm.name()).collect();
        Refusal::new(Reason::AlgorithmNotAllowed, format!("expected alg to be one of {}", names.join(", ")))
    })
}

pub(crate) fn keys_unavailable(retry_after: Duration) -> Refusal {
    let detail = "expected keys of the issuer, and none that would do can be had now; explain, and last_error in stats, \
                  say why";
    Refusal {
        particulars: Particulars::RetryAfter(retry_after),
        ..Refusal::new(Reason::KeysUnavailable, detail)
    }
}

fn call_refusal(error: CallError) -> Refusal {
    let reason = if error == CallError::TooLarge { Reason::CallTooLarge } else { Reason::MalformedCall };
    let detail = error.detail();
    Refusal { particulars: Particulars::Call(Box::new(error)), ..Refusal::new(reason, detail) }
}
