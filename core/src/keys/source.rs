//! Where the keys of one authorization server come from, and when they are fetched.

mod control;
mod fetching;
mod recognition;
mod report;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod simulation;
mod snapshot;
#[cfg(test)]
mod tests;
mod waiting;
#[cfg(any(test, feature = "fuzzing"))]
mod world;

use std::collections::BTreeSet;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

pub use self::control::KeyControlError;
pub(crate) use self::recognition::{Recognition, VerifyingKey};
pub use self::waiting::KeyRequest;
use super::algorithm::Algorithm;
use super::attempts::{Attempts, Flight};
use super::discovery::{Discovery, Memory};
use super::distrust::{Distrust, DistrustList};
use super::draw::draw;
use super::flight::{Boarding, Fetched, Flights, PerProcess, Records, Threads};
use super::held::Held;
use super::jwk::{KeyRules, PreparedKey};
use super::key_set::{KeySet, Selected};
use super::plan::{self, Answer, Lookup, Plan, Purpose, SHORT_WAIT, Standing, Wanted};
use super::scheduler::{SLOTS, Slots};
use super::snapshot::ImportedKeys;
pub use super::status::{LastError, SourceStatus};
use crate::clock::Clock;
use crate::fetch::{Fetch, FetchError};
use crate::lock::MutexGuard;
use arc_swap::{ArcSwap, Guard};

/// The id of the next source.
static NEXT_ID: AtomicUsize = AtomicUsize::new(0);

/// By how many seconds the wall clock may seem to be set back: both clocks are read in whole seconds, one after the other.
const ROUNDING: i64 = 2;

/// Where keys are.
#[derive(Debug, PartialEq)]
pub(crate) enum KeyLocation {
    /// In the configuration: never fetched.
    Static(KeySet),
    /// At this URL.
    Uri(String),
    /// Where the authorization server's metadata says.
    Discovery {
        /// The place of the metadata, where it is not derived from the issuer.
        url: Option<String>,
        /// What the metadata must call itself.
        issuer: String,
    },
}

/// A source as it is configured.
#[derive(Debug)]
pub(crate) struct SourceSettings {
    /// For messages.
    pub(crate) issuer: String,
    pub(crate) location: KeyLocation,
    pub(crate) rules: KeyRules,
    /// Keys to begin with.
    pub(crate) imported: Option<ImportedKeys>,
    /// Kids that are distrusted from the start.
    pub(crate) distrusted: BTreeSet<String>,
    /// Whether sets are fetched when they are due without a request that waits.
    pub(crate) background_refresh: bool,
    pub(crate) default_ttl: Duration,
    pub(crate) max_stale: Duration,
    pub(crate) unknown_key_interval: Duration,
    pub(crate) max_waiters: usize,
    /// Seconds.
    pub(crate) leeway: i64,
}

impl SourceSettings {
    /// Whether a source with these settings does as well as one with those. Keys to begin with are needed only once.
    pub(crate) fn amount_to(&self, other: &SourceSettings) -> bool {
        let SourceSettings {
            issuer,
            location,
            rules,
            imported: _,
            distrusted,
            background_refresh,
            default_ttl,
            max_stale,
            unknown_key_interval,
            max_waiters,
            leeway,
        } = self;
        *issuer == other.issuer
            && *location == other.location
            && *rules == other.rules
            && *distrusted == other.distrusted
            && *background_refresh == other.background_refresh
            && *default_ttl == other.default_ttl
            && *max_stale == other.max_stale
            && *unknown_key_interval == other.unknown_key_interval
            && *max_waiters == other.max_waiters
            && *leeway == other.leeway
    }
}

/// What a token's header and payload say about its key, before anything is verified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Want<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) kid: Option<&'a str>,
    /// `iat` where it can be read.
    pub(crate) issued_at: Option<i64>,
}

/// What a source says to a token.
#[derive(Debug)]
pub(crate) enum Selection {
    Key(Arc<PreparedKey>),
    /// No key of the issuer fits.
    Unknown,
    /// More than one key of the issuer fits.
    Ambiguous,
    /// The keys are not to be had before this much time has passed.
    Unavailable {
        retry_after: Duration,
    },
    /// Call [`Source::refresh`] or [`Source::start_refresh`] with this, then select again with it.
    NeedKeys(KeyRequest),
}

