//! Resource servers that are made from others, and share what they can with them: declare, derive.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Inner, ResourceServer};
use crate::clock::Clock;
use crate::config::{
    Config, ConfigError, DEFAULT_MAX_BODY_BYTES, Offered, ServerSettings, Settings, changes, offered,
};
use crate::event::Counters;
use crate::event::audit::AuditLog;
use crate::fetch::{Fetch, HttpClient};
use crate::issuers::Issuers;
use crate::keys::distrust::Distrust;
use crate::keys::relay::{Relay, RelaySettings};
use crate::keys::source::{Source, SourceSettings};
use crate::metadata::Metadata;
use crate::policy::{Declared, Policy, PolicyReport};
use crate::token::cache::TokenCache;

/// See [`ServerSettings::reading`].
static NEXT_READING: AtomicUsize = AtomicUsize::new(1);

impl ResourceServer {
    /// A server that also asks for the scopes which the tools, prompts and resources of its host declare, and how the
    /// configured policy fits all that the host offers. This server stays as it is; both share the keys and the verified
    /// tokens, and each counts its own decisions.
    ///
    /// A declaration joins the configured rules for the method and the name: all their scopes are needed, and any denial
    /// refuses. So it can only ask for more; but where the name has no rule, it stands in the place of `default`.
    /// Declarations of one name are joined too, and so are those that this server has already. Without a policy, what
    /// declares nothing needs `required_scopes` only, as before; but once something declares a need, calls are read, and
    /// what cannot be read is refused, as under every policy.
    ///
    /// The scopes that a 403 lists may be declared ones; the metadata lists `scopes_supported` alone.
    ///
    /// Fails with every mistake at once. Scopes must meet the rules of the configuration; a mistake's path is such as
    /// `tools.weather`. A resource that declares scopes must be a URI: for what a template stands for, a pattern of the
    /// policy says them.
    pub fn declare(&self, offered: &[Offered]) -> Result<(Self, PolicyReport), ConfigError> {
        offered::check(offered).map(|declared| self.declaring(offered, declared))
    }

    /// [`ResourceServer::declare`] for a JSON list of objects with `kind` ("tool", "prompt" or "resource"), `name` and,
    /// where something is declared, `scopes` (a list, or "deny").
    pub fn declare_from_json(&self, offered: &str) -> Result<(Self, PolicyReport), ConfigError> {
        offered::from_json(offered).map(|(offered, declared)| self.declaring(&offered, declared))
    }

    /// The server that this one would be if its configuration were changed: for another resource of the same
    /// authorization servers, or for a new version of the configuration while requests run. This server stays as it is.
    ///
    /// The whole configuration is checked like a new one, with its files read again. Shared are:
    ///
    /// - the key source of each authorization server of which nothing has changed that governs where its keys are, how they
    ///   are fetched, kept and read: its issuers and key location, `algorithms`, `http`, `keys`, its `distrusted_keys` and
    ///   `leeway_seconds`. With it go the keys that are held, replaced ones too. Any other server gets a new source, which
    ///   fetches at the first need ([`ResourceServer::warm_up`] fetches before);
    /// - the authorization server's metadata where both serve it, unless its place, `http` or `keys` have changed;
    /// - the verified tokens, in one bounded memory, unless `token_cache` has changed;
    /// - the audit events that wait to be drained, unless `events` has changed;
    /// - what was declared ([`ResourceServer::declare`]).
    ///
    /// What was distrusted stays so whatever changes, for every issuer: nothing makes a process trust a key again. A later
    /// [`ResourceServer::distrust_key`] or [`ResourceServer::replace_keys`] holds for the servers that share the source. A
    /// server whose keys are replaced cannot be given a new source: [`ResourceServer::resume`] first. `keys.snapshot` is for
    /// new sources, and only where it is another snapshot than this server's.
    ///
    /// Decisions are counted by each server for itself, fetches and verified tokens by all that share them.
    ///
    /// Fails with every mistake at once, and has done nothing then.
    ///
    /// ```
    /// # use scopegate_core::{Config, ResourceServer};
    /// # fn main() -> Result<(), scopegate_core::ConfigError> {
    /// let files = ResourceServer::new(Config::new("https://mcp.example.com/files", ["https://as.example.com"]))?;
    /// let mail = files.derive(|config| config.resource = "https://mcp.example.com/mail".to_owned())?;
    /// assert_eq!(mail.resource().path(), "/mail");
    /// # Ok(())
    /// # }
    /// ```
    pub fn derive(&self, change: impl FnOnce(&mut Config)) -> Result<Self, ConfigError> {
        let mut config = Config::clone(&self.0.config);
        change(&mut config);
        let settings = config.settings()?;
        self.derived(config, settings)
    }

