//! What a source says about itself in `stats` and `health`.

use std::collections::BTreeMap;

use std::time::Duration;

use serde::Serialize;

use crate::fetch::FetchError;

/// The keys of one authorization server and how they are kept.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SourceStatus {
    /// The issuer.
    pub issuer: String,
    /// `static`, `pinned`, `cold`, `fresh`, `due`, `overdue`, `idle`, `expired` or `closed`.
    pub state: &'static str,
    /// Overdue, and a fetch has failed since the last good one.
    pub degraded: bool,
    /// Since the fetch began that brought the keys or found them unchanged, or since they were pinned.
    pub age_seconds: Option<u64>,
    /// From which age on the keys are overdue.
    pub ttl_seconds: Option<u64>,
    /// How many keys are held and usable.
    pub keys: usize,
    /// Their kids.
    pub kids: Vec<String>,
    /// JWKs that were left aside, by reason.
    pub skipped: BTreeMap<&'static str, usize>,
    /// JWKs that were published with private members.
    pub private_members: usize,
    /// Kids that the operator distrusts.
    pub distrusted_kids: usize,
    /// Keys that were taken out of the held set because they are distrusted.
    pub distrusted_keys: usize,
    /// Why the last fetch that failed did so.
    pub last_error: Option<LastError>,
    /// Until the background fetches next; `None` when it has nothing to do.
    pub next_refresh_seconds: Option<u64>,
    /// How many fetches may still start in the present minute, of 8.
    pub fetches_left: usize,
    /// Until a kid that is not held may start a fetch again; 0 when it may now.
    pub unknown_kid_wait_seconds: u64,
    /// How many requests wait for a fetch.
    pub waiting: usize,
    /// Finished fetches by outcome: `installed`, `not_modified`, `abandoned`, or the step that failed.
    pub fetches: BTreeMap<&'static str, u64>,
    /// What the issuer's operator should be told.
    pub warnings: Vec<String>,
}

impl SourceStatus {
    /// Whether held keys may be used now.
    pub fn is_usable(&self) -> bool {
        !matches!(self.state, "cold" | "expired" | "closed")
    }
}

/// Why the last fetch that failed did so.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct LastError {
    /// The step: `start`, `DNS`, `connect`, `TLS`, `HTTP` or `parse`.
    pub step: &'static str,
    /// What went wrong.
    pub message: String,
    /// How long ago.
    pub seconds_ago: u64,
}

impl LastError {
    pub(crate) fn new(error: &FetchError, ago: Duration) -> LastError {
        LastError {
            step: error.step().name(),
            message: error.message().to_owned(),
            seconds_ago: ago.as_secs(),
        }
    }
}