/// The keys of one authorization server.
pub(crate) struct Source {
    /// No other source of the process has it.
    id: usize,
    settings: SourceSettings,
    discovery: Option<Discovery>,
    distrust: DistrustList,
    /// Why the keys of the snapshot are not used.
    import_problem: Option<&'static str>,
    flights: Flights<Source>,
}

impl Source {
    /// Does no IO and starts no thread.
    pub(crate) fn new(
        settings: SourceSettings,
        distrust: Distrust,
        fetch: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
    ) -> Arc<Source> {
        Source::build(settings, distrust, fetch, clock, &SLOTS, Threads::OfTheProcess)
    }

    fn build(
        mut settings: SourceSettings,
        distrust: Distrust,
        fetch: Arc<dyn Fetch>,
        clock: Arc<dyn Clock>,
        slots: &'static Slots,
        threads: Threads,
    ) -> Arc<Source> {
        let discovery = match &settings.location {
            KeyLocation::Discovery { url, issuer } => Some(Discovery::new(url.clone(), issuer.clone())),
            KeyLocation::Static(_) | KeyLocation::Uri(_) => None,
        };
        let distrust = DistrustList::of(distrust.and(settings.distrusted.iter().cloned()));
        let imported = settings.imported.take();
        Arc::new_cyclic(|me| {
            let flights = Flights {
                fetch,
                clock,
                threads,
                slots,
                background: settings.background_refresh,
                per_process: ArcSwap::from_pointee(PerProcess::new(
                    Attempts::new(settings.unknown_key_interval),
                    None,
                )),
                me: me.clone(),
            };
            let mut source = Source {
                id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
                settings,
                discovery,
                distrust,
                import_problem: None,
                flights,
            };
            source.import_problem = imported.and_then(|imported| source.put_imported_keys(imported).err());
            source.put_configured_keys();
            source
        })
    }

    /// See [`KeyRequest::source`].
    pub(crate) fn id(&self) -> usize {
        self.id
    }

    /// What it goes by.
    pub(crate) fn settings(&self) -> &SourceSettings {
        &self.settings
    }

    /// The keys that it does not trust now.
    pub(crate) fn distrusted(&self) -> Distrust {
        self.distrust.now()
    }

    /// Whether [`Source::pin`] put keys in the place of its own.
    pub(crate) fn is_pinned(&self) -> bool {
        self.here().held.load().as_ref().is_some_and(|held| held.standing == Standing::Pinned)
    }

    /// The key for a token, or what to do without one. Never blocks and does no IO; may start a fetch in the
    /// background. After a wait, `done` is the request that was waited for, and the answer is never
    /// [`Selection::NeedKeys`].
    pub(crate) fn select(&self, want: &Want<'_>, done: Option<&KeyRequest>) -> Selection {
        if self.distrust.names(want.kid) {
            return Selection::Unknown;
        }
        // While the set is fresh not even the process matters, and asking for it is a system call.
        let ready = match &*self.flights.per_process.load().held.load() {
            Some(held) if held.standing.is_fixed() => return selection(&held.keys, want),
            Some(held) => {
                let now = self.flights.clock.boot();
                match answer(&held.keys, want) {
                    Some(selection) if held.is_fresh(now) => return selection,
                    answer => answer.filter(|_| held.is_usable(now)),
                }
            }
            None => None,
        };
        let (here, now) = (self.here(), self.flights.clock.boot());
        let records = match ready {
            // A key that is held is used without waiting for a lock.
            Some(selection) => match here.records.try_lock() {
                Some(records) => records,
                None => return selection,
            },
            None => here.records.lock(),
        };
        self.decide(&here, records, now, want, done)
    }

    /// What [`Source::select`] says to a request that has not waited, and nothing else: no fetch is started, and nobody counts
    /// as one who waits. Where that request would fetch though held keys would do, it says what they say.
    pub(crate) fn foresee(&self, want: &Want<'_>) -> Selection {
        if self.distrust.names(want.kid) {
            return Selection::Unknown;
        }
        let (here, now) = (self.here(), self.flights.clock.boot());
        let records = here.records.lock();
        let held = here.held.load_full();
        let state = self.state(&here, held.as_deref(), &records.attempts);
        match plan::plan(&state, now, &wanted(held.as_deref(), want)).answer {
            Answer::Use | Answer::Fetch(Purpose::Idle | Purpose::Due) => {
                held.map_or(Selection::Unknown, |held| selection(&held.keys, want))
            }
            Answer::UnknownKey => Selection::Unknown,
            Answer::Unavailable(retry_after) => Selection::Unavailable { retry_after },
            Answer::Fetch(purpose) => Selection::NeedKeys(KeyRequest {
                _place: None,
                ..self.request(&here, &records.attempts, purpose, now)
            }),
        }
    }

