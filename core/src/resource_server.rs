//! The resource server: check, authorize, require, refresh, well_known.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::call::{self, CallError, CallId, CallKind, Message};
use crate::clock::{Clock, SystemClock};
use crate::config::DEFAULT_MAX_BODY_BYTES;
use crate::config::{Config, ConfigError, ServerSettings, Settings, TokenFormat};
use crate::event::{Counters, Health, Stats};
use crate::fetch::{Fetch, FetchError, HttpClient};
use crate::keys::algorithm::Algorithm;
use crate::keys::source::{KeyRequest, Selection, Source, Want};
use crate::metadata::{self, Metadata};
use crate::policy::{Policy, Verdict};
use crate::reason::Reason;
use crate::refusal::{Particulars, Refusal, ScopeShortfall};
use crate::request::{Body, Request};
use crate::response::HttpResponse;
use crate::scope::{ScopeSet, is_scope_token};
use crate::token::access_token::{AccessToken, Fields};
use crate::token::claims::{self, Claims, Judged};
use crate::token::jws::Jws;
use crate::wire::Wire;

/// Makes a server that speaks HTTP an OAuth 2.1 resource server for MCP.
///
/// It judges access tokens (RFC 9068, RFC 8725), scopes (RFC 6750) and an MCP policy, and writes every byte of its
/// refusals and of its metadata (RFC 9728). Cloning shares everything.
///
/// Not checked here: whether a token was revoked before it expires, and the request's `Host` (unless the host does).
///
/// ```
/// use scopegate_core::{Config, Reason, Request, ResourceServer};
/// # fn main() -> Result<(), scopegate_core::ConfigError> {
/// let gate = ResourceServer::new(Config::new("https://mcp.example.com/mcp", ["https://as.example.com"]))?;
/// let refusal = gate.authorize(&Request::new("POST", "/mcp")).unwrap_err();
/// assert_eq!(refusal.reason(), Reason::MissingToken);
/// assert_eq!(refusal.response().status, 401);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ResourceServer(Arc<Inner>);

struct Inner {
    settings: Settings,
    metadata: Metadata,
    sources: Vec<Arc<Source>>,
    /// Issuer -> index of its server.
    issuers: HashMap<String, usize>,
    clock: Arc<dyn Clock>,
    counters: Counters,
}

/// What [`ResourceServer::check`] found out without blocking.
#[derive(Debug)]
#[must_use]
pub enum Check {
    /// The decision. An error is a refusal that is ready to send.
    Done(Result<AccessToken, Box<Rejection>>),
    /// Keys must be fetched first: [`ResourceServer::refresh`], then [`ResourceServer::check_after`].
    NeedKeys(KeyRequest),
    /// The token is good, and the decision needs the body: at most this many bytes of it are read, and one more tells
    /// that it is too large. Strangers never cause this.
    NeedBody {
        /// The largest body that is read, in bytes.
        limit: usize,
    },
}

/// A refused request: why, and the answer that is ready to send.
#[derive(Clone)]
pub struct Rejection {
    reason: Reason,
    detail: String,
    response: HttpResponse,
}

impl Rejection {
    /// The refusal for a fault that leaves no server to ask, such as a missing handle: 500, without CORS headers.
    pub fn internal(detail: impl Into<String>) -> Rejection {
        Rejection { reason: Reason::Internal, detail: detail.into(), response: crate::wire::internal_error() }
    }

    /// Why, for operators and tests. The wire shows only its class.
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The number of the reason.
    pub fn code(&self) -> u16 {
        self.reason.code()
    }

    /// The answer, every byte of it.
    pub fn response(&self) -> &HttpResponse {
        &self.response
    }

