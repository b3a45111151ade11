//! The resource server: check, authorize, require, refresh, well_known.

mod derived;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use self::derived::DistrustByIssuer;
use crate::call::{CallKind, FullCall};
use crate::clock::{Clock, SystemClock};
use crate::config::{Config, ConfigError, Settings, environment};
use crate::decision::{Asked, Known, LIVE, Stop, checked_scopes};
use crate::event::audit::{AuditEvent, AuditLog};
use crate::event::{Counters, Health, Stats, served};
use crate::explain::Explanation;
use crate::fetch::{Fetch, FetchError};
use crate::issuers::Issuers;
#[cfg(feature = "testing")]
use crate::keys::flight::Fetched;
use crate::keys::relay::Relay;
use crate::keys::snapshot::{self, KeySnapshot};
use crate::keys::source::{self, KeyControlError, KeyRequest, Source};
use crate::metadata::{self, Metadata};
use crate::policy::{Declared, Policy, Verdict};
use crate::reason::Reason;
use crate::refusal::Refusal;
use crate::rejection::Rejection;
use crate::request::{Body, Request};
use crate::response::HttpResponse;
use crate::token::access_token::{AccessToken, KeptToken};
use crate::token::cache::TokenCache;
use crate::url::Url;

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

/// What the clones of a server share.
pub(crate) struct Inner {
    /// As it was written, for [`ResourceServer::derive`].
    config: Arc<Config>,
    pub(crate) settings: Arc<Settings>,
    /// The configured policy joined with what was declared.
    pub(crate) policy: Option<Policy>,
    configured_policy: Option<Policy>,
    declared: Arc<Declared>,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) sources: Vec<Arc<Source>>,
    /// The authorization server's metadata, where it is served.
    relay: Option<Arc<Relay>>,
    /// The places in `settings.servers` and `sources`.
    pub(crate) issuers: Arc<Issuers>,
    /// The readings of all servers, sorted.
    pub(crate) readings: Vec<usize>,
    /// What was distrusted of issuers that a server has no more which this one was derived from.
    dropped: DistrustByIssuer,
    fetch: Arc<dyn Fetch>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Verified tokens, where they are kept.
    pub(crate) cache: Option<Arc<TokenCache>>,
    pub(crate) counters: Counters,
    /// Audit events, where they are kept.
    pub(crate) events: Option<Arc<AuditLog>>,
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

