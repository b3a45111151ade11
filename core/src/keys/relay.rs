//! The metadata document of an authorization server, for clients that ask the resource for it (MCP before 2025-06-18).
//!
//! It has a source of its own, by the rules of the keys': backoff, cap and slots, one flight, a refresh when it is due, use
//! beyond that while the server cannot be reached. Who asks for it never waits.

mod check;

use std::collections::BTreeMap;
use std::process;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use serde::Serialize;
use serde_json::Value;

use super::attempts::{Attempts, Flight};
use super::discovery::Discovery;
use super::exchange::Exchange;
use super::plan::{Purpose, SOON, Validity};
use super::scheduler::{self, SLOTS, Scheduled, Slot};
use super::source::{LastError, Threads, draw};
use crate::clock::Clock;
use crate::fetch::{Document, Fetch, FetchError, FetchStep, Lookups};
use crate::lock::{Condvar, Mutex};

/// Which document is relayed, and how it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RelaySettings {
    /// What the document must call itself.
    pub(crate) issuer: String,
    /// Its place, where that is not derived from the issuer.
    pub(crate) discovery_url: Option<String>,
    /// See [`HttpSettings::insecure_hosts`](crate::fetch::HttpSettings).
    pub(crate) insecure_hosts: Vec<String>,
    pub(crate) background_refresh: bool,
    pub(crate) default_ttl: Duration,
    pub(crate) max_stale: Duration,
}

/// A document that is fetched, checked and kept.
pub(crate) struct Relay {
    settings: RelaySettings,
    discovery: Discovery,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Clock>,
    per_process: ArcSwap<PerProcess>,
    me: Weak<Relay>,
}

/// What belongs to one process: a forked child takes over the document and touches no lock of its parent's.
struct PerProcess {
    process: u32,
    held: ArcSwapOption<Held>,
    records: Mutex<Records>,
    /// A fetch ended.
    landed: Condvar,
    lookups: Lookups,
}

struct Held {
    document: Arc<str>,
    validity: Validity,
}

#[derive(Default)]
struct Records {
    attempts: Attempts,
    /// The place that worked last, as [`Discovery::look`] counts them.
    form: usize,
    /// With the time when it came.
    last_error: Option<(FetchError, Duration)>,
    /// Finished fetches by outcome.
    fetches: BTreeMap<&'static str, u64>,
}

/// A good answer.
struct Fetched {
    document: Arc<str>,
    lifetime: Option<Duration>,
    form: usize,
}

/// The authorization server's metadata that is served to older clients (`serve_authorization_server_metadata`), and how it is
/// kept.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RelayStatus {
    /// What the document calls itself.
    pub issuer: String,
    /// `cold`, `fresh`, `due`, `overdue` or `expired`: the first and the last are answered with 503.
    pub state: &'static str,
    /// Since the fetch began that brought the document.
    pub age_seconds: Option<u64>,
    /// Why the last fetch that failed did so.
    pub last_error: Option<LastError>,
    /// Finished fetches by outcome: `installed`, `abandoned`, or the step that failed.
    pub fetches: BTreeMap<&'static str, u64>,
}

impl RelayStatus {
    /// Whether the document is served now.
    pub fn is_usable(&self) -> bool {
        !matches!(self.state, "cold" | "expired")
    }
}

impl Relay {
    /// Does no IO and starts no thread.
    pub(crate) fn new(settings: RelaySettings, fetch: Arc<dyn Fetch>, clock: Arc<dyn Clock>) -> Arc<Relay> {
        let discovery = Discovery::new(settings.discovery_url.clone(), settings.issuer.clone());
        let per_process = ArcSwap::from_pointee(PerProcess::new(None));
        Arc::new_cyclic(|me| Relay { settings, discovery, fetch, clock, per_process, me: me.clone() })
    }

    /// What it goes by.
    pub(crate) fn settings(&self) -> &RelaySettings {
        &self.settings
    }

    /// The document, where one is held that may be used. Never blocks and does no IO; has a fetch started that is due.
    pub(crate) fn document(&self) -> Option<Arc<str>> {
        let here = self.here();
        let (held, now) = (here.held.load_full(), self.clock.boot());
        if held.as_ref().is_none_or(|held| !held.validity.is_fresh(now)) {
            self.start(&here);
        }
        held.filter(|held| held.is_usable(now)).map(|held| Arc::clone(&held.document))
    }