    /// [`ResourceServer::derive`] with the changes in a JSON object: each top-level member of a configuration that is given
    /// replaces that member whole. A null is a mistake: it could be a value that was forgotten. The members in the list
    /// `reset` have their defaults again, unless they are given; with `"all"` in it the changes are a whole configuration.
    pub fn derive_from_json(&self, changes: &str) -> Result<Self, ConfigError> {
        let (config, settings) = changes::from_json(&self.0.config, changes)?;
        self.derived(config, settings)
    }

    fn declaring(&self, offered: &[Offered], declared: Declared) -> (Self, PolicyReport) {
        let declared = Arc::new(declared.and(&self.0.declared));
        let policy = self.0.configured_policy.clone();
        let joined = policy.unwrap_or_else(|| Policy::open(DEFAULT_MAX_BODY_BYTES)).joined_with(&declared);
        let report = joined.report(offered.iter().map(|offered| (offered.kind, offered.name.as_str())));
        let server = Inner {
            config: Arc::clone(&self.0.config),
            settings: Arc::clone(&self.0.settings),
            policy: policy_with(self.0.configured_policy.clone(), &declared),
            configured_policy: self.0.configured_policy.clone(),
            declared,
            metadata: Arc::clone(&self.0.metadata),
            sources: self.0.sources.clone(),
            relay: self.0.relay.clone(),
            issuers: Arc::clone(&self.0.issuers),
            readings: self.0.readings.clone(),
            dropped: self.0.dropped.clone(),
            fetch: Arc::clone(&self.0.fetch),
            clock: Arc::clone(&self.0.clock),
            cache: self.0.cache.clone(),
            counters: Counters::default(),
            events: self.0.events.clone(),
        };
        (ResourceServer(Arc::new(server)), report)
    }

    fn derived(&self, config: Config, settings: Settings) -> Result<Self, ConfigError> {
        let base = &*self.0;
        for server in &settings.servers {
            let replaced = base.overlapping(&server.issuers).any(|(_, source)| source.is_pinned());
            if replaced && base.same_source(server, &settings).is_none() {
                let issuer = server.issuers.first().map_or("", String::as_str);
                return Err(ConfigError::of(
                    "authorization_servers",
                    format!("expected unchanged keys of {issuer} while its keys are replaced: resume first"),
                ));
            }
        }
        Ok(Self::assemble(config, settings, Arc::clone(&base.clock), Some(base)))
    }

    /// The server with this configuration. What it can share with `base` it does.
    pub(super) fn assemble(
        config: Config,
        mut settings: Settings,
        clock: Arc<dyn Clock>,
        base: Option<&Inner>,
    ) -> Self {
        let fetch: Arc<dyn Fetch> = match base.filter(|base| base.settings.http == settings.http) {
            Some(base) => Arc::clone(&base.fetch),
            None => Arc::new(HttpClient::new(settings.http.clone())),
        };
        let is_new_snapshot = base.is_none_or(|base| base.config.keys.snapshot != config.keys.snapshot);
        let mut distrusted = base.map(Inner::distrusted).unwrap_or_default();
        let (mut sources, mut issuers) = (Vec::new(), Vec::new());
        let shared: Vec<_> = settings
            .servers
            .iter()
            .map(|server| base.and_then(|base| base.same_source(server, &settings)).cloned())
            .collect();
        let readings: Vec<_> = settings
            .servers
            .iter()
            .map(|server| base.and_then(|base| base.reading(server, &settings)))
            .collect();
        for (index, (server, (shared, reading))) in
            settings.servers.iter_mut().zip(shared.into_iter().zip(readings)).enumerate()
        {
            issuers.extend(server.issuers.iter().map(|issuer| (issuer.clone(), index)));
            server.reading = reading.unwrap_or_else(|| NEXT_READING.fetch_add(1, Ordering::Relaxed));
            let Some(mut source) = server.source.take() else { continue };
            source.imported = source.imported.filter(|_| is_new_snapshot);
            let known = known_of(&server.issuers, &mut distrusted);
            sources.push(
                shared.unwrap_or_else(|| Source::new(source, known, Arc::clone(&fetch), Arc::clone(&clock))),
            );
        }
        let declared = base.map(|base| Arc::clone(&base.declared)).unwrap_or_default();
        let configured_policy = settings.policy.take();
        let cache = match base.filter(|base| base.settings.token_cache == settings.token_cache) {
            Some(base) => base.cache.clone(),
            None => TokenCache::new(settings.token_cache).map(Arc::new),
        };
        let events = match base.filter(|base| base.settings.events == settings.events) {
            Some(base) => base.events.clone(),
            None => settings.events.map(AuditLog::new).map(Arc::new),
        };
        let relay = settings.relay.as_ref().map(|wanted| {
            let shared = base.and_then(|base| base.same_relay(wanted, &settings)).cloned();
            shared.unwrap_or_else(|| Relay::new(wanted.clone(), Arc::clone(&fetch), Arc::clone(&clock)))
        });
        let readings: BTreeSet<usize> = settings.servers.iter().map(|server| server.reading).collect();
        ResourceServer(Arc::new(Inner {
            config: Arc::new(config),
            policy: policy_with(configured_policy.clone(), &declared),
            configured_policy,
            declared,
            metadata: Arc::new(Metadata::new(&settings)),
            sources,
            relay,
            issuers: Arc::new(Issuers::new(issuers)),
            readings: readings.into_iter().collect(),
            dropped: distrusted,
            settings: Arc::new(settings),
            fetch,
            clock,
            cache,
            counters: Counters::default(),
            events,
        }))
    }
}

