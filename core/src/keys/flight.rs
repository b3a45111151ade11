//! One fetch at a time of whatever is fetched, kept and fetched again before it is too old: who starts it, who waits for
//! it, and how its result is taken in.

mod process;
mod threads;

use std::process::id as this_process;
use std::sync::{Arc, Weak};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};

pub(crate) use self::process::{PerProcess, Records};
pub(crate) use self::threads::Threads;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use self::threads::Work;
use super::attempts::{Attempts, Flight};
use super::exchange::Exchange;
use super::plan::{self, Purpose, SOON, State, Validity};
use super::scheduler::{self, Scheduled, Slot, Slots};
use crate::clock::Clock;
use crate::fetch::{Fetch, FetchError, FetchStep};

/// What the fetches of one thing have to do with.
pub(crate) struct Flights<T: Fetched> {
    pub(crate) fetch: Arc<dyn Fetch>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) threads: Threads,
    pub(crate) slots: &'static Slots,
    /// Whether a fetch that is due starts without anybody who asks.
    pub(crate) background: bool,
    pub(crate) per_process: ArcSwap<PerProcess<T>>,
    pub(crate) me: Weak<T>,
}

/// What the caller of a fetch is to do.
pub(crate) enum Boarding {
    /// What is held does, or is never fetched.
    NotNeeded,
    Leads(Flight, Slot),
    Joins(Flight),
    Refused(FetchError),
}

