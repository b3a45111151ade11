#![allow(clippy::disallowed_methods)]
//! One fetch: who starts it, who waits for it, and how its result is taken in.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{KeyLocation, KeyRequest, PerProcess, Records, Source};
use crate::fetch::{FetchError, FetchStep};
use crate::keys::attempts::Flight;
use crate::keys::exchange::{Exchange, KeySetUrl};
use crate::keys::held::{Held, Renewal};
use crate::keys::key_set::{self, KeySet};
use crate::keys::plan::{Purpose, Standing, Validity};
use crate::keys::scheduler::Slot;

/// What the caller of a fetch is to do.
pub(super) enum Boarding {
    /// The set has changed, or is never fetched.
    NotNeeded,
    Leads(Flight, Slot),
    Joins(Flight),
    Refused(FetchError),
}

/// Who runs the fetches that nobody runs himself.
pub(in crate::keys) enum Threads {
    /// Threads of the process; its scheduler starts what is due.
    OfTheProcess,
    /// Threads of the process; what is due starts when a test says so.
    #[cfg(test)]
    Unscheduled,
    /// Nobody: a fetch ends when a test calls it.
    #[cfg(any(test, feature = "fuzzing"))]
    ByHand(Arc<crate::lock::Mutex<Vec<Work>>>),
}

#[cfg(any(test, feature = "fuzzing"))]
pub(in crate::keys) type Work = Box<dyn FnOnce() + Send>;

impl Threads {
    pub(in crate::keys) fn run(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        #[cfg(any(test, feature = "fuzzing"))]
        if let Threads::ByHand(flights) = self {
            flights.lock().push(Box::new(work));
            return Ok(());
        }
        thread::Builder::new().name("scopegate-fetch".to_owned()).spawn(work).map(drop)
    }
}

impl Source {
    /// Starts a fetch or finds the one that runs: backoff, budget, cap and slots are looked at here, under one lock.
    /// `generation` is that of the set which did not do.
    pub(super) fn board(&self, here: &PerProcess, purpose: Purpose, generation: Option<u64>) -> Boarding {
        let refused = |what| Boarding::Refused(FetchError::new(FetchStep::Start, what));
        let mut records = here.records.lock();
        let now = self.clock.boot();
        let held = here.held.load();
        let held_generation = held.as_ref().map_or(0, |held| held.generation);
        if held.as_ref().is_some_and(|held| held.standing.is_fixed()) {
            return Boarding::NotNeeded;
        }
        if generation.is_some_and(|generation| generation != held_generation) {
            return Boarding::NotNeeded;
        }
        if let Some(flight) = records.attempts.flight(now) {
            return Boarding::Joins(*flight);
        }
        if let Err(blocked) = records.attempts.may_start(now, purpose) {
            let last = records.last_error.clone().filter(|_| blocked.is_backoff());
            return match last {
                Some((error, _)) => Boarding::Refused(error),
                None => refused("the limit of fetches is reached"),
            };
        }
        let Some(slot) = self.slots.take() else {
            return refused("as many fetches run as the process allows");
        };
        Boarding::Leads(records.attempts.begin(now, self.timeout(purpose), purpose), slot)
    }

    /// Starts a fetch that nobody waits for, if one may start.
    pub(super) fn start(&self, here: &Arc<PerProcess>, purpose: Purpose) {
        if let Boarding::Leads(flight, slot) = self.board(here, purpose, None) {
            self.launch(here, flight, slot);
        }
    }

    /// Runs a fetch on a short-lived thread.
    pub(super) fn launch(&self, here: &Arc<PerProcess>, flight: Flight, slot: Slot) {
        let Some(me) = self.me.upgrade() else { return };
        let of_thread = here.clone();
        let work = move || me.fly(&of_thread, flight, slot);
        if self.threads.run(work).is_err() {
            self.land(here, &flight, Err(FetchError::new(FetchStep::Start, "no thread could be started")));
        }
    }

    /// Runs a fetch on this thread.
    pub(super) fn fly(&self, here: &PerProcess, flight: Flight, slot: Slot) {
        let mut landing = Landing { source: self, here, flight, outcome: None };
        landing.outcome = Some(self.fetch_keys(here, &flight));
        drop(slot);
    }

    /// The IO of one fetch. Holds no lock.
    fn fetch_keys(&self, here: &PerProcess, flight: &Flight) -> Result<Fetched, FetchError> {
        let exchange = Exchange {
            fetch: &*self.fetch,
            clock: &*self.clock,
            lookups: &here.lookups,
            deadline: flight.deadline,
        };
        let began_wall = self.clock.wall();
        // Only a set that is in use can be renewed.
        let held = here.held.load_full().filter(|held| held.is_usable(flight.began));
        let get = |place: &KeySetUrl| {
            let etag = held.as_ref().and_then(|held| held.etag_of(&place.url));
            let document = exchange.key_set(place, etag)?;
            let keys = match &document.body {
                Some(body) => Some(self.parse(body)?),
                None => None,
            };
            Ok(Fetched {
                keys,
                url: place.url.clone(),
                etag: document.etag,
                lifetime: document.lifetime,
                began_wall,
            })
        };
        match (&self.settings.location, &self.discovery) {
            (KeyLocation::Uri(url), _) => get(&KeySetUrl { url: url.clone(), public_only: false }),
            (_, Some(discovery)) => {
                let mut memory = here.records.lock().memory.clone();
                let result = discovery.fetch(&mut memory, &exchange, get);
                let mut records = here.records.lock();
                if records.attempts.is_current(flight) {
                    records.memory = memory;
                }
                result
            }
            _ => Err(FetchError::new(FetchStep::Start, "these keys are not fetched")),
        }
    }