    /// Has the document before the first request. Blocks for one fetch at most.
    pub(crate) fn warm_up(&self) -> Result<(), FetchError> {
        let here = Guard::into_inner(self.here());
        if here.is_usable(self.clock.boot()) {
            return Ok(());
        }
        match self.board(&here) {
            Boarding::Leads(flight, slot) => self.fly(&here, flight, slot),
            Boarding::Joins(flight) => self.wait(&here, &flight),
            Boarding::Refused(error) => return Err(error),
        }
        if here.is_usable(self.clock.boot()) {
            return Ok(());
        }
        let last = here.records.lock().last_error.as_ref().map(|(error, _)| error.clone());
        Err(last.unwrap_or_else(|| FetchError::new(FetchStep::Start, "the fetch takes too long")))
    }

    /// What `stats` shows.
    pub(crate) fn status(&self) -> RelayStatus {
        let here = self.here();
        let records = here.records.lock();
        let (held, now) = (here.held.load_full(), self.clock.boot());
        RelayStatus {
            issuer: self.settings.issuer.clone(),
            state: held.as_ref().map_or("cold", |held| held.state(now)),
            age_seconds: held.map(|held| held.validity.age(now).as_secs()),
            last_error: records
                .last_error
                .as_ref()
                .map(|(error, at)| LastError::new(error, now.saturating_sub(*at))),
            fetches: records.fetches.clone(),
        }
    }

    /// Whether a fetch runs, or is due so that one is about to.
    #[cfg(feature = "testing")]
    pub(crate) fn is_fetching(&self) -> bool {
        let here = self.here();
        let runs = here.records.lock().attempts.flight(self.clock.boot()).is_some();
        runs || here.held.load().is_some() && self.is_watched() && self.next_fetch().is_zero()
    }

    /// What belongs to this process; made anew in a forked child.
    fn here(&self) -> Guard<Arc<PerProcess>> {
        let process = process::id();
        let here = self.per_process.load();
        if here.process == process {
            return here;
        }
        self.per_process.rcu(|here| {
            if here.process == process {
                here.clone()
            } else {
                Arc::new(PerProcess::new(here.held.load_full()))
            }
        });
        self.per_process.load()
    }

    /// How long until a fetch is due and may start.
    fn next_fetch(&self) -> Duration {
        let here = self.here();
        let records = here.records.lock();
        let now = self.clock.boot();
        if let Some(flight) = records.attempts.flight(now) {
            return flight.overdue_at().saturating_sub(now);
        }
        let due = |held: Arc<Held>| held.validity.refresh_age.saturating_sub(held.validity.age(now));
        let blocked = records.attempts.may_start(now, Purpose::Due).err();
        let due = here.held.load_full().map(due).unwrap_or_default();
        due.max(blocked.map(|blocked| blocked.wait()).unwrap_or_default())
    }

    /// Starts a fetch or finds the one that runs.
    fn board(&self, here: &PerProcess) -> Boarding {
        let mut records = here.records.lock();
        let now = self.clock.boot();
        if let Some(flight) = records.attempts.flight(now) {
            return Boarding::Joins(*flight);
        }
        if records.attempts.may_start(now, Purpose::Due).is_err() {
            let last = records.last_error.as_ref().map(|(error, _)| error.clone());
            let limit = || FetchError::new(FetchStep::Start, "the limit of fetches is reached");
            return Boarding::Refused(last.unwrap_or_else(limit));
        }
        match SLOTS.take() {
            Some(slot) => {
                Boarding::Leads(records.attempts.begin(now, self.fetch.timeout(), Purpose::Due), slot)
            }
            None => Boarding::Refused(FetchError::new(
                FetchStep::Start,
                "as many fetches run as the process allows",
            )),
        }
    }

    /// Starts a fetch on a short-lived thread, if one may start.
    fn start(&self, here: &Arc<PerProcess>) {
        let Boarding::Leads(flight, slot) = self.board(here) else { return };
        let Some(me) = self.me.upgrade() else { return };
        let of_thread = Arc::clone(here);
        if Threads::OfTheProcess.run(move || me.fly(&of_thread, flight, slot)).is_err() {
            let failure = FetchError::new(FetchStep::Start, "no thread could be started");
            self.land(here, &flight, Err(failure));
        }
    }

    /// Runs a fetch on this thread.
    fn fly(&self, here: &PerProcess, flight: Flight, slot: Slot) {
        let mut landing = Landing { relay: self, here, flight, outcome: None };
        landing.outcome = Some(self.fetch_document(here, &flight));
        drop(slot);
    }