/// What is fetched: where it comes from and what a good answer means. How fetches start and end is the same for all.
pub(crate) trait Fetched: Send + Sync + Sized + 'static {
    /// What is kept. Never changed, only replaced, so readers see one whole state.
    type Held: Send + Sync;
    /// A good answer.
    type Answer;
    /// What earlier fetches found out about the way.
    type Memory: Clone + Default + Send;
    /// Who waits, where they are counted.
    type Waiting: Default + Send + Sync;

    fn flights(&self) -> &Flights<Self>;

    /// What is known now. The caller holds the lock of the records.
    fn state<'a>(
        &self,
        here: &PerProcess<Self>,
        held: Option<&Self::Held>,
        attempts: &'a Attempts,
    ) -> State<'a>;

    /// Whether a fetch that nobody waits for is of any use.
    fn is_wanted(&self, held: Option<&Self::Held>) -> bool;

    /// The IO of one fetch. Holds no lock.
    fn get(
        &self,
        flight: &Flight,
        exchange: &Exchange<'_>,
        held: Option<Arc<Self::Held>>,
        memory: &mut Self::Memory,
    ) -> Result<Self::Answer, FetchError>;

    /// Replaces or renews what is held, under the lock of the records. The name of the outcome.
    fn install(
        &self,
        here: &PerProcess<Self>,
        flight: &Flight,
        attempts: &mut Attempts,
        answer: Self::Answer,
    ) -> Result<&'static str, FetchError>;

    fn validity(held: &Self::Held) -> &Validity;

    /// What a forked child takes over.
    fn inherited(&self, held: Arc<Self::Held>) -> Arc<Self::Held> {
        held
    }

    /// The bookkeeping that a process begins with.
    fn no_attempts(&self) -> Attempts {
        Attempts::default()
    }

    /// The time for a fetch.
    fn timeout(&self, _: Purpose) -> Duration {
        self.flights().fetch.timeout()
    }

    // Nothing below is for an implementation to change.

    /// What belongs to this process; made anew in a forked child.
    fn here(&self) -> Guard<Arc<PerProcess<Self>>> {
        let (process, flights) = (this_process(), self.flights());
        let here = flights.per_process.load();
        if here.process == process {
            return here;
        }
        flights.per_process.rcu(|here| {
            if here.process == process {
                here.clone()
            } else {
                let held = here.held.load_full().map(|held| self.inherited(held));
                Arc::new(PerProcess::new(self.no_attempts(), held))
            }
        });
        flights.per_process.load()
    }

    /// Looks at the present state, under the lock.
    fn look<A>(&self, here: &PerProcess<Self>, see: impl FnOnce(&State<'_>, Duration) -> A) -> A {
        let records = here.records.lock();
        let held = here.held.load_full();
        see(&self.state(here, held.as_deref(), &records.attempts), self.flights().clock.boot())
    }

    /// How long until a fetch is due and may start; `None` when nothing is to be done before a request comes.
    fn next_fetch(&self, here: &PerProcess<Self>) -> Option<Duration> {
        self.look(here, |state, now| plan::next_fetch(state, now).map(|at| at.saturating_sub(now)))
    }

    /// Whether a fetch runs, or is due so that one is about to.
    #[cfg(feature = "testing")]
    fn is_fetching(&self) -> bool {
        self.look(&self.here(), |state, now| {
            let is_due = || self.flights().is_watched() && plan::next_fetch(state, now) == Some(now);
            state.attempts.flight(now).is_some() || is_due()
        })
    }

    /// Starts a fetch or finds the one that runs: backoff, budget, cap and slots are looked at here, under one lock, and
    /// so is whether what is held by now still wants it.
    fn board(
        &self,
        here: &PerProcess<Self>,
        purpose: Purpose,
        is_wanted: impl FnOnce(Option<&Self::Held>) -> bool,
    ) -> Boarding {
        let refused = |what| Boarding::Refused(FetchError::new(FetchStep::Start, what));
        let flights = self.flights();
        let mut records = here.records.lock();
        let now = flights.clock.boot();
        if !is_wanted(here.held.load().as_deref()) {
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
        let Some(slot) = flights.slots.take() else {
            return refused("as many fetches run as the process allows");
        };
        Boarding::Leads(records.attempts.begin(now, self.timeout(purpose), purpose), slot)
    }

    /// Starts a fetch that nobody waits for, if one may start.
    fn start(&self, here: &Arc<PerProcess<Self>>, purpose: Purpose) {
        if let Boarding::Leads(flight, slot) = self.board(here, purpose, |held| self.is_wanted(held)) {
            self.launch(here, flight, slot);
        }
    }

    /// Runs a fetch on a short-lived thread.
    fn launch(&self, here: &Arc<PerProcess<Self>>, flight: Flight, slot: Slot) {
        let Some(me) = self.flights().me.upgrade() else { return };
        let of_thread = here.clone();
        let work = move || me.fly(&of_thread, flight, slot);
        if self.flights().threads.run(work).is_err() {
            self.land(here, &flight, Err(FetchError::new(FetchStep::Start, "no thread could be started")));
        }
    }

    /// Runs a fetch on this thread.
    fn fly(&self, here: &PerProcess<Self>, flight: Flight, slot: Slot) {
        let mut landing = Landing { of: self, here, flight, outcome: None };
        landing.outcome = Some(self.fetch(here, &flight));
        drop(slot);
    }

    fn fetch(&self, here: &PerProcess<Self>, flight: &Flight) -> Result<Self::Answer, FetchError> {
        let flights = self.flights();
        let exchange = Exchange {
            fetch: &*flights.fetch,
            clock: &*flights.clock,
            lookups: &here.lookups,
            deadline: flight.deadline,
        };
        let mut memory = here.records.lock().memory.clone();
        let answer = self.get(flight, &exchange, here.held.load_full(), &mut memory);
        let mut records = here.records.lock();
        if records.attempts.is_current(flight) {
            records.memory = memory;
        }
        answer
    }

    /// Takes in the result of a fetch, if it is still the one whose result counts.
    fn land(&self, here: &PerProcess<Self>, flight: &Flight, outcome: Result<Self::Answer, FetchError>) {
        let mut records = here.records.lock();
        if records.attempts.is_current(flight) {
            let installed =
                outcome.and_then(|answer| self.install(here, flight, &mut records.attempts, answer));
            records.end(installed, self.flights().clock.boot());
        } else {
            records.count("abandoned");
        }
        drop(records);
        here.landed.notify_all();
        self.watch();
    }

    /// Waits for a fetch, until then at the most.
    fn wait(&self, here: &PerProcess<Self>, flight: &Flight, until: Duration) -> Result<(), FetchError> {
        let mut records = here.records.lock();
        while records.attempts.is_current(flight) {
            let left = until.saturating_sub(self.flights().clock.boot());
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

    /// Has fetches started when they are due, from now on.
    fn watch(&self) {
        let flights = self.flights();
        if let Some(me) = flights.me.upgrade().filter(|_| flights.is_watched()) {
            scheduler::watch(&me);
        }
    }
}

impl<T: Fetched> Scheduled for T {
    fn run_due(&self) -> Option<Duration> {
        let here = self.here();
        if self.next_fetch(&here)?.is_zero() {
            self.start(&here, Purpose::Due);
        }
        // Where no fetch could start, one could soon.
        self.next_fetch(&here).map(|wait| wait.max(SOON))
    }
}

impl<T: Fetched> Flights<T> {
    fn is_watched(&self) -> bool {
        self.background && self.threads.are_scheduled()
    }
}

impl<T: Fetched> Drop for Flights<T> {
    fn drop(&mut self) {
        if self.is_watched() {
            scheduler::forget();
        }
    }
}

/// Ends a fetch when it is dropped, so that one that panics does not block the next.
struct Landing<'a, T: Fetched> {
    of: &'a T,
    here: &'a PerProcess<T>,
    flight: Flight,
    outcome: Option<Result<T::Answer, FetchError>>,
}

impl<T: Fetched> Drop for Landing<'_, T> {
    fn drop(&mut self) {
        let panicked = || Err(FetchError::new(FetchStep::Start, "the fetch panicked"));
        let outcome = self.outcome.take().unwrap_or_else(panicked);
        self.of.land(self.here, &self.flight, outcome);
    }
}