/// What is distrusted of each issuer.
pub(crate) type DistrustByIssuer = BTreeMap<String, Distrust>;

/// Takes out what is distrusted of these issuers.
fn known_of(issuers: &[String], distrusted: &mut DistrustByIssuer) -> Distrust {
    let mut known = Distrust::default();
    for list in issuers.iter().filter_map(|issuer| distrusted.remove(issuer)) {
        known.join(&list);
    }
    known
}

/// The configured policy joined with what is declared; without one there is a policy once something declares a need.
fn policy_with(configured: Option<Policy>, declared: &Arc<Declared>) -> Option<Policy> {
    let policy =
        configured.or_else(|| declared.asks_for_something().then(|| Policy::open(DEFAULT_MAX_BODY_BYTES)));
    policy.map(|policy| policy.joined_with(declared))
}

impl Inner {
    /// The sources of the servers that have one of these issuers.
    fn overlapping<'a>(
        &'a self,
        issuers: &[String],
    ) -> impl Iterator<Item = (&'a ServerSettings, &'a Arc<Source>)> {
        let servers = self.settings.servers.iter().zip(&self.sources);
        servers.filter(|(server, _)| server.issuers.iter().any(|issuer| issuers.contains(issuer)))
    }

    /// The source that serves this server of other settings as it is.
    fn same_source<'a>(&'a self, server: &ServerSettings, settings: &Settings) -> Option<&'a Arc<Source>> {
        let wanted: &SourceSettings = server.source.as_ref()?;
        let is_same = |(ours, source): &(&ServerSettings, &Arc<Source>)| {
            ours.issuers == server.issuers && source.settings().amount_to(wanted)
        };
        let is_fetched_alike = self.settings.http == settings.http;
        self.overlapping(&server.issuers).find(is_same).map(|(_, source)| source).filter(|_| is_fetched_alike)
    }

    /// The metadata of the authorization server that is fetched and kept just so.
    fn same_relay(&self, wanted: &RelaySettings, settings: &Settings) -> Option<&Arc<Relay>> {
        let is_same = self.settings.http == settings.http;
        self.relay.as_ref().filter(|relay| is_same && relay.settings() == wanted)
    }

    /// The reading under which this server's verified tokens are as good as ours.
    fn reading(&self, server: &ServerSettings, settings: &Settings) -> Option<usize> {
        let source = self.same_source(server, settings)?;
        let mut ours = self.settings.servers.iter().zip(&self.sources);
        let (ours, _) = ours.find(|(_, ours)| Arc::ptr_eq(ours, source))?;
        let is_same = ours.tokens == server.tokens
            && self.settings.resource.as_str() == settings.resource.as_str()
            && self.settings.implications == settings.implications;
        is_same.then_some(ours.reading)
    }

    /// What is distrusted of each issuer, of those that were dropped on the way here too.
    fn distrusted(&self) -> DistrustByIssuer {
        let mut distrusted = self.dropped.clone();
        for (server, source) in self.settings.servers.iter().zip(&self.sources) {
            let list = source.distrusted();
            for issuer in server.issuers.iter().filter(|_| !list.is_empty()) {
                distrusted.entry(issuer.clone()).or_default().join(&list);
            }
        }
        distrusted
    }
}
