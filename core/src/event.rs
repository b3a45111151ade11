//! Counters and health.

pub(crate) mod audit;
mod kept;
mod prometheus;
pub(crate) mod served;
mod texts;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde_json::{Map, Value};

use self::audit::AuditStats;
use crate::keys::relay::RelayStatus;
use crate::keys::source::SourceStatus;
use crate::reason::Reason;
use crate::token::cache::TokenCacheStats;

/// A count that every decision may change. It has a cache line of its own, with the one that processors fetch along, so
/// that threads which count do not slow down those that read its neighbours.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts decisions. Reading it takes no lock.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    accepted: Count,
    refused: [AtomicU64; Reason::ALL.len()],
    not_rfc9068: Count,
}

impl Counters {
    pub(crate) fn accepted(&self) {
        self.accepted.add_one();
    }

    pub(crate) fn refused(&self, reason: Reason) {
        let counter = Reason::ALL.iter().zip(&self.refused).find(|(listed, _)| **listed == reason);
        if let Some((_, counter)) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An accepted token of the generic format that the format `rfc9068` would refuse.
    pub(crate) fn not_rfc9068(&self) {
        self.not_rfc9068.add_one();
    }
}

/// What a resource server has decided and fetched since it was made.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Accepted requests.
    pub accepted: u64,
    /// Refused requests by reason; reasons that never occurred are left out.
    pub refused: Map<String, Value>,
    /// Accepted tokens that `token_format: "rfc9068"` would refuse: 0 means that the stricter format can be set.
    pub not_rfc9068: u64,
    /// Verified tokens; nothing but zeros where they are not kept.
    pub token_cache: TokenCacheStats,
    /// Audit events; nothing but zeros where `events` is not configured.
    pub events: AuditStats,
    /// The key source of each authorization server.
    pub sources: Vec<SourceStatus>,
    /// The metadata of the authorization server, where it is served.
    pub authorization_server_metadata: Option<RelayStatus>,
}

impl Stats {
    pub(crate) fn new(
        counters: &Counters,
        token_cache: TokenCacheStats,
        events: AuditStats,
        sources: Vec<SourceStatus>,
        authorization_server_metadata: Option<RelayStatus>,
    ) -> Stats {
        let counts = Reason::ALL.iter().zip(&counters.refused);
        let counts = counts.map(|(reason, counter)| (reason.name(), counter.load(Ordering::Relaxed)));
        let refused =
            counts.filter(|(_, count)| *count > 0).map(|(name, count)| (name.to_owned(), count.into()));
        Stats {
            accepted: counters.accepted.now(),
            refused: refused.collect(),
            not_rfc9068: counters.not_rfc9068.now(),
            token_cache,
            events,
            sources,
            authorization_server_metadata,
        }
    }

    /// The same as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same as Prometheus text, to be served with [`Stats::PROMETHEUS_CONTENT_TYPE`]. It names issuers: show it to
    /// operators alone.
    pub fn to_prometheus(&self) -> String {
        prometheus::text(self)
    }

    /// The `Content-Type` of [`Stats::to_prometheus`].
    pub const PROMETHEUS_CONTENT_TYPE: &str = prometheus::CONTENT_TYPE;
}

/// Whether tokens can be judged now.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Health {
    /// `ok`, `degraded` (some keys are old, or an issuer's are missing or all distrusted), or `unavailable` (no issuer's
    /// key set is held).
    pub status: &'static str,
    /// The key source of each authorization server.
    pub sources: Vec<SourceStatus>,
    /// What the configuration should be asked about.
    pub warnings: Vec<String>,
}

impl Health {
    pub(crate) fn new(sources: Vec<SourceStatus>, warnings: Vec<String>) -> Health {
        let holding = sources.iter().filter(|source| source.is_usable()).count();
        let lacks = |source: &SourceStatus| source.degraded || source.keys == 0;
        let status = match holding {
            0 => "unavailable",
            _ if sources.iter().any(|source| !source.is_usable() || lacks(source)) => "degraded",
            _ => "ok",
        };
        Health { status, sources, warnings }
    }

    /// Whether some issuer's tokens can be judged: what a readiness probe should ask.
    pub fn is_ready(&self) -> bool {
        self.status != "unavailable"
    }

    /// The same as a JSON object.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