    fn parse(&self, body: &[u8]) -> Result<KeySet, FetchError> {
        KeySet::parse(body, &self.settings.rules)
            .map_err(|error| FetchError::new(FetchStep::Parse, format!("key set: {error}")))
    }

    /// Takes in the result of a fetch, if it is still the one whose result counts.
    fn land(&self, here: &PerProcess, flight: &Flight, outcome: Result<Fetched, FetchError>) {
        let mut records = here.records.lock();
        if records.attempts.is_current(flight) {
            let outcome = outcome.and_then(|fetched| self.install(here, flight, &mut records, fetched));
            self.record(&mut records, outcome);
        } else {
            records.count("abandoned");
        }
        drop(records);
        here.landed.notify_all();
        self.watch();
    }

    /// Replaces or renews the held set. A failure leaves it as it is, but for a second answer without usable keys.
    fn install(
        &self,
        here: &PerProcess,
        flight: &Flight,
        records: &mut Records,
        fetched: Fetched,
    ) -> Result<&'static str, FetchError> {
        let held = here.held.load_full();
        let renewal = Renewal {
            validity: Validity::new(
                flight.began,
                fetched.lifetime,
                self.settings.default_ttl,
                self.settings.max_stale,
                draw(),
            ),
            began_wall: fetched.began_wall,
            url: fetched.url,
            etag: fetched.etag,
        };
        match (fetched.keys, held) {
            (Some(keys), held) if keys.is_empty() => {
                if records.attempts.note_keyless(flight.began) {
                    here.held.store(held.map(|held| Arc::new(held.close())));
                }
                let why = key_set::no_usable_key(&keys);
                Err(FetchError::new(FetchStep::Parse, format!("key set: {why}")))
            }
            (Some(keys), held) => {
                let keys = self.distrust.sift(keys);
                here.held.store(Some(Arc::new(Held::install(keys, held.as_deref(), renewal))));
                Ok("installed")
            }
            (None, Some(held)) if held.standing == Standing::Fetched => {
                here.held.store(Some(Arc::new(held.renew(renewal))));
                Ok("not_modified")
            }
            (None, _) => Err(FetchError::new(FetchStep::Http, "key set: not modified, but nothing is held")),
        }
    }

    fn record(&self, records: &mut Records, outcome: Result<&'static str, FetchError>) {
        match outcome {
            Ok(outcome) => {
                records.count(outcome);
                records.attempts.succeed();
            }
            Err(error) => {
                records.count(error.step().name());
                let now = self.clock.boot();
                records.attempts.fail(now, error.retry_after(), draw());
                records.last_error = Some((error, now));
            }
        }
    }

    /// Waits for a fetch on behalf of a request.
    pub(super) fn wait(
        &self,
        here: &PerProcess,
        flight: &Flight,
        wanted: &KeyRequest,
    ) -> Result<(), FetchError> {
        let until = flight.deadline.min(self.clock.boot() + wanted.longest_wait);
        let mut records = here.records.lock();
        while records.attempts.is_current(flight) {
            let left = until.saturating_sub(self.clock.boot());
            let time_is_up;
            (records, time_is_up) = here.landed.wait_for(records, left);
            if time_is_up {
                break;
            }
        }
        let ended = !records.attempts.is_current(flight);
        drop(records);
        if ended {
            here.outcome(flight)
        } else {
            Err(FetchError::new(FetchStep::Start, "the fetch takes too long"))
        }
    }
}

impl PerProcess {
    /// How a fetch ended.
    pub(super) fn outcome(&self, flight: &Flight) -> Result<(), FetchError> {
        let records = self.records.lock();
        if self.held.load().as_ref().is_some_and(|held| held.validity.began >= flight.began) {
            return Ok(());
        }
        Err(records
            .last_error
            .as_ref()
            .map(|(error, _)| error.clone())
            .unwrap_or_else(|| FetchError::new(FetchStep::Start, "the fetch was given up")))
    }
}

/// A good answer: a set, or that the held one has not changed.
struct Fetched {
    keys: Option<KeySet>,
    url: String,
    etag: Option<String>,
    lifetime: Option<Duration>,
    /// Wall time at the start of the fetch.
    began_wall: Option<i64>,
}

/// Ends a fetch when it is dropped, so that one that panics does not block the next.
struct Landing<'a> {
    source: &'a Source,
    here: &'a PerProcess,
    flight: Flight,
    outcome: Option<Result<Fetched, FetchError>>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let panicked = || Err(FetchError::new(FetchStep::Start, "the fetch panicked"));
        let outcome = self.outcome.take().unwrap_or_else(panicked);
        self.source.land(self.here, &self.flight, outcome);
    }
}

#[cfg(any(test, feature = "fuzzing"))]
thread_local! {
    /// Where draws on this thread come from, when a test must be able to repeat them.
    pub(super) static SCRIPTED_DRAWS: std::cell::Cell<Option<u64>> = const { std::cell::Cell::new(None) };
}

/// Uniform in 0..1. The operating system's randomness differs in forked children, so that they do not ask at once.
pub(in crate::keys) fn draw() -> f64 {
    #[cfg(any(test, feature = "fuzzing"))]
    if let Some(script) = SCRIPTED_DRAWS.get() {
        let next = script.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        SCRIPTED_DRAWS.set(Some(next));
        return (next >> 33) as f64 / 2_f64.powi(31);
    }
    let mut bytes = [0; 4];
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 0.5,
    }
}