    /// The IO of one fetch. Holds no lock.
    fn fetch_document(&self, here: &PerProcess, flight: &Flight) -> Result<Fetched, FetchError> {
        let exchange = Exchange {
            fetch: &*self.fetch,
            clock: &*self.clock,
            lookups: &here.lookups,
            deadline: flight.deadline,
        };
        let first = here.records.lock().form;
        let (fetched, form) = self.discovery.look(first, &exchange, |url, document| {
            let written = written(&self.discovery, &self.settings.insecure_hosts, url, document)?;
            Ok((Arc::from(written), document.lifetime))
        })?;
        let (document, lifetime) = fetched;
        Ok(Fetched { document, lifetime, form })
    }

    /// Takes in the result of a fetch, if it is still the one whose result counts.
    fn land(&self, here: &PerProcess, flight: &Flight, outcome: Result<Fetched, FetchError>) {
        let mut records = here.records.lock();
        if !records.attempts.is_current(flight) {
            records.count("abandoned");
        } else {
            match outcome {
                Ok(fetched) => self.install(here, flight, &mut records, fetched),
                Err(error) => {
                    records.count(error.step().name());
                    let now = self.clock.boot();
                    records.attempts.fail(now, error.retry_after(), draw());
                    records.last_error = Some((error, now));
                }
            }
        }
        drop(records);
        here.landed.notify_all();
        self.watch();
    }

    fn install(&self, here: &PerProcess, flight: &Flight, records: &mut Records, fetched: Fetched) {
        let Fetched { document, lifetime, form } = fetched;
        let RelaySettings { default_ttl, max_stale, .. } = self.settings;
        let validity = Validity::new(flight.began, lifetime, default_ttl, max_stale, draw());
        here.held.store(Some(Arc::new(Held { document, validity })));
        records.form = form;
        records.count("installed");
        records.attempts.succeed();
    }

    fn wait(&self, here: &PerProcess, flight: &Flight) {
        let mut records = here.records.lock();
        while records.attempts.is_current(flight) {
            let left = flight.deadline.saturating_sub(self.clock.boot());
            let time_is_up;
            (records, time_is_up) = here.landed.wait_for(records, left);
            if time_is_up {
                break;
            }
        }
    }

    fn is_watched(&self) -> bool {
        self.settings.background_refresh
    }

    fn watch(&self) {
        if let Some(me) = self.me.upgrade().filter(|_| self.is_watched()) {
            scheduler::watch(&me);
        }
    }
}

impl Scheduled for Relay {
    fn run_due(&self) -> Option<Duration> {
        if self.next_fetch().is_zero() {
            self.start(&self.here());
        }
        // Where no fetch could start, one could soon.
        Some(self.next_fetch().max(SOON))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        if self.is_watched() {
            scheduler::forget();
        }
    }
}

impl PerProcess {
    fn new(held: Option<Arc<Held>>) -> PerProcess {
        PerProcess {
            process: process::id(),
            held: ArcSwapOption::new(held),
            records: Mutex::default(),
            landed: Condvar::new(),
            lookups: Lookups::default(),
        }
    }

    fn is_usable(&self, now: Duration) -> bool {
        self.held.load().as_ref().is_some_and(|held| held.is_usable(now))
    }
}

impl Held {
    fn is_usable(&self, now: Duration) -> bool {
        self.validity.age(now) < self.validity.expiry_age
    }

    fn state(&self, now: Duration) -> &'static str {
        match self.validity.age(now) {
            _ if !self.is_usable(now) => "expired",
            _ if self.validity.is_fresh(now) => "fresh",
            age if age < self.validity.ttl => "due",
            _ => "overdue",
        }
    }
}

impl Records {
    fn count(&mut self, outcome: &'static str) {
        *self.fetches.entry(outcome).or_default() += 1;
    }
}

/// A document that came from `url`, checked and written anew.
pub(crate) fn written(
    discovery: &Discovery,
    insecure_hosts: &[String],
    url: &str,
    document: &Document,
) -> Result<String, FetchError> {
    let members = discovery.members(document)?;
    check::members(&members, discovery.is_plain(url), insecure_hosts)?;
    Ok(Value::Object(members).to_string())
}

/// What the caller of a fetch is to do.
enum Boarding {
    Leads(Flight, Slot),
    Joins(Flight),
    Refused(FetchError),
}

/// Ends a fetch when it is dropped, so that one that panics does not block the next.
struct Landing<'a> {
    relay: &'a Relay,
    here: &'a PerProcess,
    flight: Flight,
    outcome: Option<Result<Fetched, FetchError>>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let panicked = || Err(FetchError::new(FetchStep::Start, "the fetch panicked"));
        let outcome = self.outcome.take().unwrap_or_else(panicked);
        self.relay.land(self.here, &self.flight, outcome);
    }
}
