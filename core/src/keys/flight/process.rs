//! What a process learns of what it fetches.
//!
//! What is held, the fetch that runs and the budgets hang off one pointer together with the process id. A forked child
//! finds another id there, hangs up its own, and takes over what is held; it touches none of the locks that a thread of
//! its parent may have held. What is held is read without a lock for the same reason.

use std::collections::BTreeMap;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use super::Fetched;
use crate::fetch::{FetchError, FetchStep, Lookups};
use crate::keys::attempts::{Attempts, Flight};
use crate::keys::draw::draw;
use crate::keys::status::LastError;
use crate::lock::{Condvar, Mutex};

/// What belongs to one process.
pub(crate) struct PerProcess<T: Fetched> {
    pub(crate) process: u32,
    pub(crate) held: ArcSwapOption<T::Held>,
    pub(crate) waiting: T::Waiting,
    pub(crate) records: Mutex<Records<T::Memory>>,
    /// A fetch ended.
    pub(crate) landed: Condvar,
    pub(super) lookups: Lookups,
}

/// How the fetches went.
pub(crate) struct Records<Memory> {
    pub(crate) attempts: Attempts,
    pub(super) memory: Memory,
    /// With the time when it came.
    pub(super) last_error: Option<(FetchError, Duration)>,
    /// Finished fetches by outcome.
    pub(crate) fetches: BTreeMap<&'static str, u64>,
}

impl<T: Fetched> PerProcess<T> {
    pub(crate) fn new(attempts: Attempts, held: Option<Arc<T::Held>>) -> PerProcess<T> {
        PerProcess {
            process: process::id(),
            held: ArcSwapOption::new(held),
            waiting: T::Waiting::default(),
            records: Mutex::new(Records {
                attempts,
                memory: T::Memory::default(),
                last_error: None,
                fetches: BTreeMap::new(),
            }),
            landed: Condvar::new(),
            lookups: Lookups::default(),
        }
    }

    /// How a fetch ended.
    pub(crate) fn outcome(&self, flight: &Flight) -> Result<(), FetchError> {
        let records = self.records.lock();
        if self.held.load().as_ref().is_some_and(|held| T::validity(held).began >= flight.began) {
            return Ok(());
        }
        Err(records
            .last_error
            .as_ref()
            .map(|(error, _)| error.clone())
            .unwrap_or_else(|| FetchError::new(FetchStep::Start, "the fetch was given up")))
    }
}

impl<Memory> Records<Memory> {
    pub(super) fn count(&mut self, outcome: &'static str) {
        *self.fetches.entry(outcome).or_default() += 1;
    }

    /// The fetch whose result counts is over.
    pub(super) fn end(&mut self, outcome: Result<&'static str, FetchError>, now: Duration) {
        match outcome {
            Ok(outcome) => {
                self.count(outcome);
                self.attempts.succeed();
            }
            Err(error) => {
                self.count(error.step().name());
                self.attempts.fail(now, error.retry_after(), draw());
                self.last_error = Some((error, now));
            }
        }
    }

    /// What `stats` shows of the last failure.
    pub(crate) fn last_error(&self, now: Duration) -> Option<LastError> {
        self.last_error.as_ref().map(|(error, at)| LastError::new(error, now.saturating_sub(*at)))
    }
}