    /// Fetches the keys that a request needs, or waits for the fetch that runs. Blocks for at most
    /// [`KeyRequest::longest_wait`]; returns at once if the held set has changed since, and with an error if no fetch
    /// may start now.
    pub(crate) fn refresh(&self, wanted: &KeyRequest) -> Result<(), FetchError> {
        let here = Guard::into_inner(self.here());
        let wait = |flight: &Flight| {
            let until = flight.deadline.min(self.flights.clock.boot() + wanted.longest_wait);
            self.wait(&here, flight, until)
        };
        match self.board_for(&here, wanted) {
            Boarding::NotNeeded => Ok(()),
            Boarding::Refused(error) => Err(error),
            Boarding::Joins(flight) => wait(&flight),
            Boarding::Leads(flight, slot) if self.flies_here(wanted.purpose) => {
                self.fly(&here, flight, slot);
                here.outcome(&flight)
            }
            Boarding::Leads(flight, slot) => {
                self.launch(&here, flight, slot);
                wait(&flight)
            }
        }
    }

    /// [`Source::refresh`] on a thread of our own. Never blocks.
    pub(crate) fn start_refresh(&self, wanted: &KeyRequest) {
        let here = Guard::into_inner(self.here());
        if let Boarding::Leads(flight, slot) = self.board_for(&here, wanted) {
            self.launch(&here, flight, slot);
        }
    }

    /// A signature was bad under a held key. Some issuers reuse a `kid`, so this may spend the budget for unknown kids
    /// on a fetch in the background; nobody waits for it.
    pub(crate) fn bad_signature(&self, want: &Want<'_>) {
        if want.kid.is_some() && self.settings.background_refresh {
            self.start(&self.here(), Purpose::UnknownKid);
        }
    }

    /// Has keys before the first request. Blocks for one fetch at most; does nothing where usable keys are held.
    pub(crate) fn warm_up(&self) -> Result<(), FetchError> {
        let request = {
            let here = self.here();
            let records = here.records.lock();
            let held = here.held.load_full();
            let now = self.flights.clock.boot();
            if self.state(&here, held.as_deref(), &records.attempts).phase(now).is_usable() {
                return Ok(());
            }
            KeyRequest { _place: None, ..self.request(&here, &records.attempts, Purpose::Cold, now) }
        };
        self.refresh(&request)
    }

    /// Plans for a token that the held set did not answer at once.
    fn decide(
        &self,
        here: &Arc<PerProcess<Source>>,
        mut records: MutexGuard<'_, Records<Memory>>,
        now: Duration,
        want: &Want<'_>,
        done: Option<&KeyRequest>,
    ) -> Selection {
        let held = here.held.load_full();
        let state = self.state(here, held.as_deref(), &records.attempts);
        let wanted = wanted(held.as_deref(), want);
        let Plan { answer, background } = match done {
            None => plan::plan(&state, now, &wanted),
            Some(request) => {
                let is_proof = request.source == self.id && request.is_proof(held.as_deref());
                plan::plan_after(&state, now, &wanted, is_proof)
            }
        };
        let selection = match answer {
            Answer::Use => held.map_or(Selection::Unknown, |held| selection(&held.keys, want)),
            Answer::UnknownKey => Selection::Unknown,
            Answer::Unavailable(retry_after) => Selection::Unavailable { retry_after },
            Answer::Fetch(purpose) => {
                if matches!(purpose, Purpose::Idle | Purpose::Due) {
                    records.attempts.claim_wait(now);
                }
                Selection::NeedKeys(self.request(here, &records.attempts, purpose, now))
            }
        };
        drop(records);
        match background {
            Some(Purpose::UnknownKid) => self.start(here, Purpose::UnknownKid),
            Some(_) => self.watch(),
            None => {}
        }
        selection
    }

    /// See [`Fetched::board`]: not where the set has changed since the request came.
    fn board_for(&self, here: &PerProcess<Source>, wanted: &KeyRequest) -> Boarding {
        self.board(here, wanted.purpose, |held| {
            self.is_wanted(held) && held.map_or(0, |held| held.generation) == wanted.generation
        })
    }