    /// What was expected, in a sentence for the operator. It holds no byte of the token and no claim value, and must
    /// not be sent to the client all the same.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("reason", &self.reason)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Rejection {}

/// The issuers whose keys [`ResourceServer::warm_up`] could not get.
#[derive(Clone, Debug)]
pub struct FetchErrors(Vec<(String, FetchError)>);

impl FetchErrors {
    /// Each issuer with what went wrong.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &FetchError)> {
        self.0.iter().map(|(issuer, error)| (issuer.as_str(), error))
    }
}

impl fmt::Display for FetchErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (issuer, error)) in self.0.iter().enumerate() {
            write!(f, "{}{issuer}: {error}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for FetchErrors {}

impl ResourceServer {
    /// A server with this configuration. It reads the files that the configuration names and does no other IO: no
    /// network, no thread.
    ///
    /// Fails with every mistake of the configuration at once.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        config.settings().map(Self::from_settings)
    }

    /// A server with the configuration in this JSON document.
    ///
    /// Fails with every mistake of the document at once.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        Config::settings_from_json(json).map(Self::from_settings)
    }

    fn from_settings(mut settings: Settings) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let fetch: Arc<dyn Fetch> = Arc::new(HttpClient::new(settings.http.clone()));
        let metadata = Metadata::new(&settings);
        let mut sources = Vec::new();
        let mut issuers = HashMap::new();
        for (index, server) in settings.servers.iter_mut().enumerate() {
            issuers.extend(server.issuers.iter().map(|issuer| (issuer.clone(), index)));
            if let Some(source) = server.source.take() {
                sources.push(Source::new(source, Arc::clone(&fetch), Arc::clone(&clock)));
            }
        }
        ResourceServer(Arc::new(Inner {
            settings,
            metadata,
            sources,
            issuers,
            clock,
            counters: Counters::default(),
        }))
    }

    /// Decides without blocking and without IO, or says what is missing. It may start a fetch in the background.
    pub fn check(&self, request: &Request<'_>) -> Check {
        self.check_with(request, None)
    }

    /// Decides again after [`ResourceServer::refresh`], whatever came of it. Never asks for keys.
    pub fn check_after(&self, request: &Request<'_>, done: &KeyRequest) -> Check {
        self.check_with(request, Some(done))
    }

    /// Fetches the keys that a check asked for. Blocks until they are there, at most for
    /// [`KeyRequest::longest_wait`]; concurrent callers share one fetch; returns at once if the keys came meanwhile or
    /// a fetch may not start now.
    pub fn refresh(&self, wanted: &KeyRequest) -> Result<(), FetchError> {
        match self.0.sources.get(wanted.source()) {
            Some(source) => source.refresh(wanted),
            None => Ok(()),
        }
    }

    /// Starts [`ResourceServer::refresh`] on a thread of its own and does not wait, for hosts that must not block.
    pub fn start_refresh(&self, wanted: &KeyRequest) {
        if let Some(source) = self.0.sources.get(wanted.source()) {
            source.start_refresh(wanted);
        }
    }

    /// [`ResourceServer::check`], at most one [`ResourceServer::refresh`], [`ResourceServer::check_after`]. Blocks
    /// only while keys are fetched that no held key can stand in for.
    ///
    /// A request whose decision needs the body must carry it; without it the answer is [`Reason::Internal`].
    pub fn authorize(&self, request: &Request<'_>) -> Result<AccessToken, Box<Rejection>> {
        let mut check = self.check(request);
        if let Check::NeedKeys(wanted) = &check {
            let wanted = wanted.clone();
            // A failed fetch is told by the check after it, as keys_unavailable.
            let _ = self.refresh(&wanted);
            check = self.check_after(request, &wanted);
        }
        match check {
            Check::Done(result) => result,
            Check::NeedBody { .. } => {
                let detail = "expected the body: the policy or the form of a 403 needs it";
                Err(self.reject(Refusal::new(Reason::Internal, detail), request))
            }
            Check::NeedKeys(wanted) => Err(Box::new(self.unavailable(&wanted, request))),
        }
    }

    /// Checks a further need on a token that was verified before: the request's `scopes` and, where a body or calls are
    /// given, what the policy says of them. For needs that only a route or a tool knows.
    ///
    /// `required_scopes` belong to every need. The request's method, origin and body give the refusal its form. The
    /// token's times are not checked again.
    pub fn require(&self, token: &AccessToken, request: &Request<'_>) -> Result<(), Box<Rejection>> {
        let judged = checked_scopes(request).and_then(|()| match (&self.0.settings.policy, &request.body) {
            (Some(_), Body::Unread) | (None, _) => {
                self.has_scopes(token, self.need(request, &[])).map_err(|refusal| {
                    let id = self.read_for_id(request).unwrap_or_default();
                    Refusal { id, ..refusal }
                })
            }
            (Some(policy), body) => self.check_call(policy, token, request, body),
        });
        judged.map_err(|refusal| self.reject(refusal, request))
    }

    /// Whether this token may use a tool, prompt or resource: its scopes cover `required_scopes` and what the policy
    /// says of that name. For filtering lists; a call is decided by its whole request.
    pub fn allowed(&self, token: &AccessToken, kind: CallKind, name: &str) -> bool {
        let verdict = match &self.0.settings.policy {
            Some(policy) => policy.allows(kind, name),
            None => Verdict::Need(Vec::new()),
        };
        match verdict {
            Verdict::Deny => false,
            Verdict::Need(scopes) => {
                let mut need = self.0.settings.required_scopes.iter().chain(scopes);
                need.all(|scope| self.0.settings.implications.cover(token.scopes(), scope))
            }
        }
    }

    /// The answer to a request for the metadata or to a preflight; `None` when the request is the application's.
    /// Needs no token.
    pub fn well_known(&self, request: &Request<'_>) -> Option<HttpResponse> {
        let metadata = self.0.metadata.respond(request);
        metadata.or_else(|| metadata::preflight(&self.0.settings.cors_origins, request))
    }

    /// Whether a target is a path of protected resource metadata, of this resource or another. An adapter that is
    /// outermost answers those that nobody serves with [`ResourceServer::not_found`].
    pub fn is_metadata_path(&self, target: &str) -> bool {
        metadata::is_metadata_path(target)
    }

    /// The 404 for metadata that is not there.
    pub fn not_found(&self) -> HttpResponse {
        metadata::not_found()
    }

    /// Fetches every issuer's keys, four at a time, and waits for them.
    pub fn warm_up(&self) -> Result<(), FetchErrors> {
        let failed = crate::keys::source::warm_up(&self.0.sources);
        if failed.is_empty() { Ok(()) } else { Err(FetchErrors(failed)) }
    }

    /// Counters of decisions and fetches, and the state of each key source.
    pub fn stats(&self) -> Stats {
        Stats::new(&self.0.counters, self.0.sources.iter().map(|source| source.status()).collect())
    }

    /// Whether tokens can be judged now. Needs no network and does not depend on an issuer once keys are held.
    pub fn health(&self) -> Health {
        let sources = self.0.sources.iter().map(|source| source.status()).collect();
        Health::new(sources, self.0.settings.warnings.clone())
    }

    /// What the configuration should be asked about: settings that are legal and seldom meant.
    pub fn warnings(&self) -> &[String] {
        &self.0.settings.warnings
    }

    /// Where the metadata is: the `resource_metadata` of every challenge.
    pub fn metadata_url(&self) -> &str {
        &self.0.metadata.url
    }

    /// The resource, as configured, with its host, origin and path.
    pub fn resource(&self) -> &crate::url::Url {
        &self.0.settings.resource
    }

    /// The clock difference that is allowed, in seconds: what a host that checks `exp` again must allow too.
    pub fn leeway_seconds(&self) -> i64 {
        self.0.settings.times.leeway
    }

    /// Whether there is a policy, so that every accepted request's body is read.
    pub fn has_policy(&self) -> bool {
        self.0.settings.policy.is_some()
    }

    /// The origins whose scripts may read refusals, as configured.
    pub fn cors_origins(&self) -> &[String] {
        &self.0.settings.cors_origins
    }

    /// The origins that requests may come from, as configured; `None` when any may.
    pub fn allowed_origins(&self) -> Option<&[String]> {
        self.0.settings.allowed_origins.as_deref()
    }

    /// The refusal for a fault of the host or of ours, such as a caught panic: 500.
    pub fn internal_error(&self, detail: &str, request: &Request<'_>) -> Rejection {
        *self.reject(Refusal::new(Reason::Internal, detail.to_owned()), request)
    }

    /// The refusal of a host that does not wait for these keys: 503.
    pub fn unavailable(&self, wanted: &KeyRequest, request: &Request<'_>) -> Rejection {
        let wait = self.0.sources.get(wanted.source()).map(|source| source.retry_after());
        *self.reject(keys_unavailable(wait.unwrap_or(Duration::from_secs(1))), request)
    }

    fn check_with(&self, request: &Request<'_>, done: Option<&KeyRequest>) -> Check {
        match self.decide(request, done) {
            Ok(token) => {
                self.0.counters.accepted();
                Check::Done(Ok(token))
            }
            Err(Stop::Refuse(refusal)) => Check::Done(Err(self.reject(*refusal, request))),
            Err(Stop::NeedKeys(wanted)) => Check::NeedKeys(wanted),
            Err(Stop::NeedBody) => Check::NeedBody { limit: self.body_limit() },
        }
    }

    /// The order of checks: the first that fails is the reason, in every language.
    fn decide(&self, request: &Request<'_>, done: Option<&KeyRequest>) -> Result<AccessToken, Stop> {
        checked_scopes(request)?;
        self.check_origin(request)?;
        let credential = request.credential().map_err(credential_refusal)?;
        let jws = Jws::parse(credential)?;
        let token = self.verify(&jws, request, done)?;
        match (&self.0.settings.policy, &request.body) {
            (Some(_), Body::Unread) => return Err(Stop::NeedBody),
            (Some(policy), body) => self.check_call(policy, &token, request, body)?,
            (None, _) => self
                .has_scopes(&token, self.need(request, &[]))
                .map_err(|refusal| self.stop_with_id(refusal, request))?,
        }
        Ok(token)
    }

    /// Check 2.
    fn check_origin(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let Some(allowed) = &self.0.settings.allowed_origins else { return Ok(()) };
        if request.origin.is_empty() || crate::wire::listed_origin(allowed, request).is_some() {
            return Ok(());
        }
        Err(Refusal::new(Reason::OriginDenied, "expected an Origin of allowed_origins"))
    }

    /// Checks 10 to 22: issuer, algorithm, type, key, signature and claims.
    fn verify(
        &self,
        jws: &Jws<'_>,
        request: &Request<'_>,
        done: Option<&KeyRequest>,
    ) -> Result<AccessToken, Stop> {
        let issuer = claims::issuer(&jws.claims)?;
        let (server, source) = self.server_of(issuer)?;
        let algorithm = accepted_algorithm(jws, server)?;
        Judged::check_type(&jws.header, &server.tokens)?;
        let now = self.now(request)?;
        let want =
            Want { algorithm, kid: jws.header.kid.as_deref(), issued_at: claims::issue_time(&jws.claims) };
        let key = match source.select(&want, done) {
            Selection::Key(key) => key,
            Selection::NeedKeys(wanted) => return Err(Stop::NeedKeys(wanted)),
            Selection::Unknown => {
                return Err(Refusal::new(
                    Reason::UnknownKey,
                    "expected a kid and alg of one of the issuer's keys",
                )
                .into());
            }
            Selection::Ambiguous => {
                let detail = "expected exactly one key of the issuer to fit the token's kid and alg";
                return Err(Refusal::new(Reason::AmbiguousKey, detail).into());
            }
            Selection::Unavailable { retry_after } => return Err(keys_unavailable(retry_after).into()),
        };
        if !key.verifies(jws.signing_input, &jws.signature) {
            source.bad_signature(&want);
            return Err(Refusal::new(Reason::BadSignature, "expected a signature by the issuer's key").into());
        }
        let claims = Claims::read(&jws.claims, &server.tokens)?;
        claims.judge(&self.judged(jws, server, now))?;
        if server.tokens.format == TokenFormat::Generic
            && !claims.would_pass_rfc9068(&jws.header, &jws.claims)
        {
            self.0.counters.not_rfc9068();
        }
        Ok(self.access_token(issuer, jws, claims))
    }

    fn judged<'a>(&'a self, jws: &'a Jws<'_>, server: &'a ServerSettings, now: i64) -> Judged<'a> {
        Judged {
            header: &jws.header,
            claims: &jws.claims,
            rules: &server.tokens,
            audiences: &self.0.settings.audiences,
            times: self.0.settings.times,
            now,
        }
    }

    /// The unverified issuer only selects whose keys are tried, before any network.
    fn server_of(&self, issuer: &str) -> Result<(&ServerSettings, &Arc<Source>), Refusal> {
        let index = self.0.issuers.get(issuer).copied();
        let server = index.and_then(|index| self.0.settings.servers.get(index));
        let source = index.and_then(|index| self.0.sources.get(index));
        server
            .zip(source)
            .ok_or_else(|| Refusal::new(Reason::UntrustedIssuer, "expected iss to be a configured issuer"))
    }

    /// Check 13.
    fn now(&self, request: &Request<'_>) -> Result<i64, Refusal> {
        let now = request.now.or_else(|| self.0.clock.wall()).filter(|now| *now >= 0);
        now.ok_or_else(|| Refusal::new(Reason::ClockUnusable, "expected the machine's clock to be past 1970"))
    }

    fn access_token(&self, issuer: &str, jws: &Jws<'_>, claims: Claims) -> AccessToken {
        let principal = claims.principal(issuer);
        let scopes = claims.scopes.unwrap_or_default().as_slice().to_vec();
        AccessToken::new(Fields {
            issuer: issuer.to_owned(),
            principal,
            effective_scopes: self.0.settings.implications.effective(&scopes),
            scopes,
            subject: claims.subject,
            client_id: claims.client_id,
            audience: claims.audience.unwrap_or_default(),
            resource: self.0.settings.audiences.resource.clone(),
            expires_at: claims.expires_at.unwrap_or_default(),
            issued_at: claims.issued_at,
            token_id: claims.token_id,
            claims: jws.payload.clone(),
        })
    }

    /// Checks 24 to 26: the call, the policy and the scopes.
    fn check_call(
        &self,
        policy: &Policy,
        token: &AccessToken,
        request: &Request<'_>,
        body: &Body<'_>,
    ) -> Result<(), Refusal> {
        let message = match body {
            Body::Unread => Ok(Message::None),
            Body::Bytes(body) => call::read(body, policy.max_body_bytes()),
            Body::Calls(calls) => call::from_calls(calls),
        };
        let message = message.map_err(call_refusal)?;
        call::check_routing(request, &message).map_err(call_refusal)?;
        let judged = match policy.judge(&message) {
            Verdict::Need(scopes) => self.has_scopes(token, self.need(request, &scopes)),
            Verdict::Deny => {
                Err(Refusal::new(Reason::PolicyDenied, "expected a call that the policy allows"))
            }
        };
        judged.map_err(|refusal| Refusal { id: message.id().cloned(), ..refusal })
    }

    /// `required_scopes`, then the policy's, then the request's own.
    fn need(&self, request: &Request<'_>, policy: &[&str]) -> ScopeSet {
        let mut need = self.0.settings.required_scopes.clone();
        need.extend(policy);
        need.extend(request.scopes);
        need
    }

    /// Check 26.
    fn has_scopes(&self, token: &AccessToken, need: ScopeSet) -> Result<(), Refusal> {
        if need.iter().all(|scope| self.0.settings.implications.cover(token.scopes(), scope)) {
            return Ok(());
        }
        let detail = format!("expected the scopes {}", need.joined());
        let granted = self.listed_grants(token);
        let particulars = Particulars::Scopes(Box::new(ScopeShortfall { need, granted }));
        Err(Refusal { particulars, ..Refusal::new(Reason::InsufficientScope, detail) })
    }

    /// The granted scopes that the configuration knows, in its order: never the token's, so that equal refusals have
    /// equal bytes.
    fn listed_grants(&self, token: &AccessToken) -> Vec<String> {
        let settings = &self.0.settings;
        if settings.challenge_scopes == crate::config::ChallengeScopes::Required {
            return Vec::new();
        }
        let known = settings.required_scopes.iter();
        let known = known.chain(settings.initial_scopes.iter().flat_map(ScopeSet::iter));
        let known = known.chain(settings.scopes_supported.iter().flat_map(ScopeSet::iter));
        let known = known.chain(settings.policy.iter().flat_map(Policy::scopes));
        known
            .filter(|scope| token.scopes().iter().any(|granted| granted == scope))
            .map(str::to_owned)
            .collect()
    }

    /// Without a policy the body matters only for the form of a 403.
    fn stop_with_id(&self, refusal: Refusal, request: &Request<'_>) -> Stop {
        if !self.wire().prefers_json_rpc(request) {
            return refusal.into();
        }
        match self.read_for_id(request) {
            Ok(id) => Refusal { id, ..refusal }.into(),
            Err(NoBody) => Stop::NeedBody,
        }
    }

    fn read_for_id(&self, request: &Request<'_>) -> Result<Option<CallId>, NoBody> {
        match request.body {
            Body::Unread => Err(NoBody),
            Body::Bytes(body) => Ok(call::read_id(body, self.body_limit())),
            Body::Calls(calls) => Ok(call::from_calls(calls).ok().and_then(|message| message.id().cloned())),
        }
    }

    fn body_limit(&self) -> usize {
        self.0.settings.policy.as_ref().map_or(DEFAULT_MAX_BODY_BYTES, Policy::max_body_bytes)
    }

    fn wire(&self) -> Wire<'_> {
        Wire { settings: &self.0.settings, metadata_url: &self.0.metadata.url }
    }

    fn reject(&self, refusal: Refusal, request: &Request<'_>) -> Box<Rejection> {
        self.0.counters.refused(refusal.reason);
        let response = self.wire().answer(&refusal, request);
        Box::new(Rejection { reason: refusal.reason, detail: refusal.detail.into_owned(), response })
    }
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServer")
            .field("resource", &self.0.settings.resource.as_str())
            .finish_non_exhaustive()
    }
}

/// Why a decision ended before its token came out.
enum Stop {
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
struct NoBody;

/// Check 1.
fn checked_scopes(request: &Request<'_>) -> Result<(), Refusal> {
    let is_fit = |scope: &&str| {
        is_scope_token(scope)
            && *scope != "offline_access"
            && crate::config::parameter_name_in(scope).is_none()
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
fn accepted_algorithm(jws: &Jws<'_>, server: &ServerSettings) -> Result<Algorithm, Refusal> {
    let accepted = &server.tokens.algorithms;
    Algorithm::from_name(&jws.header.alg).filter(|algorithm| accepted.contains(algorithm)).ok_or_else(|| {
        let names: Vec<_> = accepted.iter().map(|algorithm| algorithm.name()).collect();
        Refusal::new(Reason::AlgorithmNotAllowed, format!("expected alg to be one of {}", names.join(", ")))
    })
}

fn keys_unavailable(retry_after: Duration) -> Refusal {
    let detail =
        "expected keys of the issuer, and none that would do can be had now; see stats for the last error";
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