/// The issuers whose keys, or whose metadata, [`ResourceServer::warm_up`] could not get.
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
        let settings = config.settings()?;
        Ok(Self::assemble(config, settings, Arc::new(SystemClock), None))
    }

    /// A server with the configuration in this JSON document.
    ///
    /// Fails with every mistake of the document at once.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        Self::from_json_with_clock(json, Arc::new(SystemClock))
    }

    /// A server with the configuration that the environment of the process says, and with these members (a JSON object)
    /// before it: `SCOPEGATE_CONFIG` is the path of a JSON document, or `SCOPEGATE_CONFIG_JSON` is one. Before it go
    /// `SCOPEGATE_RESOURCE`, `SCOPEGATE_AUTHORIZATION_SERVERS` (issuers with commas or blanks between them, or a JSON list),
    /// `SCOPEGATE_REQUIRED_SCOPES` and `SCOPEGATE_SCOPES_SUPPORTED` (with blanks between them) and
    /// `SCOPEGATE_KEY_SNAPSHOT` (the path of what [`ResourceServer::export_keys`] wrote, for `keys.snapshot`). Each member is
    /// replaced whole. A variable that is empty is not set; other variables are left alone.
    ///
    /// Fails with every mistake at once; the path of one names the variable that it is in. A null among the members is one.
    pub fn from_env(members: &str) -> Result<Self, ConfigError> {
        Self::from_variables(&environment::of_the_process()?, members)
    }

    /// [`ResourceServer::from_env`] with these variables in place of the process's, for hosts that have an environment of
    /// their own. Those that are not in [`ENVIRONMENT`](crate::ENVIRONMENT) are left alone.
    pub fn from_variables(variables: &BTreeMap<String, String>, members: &str) -> Result<Self, ConfigError> {
        let (config, settings) = environment::read(variables, members)?;
        Ok(Self::assemble(config, settings, Arc::new(SystemClock), None))
    }

    /// [`ResourceServer::from_json`] by another clock than the machine's.
    pub(crate) fn from_json_with_clock(json: &str, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let (config, settings) = Config::settings_from_json(json)?;
        Ok(Self::assemble(config, settings, clock, None))
    }

    /// Whether keys are being fetched, or are due to be.
    #[cfg(feature = "testing")]
    pub(crate) fn is_fetching(&self) -> bool {
        let relay = self.0.relay.as_ref().is_some_and(|relay| relay.is_fetching());
        relay || self.0.sources.iter().any(|source| source.is_fetching())
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
        match self.0.source_with(wanted) {
            Some(source) => source.refresh(wanted),
            None => Ok(()),
        }
    }

    /// Starts [`ResourceServer::refresh`] on a thread of its own, whatever `background_refresh` says, and does not wait.
    /// For hosts that must not block: [`ResourceServer::check_after`] then decides by the keys that are held.
    pub fn start_refresh(&self, wanted: &KeyRequest) {
        if let Some(source) = self.0.source_with(wanted) {
            source.start_refresh(wanted);
        }
    }

    /// [`ResourceServer::check`]; where keys are missing, this fetch of them, once, and [`ResourceServer::check_after`]. For
    /// hosts that fetch in a way of their own around [`ResourceServer::refresh`], such as without a lock that they hold.
    /// What the fetch came to is told by the decision. Never asks for keys.
    pub fn check_fetching(&self, request: &Request<'_>, fetch: impl FnOnce(&KeyRequest)) -> Check {
        let wanted = match self.check(request) {
            Check::NeedKeys(wanted) => wanted,
            decided => return decided,
        };
        fetch(&wanted);
        self.check_after(request, &wanted)
    }

    /// [`ResourceServer::check`], at most one [`ResourceServer::refresh`], [`ResourceServer::check_after`]. Blocks
    /// only while keys are fetched that no held key can stand in for.
    ///
    /// A request whose decision needs the body must carry it; without it the answer is [`Reason::Internal`].
    pub fn authorize(&self, request: &Request<'_>) -> Result<AccessToken, Box<Rejection>> {
        let check = self.check_fetching(request, |wanted| {
            // A failed fetch is told by the check after it, as keys_unavailable.
            let _ = self.refresh(wanted);
        });
        match check {
            Check::Done(result) => result,
            Check::NeedBody { .. } => {
                let detail = "expected the body: the policy or the form of a 403 needs it";
                Err(self.0.reject(Refusal::new(Reason::Internal, detail), request, None))
            }
            Check::NeedKeys(_) => Err(Box::new(self.internal_error("keys were asked for twice", request))),
        }
    }

    /// Checks a further need on a token that was verified before: the request's `scopes` and, where a body or calls are
    /// given, what the policy says of them. For needs that only a route or a tool knows.
    ///
    /// `required_scopes` belong to every need. The request's method, origin and body give the refusal its form. The
    /// token's times are not checked again.
    pub fn require(&self, token: &AccessToken, request: &Request<'_>) -> Result<(), Box<Rejection>> {
        let mut asked = Asked::default();
        let judged = checked_scopes(request).and_then(|()| match (&self.0.policy, &request.body) {
            (Some(_), Body::Unread) | (None, _) => {
                let judged = self.0.has_scopes(token, self.0.need(request, &[]));
                judged.map(drop).map_err(|refusal| {
                    let id = self.0.read_for_id(request).unwrap_or_default();
                    Refusal { id, ..refusal }
                })
            }
            (Some(policy), _) => self.0.check_call(policy, token, request, &mut asked),
        });
        judged.map_err(|refusal| self.0.reject(refusal, request, Some(Known { token, asked })))
    }

    /// [`ResourceServer::require`] for a host that kept what the token said, and no [`AccessToken`].
    pub fn require_kept(&self, token: &KeptToken<'_>, request: &Request<'_>) -> Result<(), Box<Rejection>> {
        self.require(&token.restored(), request)
    }

    /// The calls in the request's body with their arguments, for a need that depends on these: find it, then check it with
    /// [`ResourceServer::require`]. None for a body that calls nothing.
    ///
    /// They are read as a policy reads them, with one or without, and the routing headers are compared. In the
    /// arguments too a body is refused that two parsers could read differently.
    pub fn calls<'a>(&self, request: &Request<'a>) -> Result<Vec<FullCall<'a>>, Box<Rejection>> {
        self.0.calls(request).map_err(|refusal| self.0.reject(refusal, request, None))
    }

    /// Why this request would be accepted or refused now: every check in its order, with what was expected and found, and
    /// hints for what is known of the issuer. For operators and for whoever holds the token; see [`Explanation`] for what it
    /// shows.
    ///
    /// It decides as [`ResourceServer::check`] does and leaves no traces: it starts no fetch, counts nothing, is no event
    /// and remembers no token. Where keys are missing it says so; fetch them before with [`ResourceServer::warm_up`]. Where
    /// `check` asks for the body only to give a 403 its form, this tells the refusal without it.
    pub fn explain(&self, request: &Request<'_>) -> Explanation {
        self.0.explain(request)
    }

    /// Whether this token may use a tool, prompt or resource: its scopes cover `required_scopes` and what the policy
    /// says of that name. For filtering lists, of resource templates too; a call is decided by its whole request.
    pub fn allowed(&self, token: &AccessToken, kind: CallKind, name: &str) -> bool {
        let verdict = match &self.0.policy {
            Some(policy) => policy.allows(kind, name),
            None => Verdict::Need(Vec::new()),
        };
        match verdict {
            Verdict::Deny | Verdict::NoKey => false,
            Verdict::Need(scopes) => self.0.cover(token, &scopes),
        }
    }

    /// [`ResourceServer::allowed`] for a host that kept what the token said, and no [`AccessToken`].
    pub fn allowed_kept(&self, token: &KeptToken<'_>, kind: CallKind, name: &str) -> bool {
        self.allowed(&token.restored(), kind, name)
    }

    /// The answer to a request for the metadata or to a preflight; `None` when the request is the application's.
    /// Needs no token, and does no IO: the authorization server's metadata (`serve_authorization_server_metadata`) is fetched in
    /// the background once it is asked for, and answered with 503 until then.
    pub fn well_known(&self, request: &Request<'_>) -> Option<HttpResponse> {
        let metadata = &self.0.metadata;
        let document = || self.0.relay.as_ref().and_then(|relay| relay.document());
        let preflight = || metadata::preflight(&self.0.settings.cors_origins, request);
        metadata.respond(request).or_else(|| metadata.relay(request, document)).or_else(preflight)
    }

    /// The paths at which [`ResourceServer::well_known`] serves a document, for hosts that register routes.
    pub fn well_known_paths(&self) -> Vec<&str> {
        self.0.metadata.paths().collect()
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

    /// Fetches the keys of every issuer of which no usable ones are held, four issuers at a time, and waits for them. Then,
    /// where it is served, the metadata of the authorization server.
    pub fn warm_up(&self) -> Result<(), FetchErrors> {
        let mut failed = source::warm_up(&self.0.sources);
        if let Some(relay) = &self.0.relay {
            failed.extend(relay.warm_up().err().map(|error| (relay.settings().issuer.clone(), error)));
        }
        if failed.is_empty() { Ok(()) } else { Err(FetchErrors(failed)) }
    }

    /// Distrusts the keys that an issuer publishes under a `kid`, in this process: from the return on every call refuses
    /// tokens that name it as [`Reason::UnknownKey`], in an outage too, and no set that is held, fetched, imported or
    /// pinned answers with such a key, under another `kid` or none either. Clones and forked children keep it; there is
    /// no way back but a restart, and `distrusted_keys` of the configuration outlives that.
    ///
    /// `issuer` is any of the server's issuers, compared exactly. Not done here: tokens that a host has accepted
    /// before stay accepted wherever it remembers them.
    pub fn distrust_key(&self, issuer: &str, kid: &str) -> Result<(), KeyControlError> {
        self.source_of(issuer)?.distrust(kid)
    }

    /// Puts these keys (a JWK Set) in the place of an issuer's, in this process: from the return on they alone answer,
    /// they do not age, the fetch that runs is discarded, and none starts before [`ResourceServer::resume`]. They must
    /// meet the configuration like fetched ones, and at least one must be usable and not distrusted.
    pub fn replace_keys(&self, issuer: &str, jwks_json: &str) -> Result<(), KeyControlError> {
        self.source_of(issuer)?.pin(jwks_json)
    }

    /// Ends [`ResourceServer::replace_keys`]: a fetch is due at once, and the replaced keys are used until it brings
    /// the issuer's. Keys that are in the configuration are back at once. Does nothing where no keys were replaced.
    pub fn resume(&self, issuer: &str) -> Result<(), KeyControlError> {
        self.source_of(issuer)?.resume();
        Ok(())
    }

    /// The key sets that are held and came from their issuers, as a JSON document for `keys.snapshot`: a process that
    /// begins with it needs no fetch. Holds no secret, but whoever can change it can make tokens.
    ///
    /// Not in it: keys that are distrusted, too old, replaced or from the configuration, and the list of what is
    /// distrusted.
    pub fn export_keys(&self) -> String {
        let servers = self.0.settings.servers.iter().zip(&self.0.sources);
        let snapshot = KeySnapshot {
            version: Some(snapshot::VERSION),
            // A clock that cannot be used makes the keys too old for everyone.
            exported_at: Some(self.0.clock.wall().and_then(|wall| wall.try_into().ok()).unwrap_or(0)),
            sources: servers.filter_map(|(server, source)| source.export(&server.issuers)).collect(),
        };
        serde_json::to_string(&snapshot).unwrap_or_default()
    }

    /// Counters of decisions and fetches, and the state of each key source.
    pub fn stats(&self) -> Stats {
        let token_cache = self.0.cache.as_deref().map(TokenCache::stats).unwrap_or_default();
        let events = self.0.events.as_deref().map(AuditLog::stats).unwrap_or_default();
        let sources = self.0.sources.iter().map(|source| source.status()).collect();
        let relay = self.0.relay.as_ref().map(|relay| relay.status());
        Stats::new(&self.0.counters, token_cache, events, sources, relay)
    }

    /// Takes the audit events that were kept since they were last taken, in the order of their decisions: one for each
    /// request that was accepted or refused, and for each refusal of [`ResourceServer::require`]. None where `events`
    /// is not configured.
    ///
    /// Nothing ever waits for who drains: when there is no room, events are dropped, and `events.dropped` of
    /// [`ResourceServer::stats`] counts them. A server shares its events with those that are made from it. A forked
    /// child begins without any.
    pub fn drain_events(&self) -> Vec<AuditEvent> {
        self.0.events.as_deref().map(AuditLog::drain).unwrap_or_default()
    }

    /// The same as JSON lines: an object for each event, and a line feed after each.
    pub fn drain_events_as_lines(&self) -> String {
        let mut lines = Vec::new();
        self.drain_events().iter().for_each(|event| event.write_line(&mut lines));
        String::from_utf8(lines).unwrap_or_default()
    }

    /// Whether tokens can be judged now. Needs no network and does not depend on an issuer once keys are held.
    pub fn health(&self) -> Health {
        let sources = self.0.sources.iter().map(|source| source.status()).collect();
        Health::new(sources, self.0.settings.warnings.clone())
    }

    /// The answer to a probe, for hosts that give it a path: `{"status": ..}` of [`ResourceServer::health`] and no more, with
    /// 200 whatever it is. `None` for another method than GET and HEAD; the path is not looked at. Needs no token, and
    /// does no IO.
    pub fn health_response(&self, request: &Request<'_>) -> Option<HttpResponse> {
        served::health(request.method, || self.health())
    }

    /// The answer to a scraper, for hosts that give it a path: [`Stats::to_prometheus`]. `None` for another method than GET
    /// and HEAD; the path is not looked at. Needs no token and names issuers, so operators alone should reach the path.
    pub fn metrics_response(&self, request: &Request<'_>) -> Option<HttpResponse> {
        served::metrics(request.method, || self.stats())
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
    pub fn resource(&self) -> &Url {
        &self.0.settings.resource
    }

    /// The clock difference that is allowed, in seconds: what a host that checks `exp` again must allow too.
    pub fn leeway_seconds(&self) -> i64 {
        self.0.settings.times.leeway
    }

    /// Whether keys are fetched on threads of ours (`keys.background_refresh`).
    pub fn background_refresh(&self) -> bool {
        self.0.settings.background_refresh
    }

    /// Whether there is a policy, configured or declared, so that the body of an accepted request is read, unless verified headers stand for it.
    pub fn has_policy(&self) -> bool {
        self.0.policy.is_some()
    }

    /// The origins whose scripts may read refusals, as configured.
    pub fn cors_origins(&self) -> &[String] {
        &self.0.settings.cors_origins
    }

    /// The origins that requests may come from, as configured; `None` when any may.
    pub fn allowed_origins(&self) -> Option<&[String]> {
        self.0.settings.allowed_origins.as_deref()
    }

    /// The largest body that is read, in bytes.
    pub fn body_limit(&self) -> usize {
        self.0.body_limit()
    }

    /// The refusal for a fault of the host or of ours, such as a caught panic: 500.
    pub fn internal_error(&self, detail: &str, request: &Request<'_>) -> Rejection {
        *self.0.reject(Refusal::new(Reason::Internal, detail.to_owned()), request, None)
    }

    fn source_of(&self, issuer: &str) -> Result<&Arc<Source>, KeyControlError> {
        let place = self.0.issuers.place_of(issuer);
        place.and_then(|place| self.0.sources.get(place)).ok_or(KeyControlError::UnknownIssuer)
    }

    fn check_with(&self, request: &Request<'_>, done: Option<&KeyRequest>) -> Check {
        let token = match self.0.authenticate::<LIVE>(request, done) {
            Ok(token) => token,
            Err(stop) => return self.stopped(stop, request, None),
        };
        let mut asked = Asked::default();
        let permitted = self.0.permit::<LIVE>(&token, request, &mut asked);
        let known = Known { token: &token, asked };
        match permitted {
            Ok(()) => {
                self.0.accept(request, known);
                Check::Done(Ok(token))
            }
            Err(stop) => self.stopped(stop, request, Some(known)),
        }
    }

    fn stopped<'a>(&self, stop: Stop, request: &Request<'a>, known: Option<Known<'_, 'a>>) -> Check {
        match stop {
            Stop::Refuse(refusal) => Check::Done(Err(self.0.reject(*refusal, request, known))),
            Stop::NeedKeys(wanted) => Check::NeedKeys(wanted),
            Stop::NeedBody => Check::NeedBody { limit: self.0.body_limit() },
        }
    }
}

impl Inner {
    /// The source that these keys were asked for from; none when it is another server's.
    fn source_with(&self, wanted: &KeyRequest) -> Option<&Arc<Source>> {
        self.sources.iter().find(|source| source.id() == wanted.source())
    }
}

impl fmt::Debug for ResourceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceServer")
            .field("resource", &self.0.settings.resource.as_str())
            .finish_non_exhaustive()
    }
}