    /// Whether the request that starts a fetch runs it itself.
    fn flies_here(&self, purpose: Purpose) -> bool {
        purpose == Purpose::Cold || !self.settings.background_refresh
    }

    /// See [`State::seen_until`](plan::State). Not known once the wall clock was set back: a token that is issued now then
    /// looks older than the set.
    fn seen_until(&self, held: &Held) -> Option<i64> {
        let (began, now) = (held.began_wall?, self.flights.clock.wall()?);
        let passed = i64::try_from(held.validity.age(self.flights.clock.boot()).as_secs()).ok()?;
        let set_back = began.checked_add(passed)?.checked_sub(now)?;
        if set_back > ROUNDING { None } else { began.checked_sub(self.settings.leeway) }
    }

    /// The caller holds the lock of the records, so that the count of those who wait never passes its bound.
    fn request(
        &self,
        here: &PerProcess<Source>,
        attempts: &Attempts,
        purpose: Purpose,
        now: Duration,
    ) -> KeyRequest {
        let timeout = self.timeout(purpose);
        let fetch_ends = attempts.flight(now).map_or(timeout, |flight| flight.deadline.saturating_sub(now));
        KeyRequest {
            source: self.id,
            generation: here.held.load().as_ref().map_or(0, |held| held.generation),
            purpose,
            asked: now,
            longest_wait: if purpose == Purpose::Cold { fetch_ends } else { fetch_ends.min(SHORT_WAIT) },
            _place: Some(here.waiting.enter(purpose)),
        }
    }
}

/// What a token asks of the held set.
fn wanted(held: Option<&Held>, want: &Want<'_>) -> Wanted {
    let lookup = held.map_or(Lookup::Unknown, |held| held.lookup(want.algorithm, want.kid));
    Wanted { lookup, issued_at: want.issued_at }
}

/// What the set says to a token, if it has something to say: a key, that several fit, or whatever it holds for a token
/// without `kid`.
fn answer(keys: &KeySet, want: &Want<'_>) -> Option<Selection> {
    match selection(keys, want) {
        Selection::Unknown if want.kid.is_some() => None,
        answer => Some(answer),
    }
}

fn selection(keys: &KeySet, want: &Want<'_>) -> Selection {
    match keys.select(want.algorithm, want.kid) {
        Selected::One(key) => Selection::Key(key.clone()),
        Selected::None => Selection::Unknown,
        Selected::Ambiguous => Selection::Ambiguous,
    }
}

/// [`Source::warm_up`] for all sources, as many at a time as may fetch, or one after the other where no thread is to be
/// started. The issuers whose keys could not be had.
pub(crate) fn warm_up(sources: &[Arc<Source>]) -> Vec<(String, FetchError)> {
    let next = AtomicUsize::new(0);
    let work = || {
        let turns = std::iter::from_fn(|| {
            let place = next.fetch_add(1, Ordering::Relaxed);
            sources.get(place).map(|source| (place, source))
        });
        turns.filter_map(|(place, source)| Some((place, source, source.warm_up().err()?))).collect::<Vec<_>>()
    };
    let mut failed = thread::scope(|scope| {
        // Where no thread can be had, this one does it all.
        let start =
            |_| thread::Builder::new().name("scopegate-warm-up".to_owned()).spawn_scoped(scope, work).ok();
        let threads = sources.iter().all(|source| source.settings.background_refresh);
        let most = sources.first().filter(|_| threads).map_or(1, |source| source.flights.slots.most());
        let helpers: Vec<_> = (1..most.min(sources.len())).map_while(start).collect();
        let mut failed = work();
        let results =
            helpers.into_iter().map(|helper| helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        failed.extend(results.flatten());
        failed
    });
    failed.sort_by_key(|(place, _, _)| *place);
    failed.into_iter().map(|(_, source, error)| (source.settings.issuer.clone(), error)).collect()
}

/// The clock that sources go by was moved.
#[cfg(feature = "testing")]
pub(crate) fn look_again() {
    super::scheduler::forget();
}

/// How long after a good fetch began the next one is due, drawn as for a set of this ttl.
#[cfg(feature = "testing")]
pub(crate) fn refresh_age(ttl: Duration) -> Duration {
    plan::Validity::new(Duration::ZERO, Some(ttl), ttl, ttl, draw()).refresh_age
}
