//! The fetches of one source in one process: the one that runs, backoff, budget and cap.
//!
//! Plain bookkeeping on boot times, without locks and clocks.

use std::collections::VecDeque;
use std::time::Duration;

use super::plan::{CONFIRMATION, Purpose, SHORT_WAIT};

/// At most this many fetches start in any [`CAP_WINDOW`], whoever asks.
const CAP: usize = 8;
const CAP_WINDOW: Duration = Duration::from_secs(60);

const FIRST_BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// How long past its deadline a fetch is waited for before another may start.
const PATIENCE: Duration = Duration::from_secs(1);

/// A fetch that runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Flight {
    pub(crate) id: u64,
    pub(crate) began: Duration,
    pub(crate) deadline: Duration,
}

impl Flight {
    /// From when on another may start.
    pub(crate) fn overdue_at(&self) -> Duration {
        self.deadline + PATIENCE
    }
}

/// Why no fetch may start now, and for how long.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Blocked {
    Backoff(Duration),
    Cap(Duration),
    Budget(Duration),
}

impl Blocked {
    pub(crate) fn is_backoff(self) -> bool {
        matches!(self, Blocked::Backoff(_))
    }

    pub(crate) fn wait(self) -> Duration {
        match self {
            Blocked::Backoff(wait) | Blocked::Cap(wait) | Blocked::Budget(wait) => wait,
        }
    }
}

/// The bookkeeping.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts {
    unknown_key_interval: Duration,
    flight: Option<Flight>,
    last_id: u64,
    /// The last starts, the oldest first.
    starts: VecDeque<Duration>,
    /// When the budget for unknown kids was last spent.
    unknown_key_spent: Option<Duration>,
    /// Failures since the last good fetch.
    failures: u32,
    /// The end of the backoff.
    retry_at: Option<Duration>,
    /// When the one request that waits while usable keys are held was picked.
    wait_claimed: Option<Duration>,
    /// The first answer without a usable key since the last good fetch.
    keyless_since: Option<Duration>,
}

impl Attempts {
    pub(crate) fn new(unknown_key_interval: Duration) -> Attempts {
        Attempts { unknown_key_interval, ..Attempts::default() }
    }

    /// The fetch that runs, unless it is so late that another may start.
    pub(crate) fn flight(&self, now: Duration) -> Option<&Flight> {
        self.flight.as_ref().filter(|flight| now <= flight.overdue_at())
    }

    /// Whether this is still the fetch whose result counts.
    pub(crate) fn is_current(&self, flight: &Flight) -> bool {
        self.flight.as_ref().is_some_and(|current| current.id == flight.id)
    }

    pub(crate) fn last_started(&self) -> Option<Duration> {
        self.starts.back().copied()
    }

    /// Failures since the last good fetch.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Backoff, budget and cap; not whether a fetch runs already.
    pub(crate) fn may_start(&self, now: Duration, purpose: Purpose) -> Result<(), Blocked> {
        let left = |until: Duration| Some(until.saturating_sub(now)).filter(|left| !left.is_zero());
        if let Some(wait) = self.retry_at.and_then(left) {
            return Err(Blocked::Backoff(wait));
        }
        let budget = self.unknown_key_spent.filter(|_| purpose == Purpose::UnknownKid);
        if let Some(wait) = budget.and_then(|spent| left(spent + self.unknown_key_interval)) {
            return Err(Blocked::Budget(wait));
        }
        let oldest_that_counts = self.starts.len().checked_sub(CAP).and_then(|index| self.starts.get(index));
        if let Some(wait) = oldest_that_counts.and_then(|start| left(*start + CAP_WINDOW)) {
            return Err(Blocked::Cap(wait));
        }
        Ok(())
    }

    /// Starts a fetch: the caller has seen that none runs and that one may start.
    pub(crate) fn begin(&mut self, now: Duration, timeout: Duration, purpose: Purpose) -> Flight {
        self.last_id += 1;
        if purpose == Purpose::UnknownKid {
            self.unknown_key_spent = Some(now);
        }
        self.starts.push_back(now);
        while self.starts.len() > CAP {
            self.starts.pop_front();
        }
        let flight = Flight { id: self.last_id, began: now, deadline: now + timeout };
        self.flight = Some(flight);
        flight
    }

    /// The running fetch brought keys, or that they have not changed.
    pub(crate) fn succeed(&mut self) {
        self.flight = None;
        self.failures = 0;
        self.retry_at = None;
        self.keyless_since = None;
    }

    /// The running fetch failed. `draw` is uniform in 0..1.
    pub(crate) fn fail(&mut self, now: Duration, retry_after: Option<Duration>, draw: f64) {
        self.flight = None;
        let doubled = FIRST_BACKOFF * 2_u32.pow(self.failures.min(6));
        let backoff = doubled.min(LONGEST_BACKOFF).mul_f64(0.8 + 0.2 * draw);
        let asked_for = retry_after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
        self.retry_at = Some(now + backoff.max(asked_for));
        self.failures = self.failures.saturating_add(1);
    }

    /// Notes an answer without a usable key, of a fetch that began then. Whether it is the second one, so that the
    /// issuer must be believed.
    pub(crate) fn note_keyless(&mut self, began: Duration) -> bool {
        let first = *self.keyless_since.get_or_insert(began);
        began >= first + CONFIRMATION
    }

    /// Whether a request was picked to wait while usable keys are held, and may still wait.
    pub(crate) fn wait_is_claimed(&self, now: Duration) -> bool {
        self.wait_claimed.is_some_and(|claimed| now <= claimed + SHORT_WAIT)
    }

    pub(crate) fn claim_wait(&mut self, now: Duration) {
        self.wait_claimed = Some(now);
    }

    /// The running fetch no longer counts, whatever it brings.
    pub(crate) fn discard_flight(&mut self) {
        self.flight = None;
    }

    /// How many fetches may still start in the present [`CAP_WINDOW`].
    pub(crate) fn starts_left(&self, now: Duration) -> usize {
        CAP.saturating_sub(self.starts.iter().filter(|start| now < **start + CAP_WINDOW).count())
    }

    /// How long until the budget for unknown kids allows a fetch.
    pub(crate) fn budget_wait(&self, now: Duration) -> Duration {
        let full_at = self.unknown_key_spent.map(|spent| spent + self.unknown_key_interval);
        full_at.unwrap_or_default().saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// How long a fetch that fails now keeps others from starting.
    fn backoff_after(attempts: &mut Attempts, retry_after: Option<u64>, draw: f64) -> Duration {
        attempts.begin(seconds(1000), seconds(5), Purpose::Due);
        attempts.fail(seconds(1000), retry_after.map(seconds), draw);
        match attempts.may_start(seconds(1000), Purpose::Due) {
            Err(Blocked::Backoff(wait)) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn backoff_doubles_to_a_minute() {
        let mut attempts = Attempts::new(seconds(30));
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(backoff_after(&mut attempts, None, 1.0), seconds(expected));
        }
        assert_eq!(backoff_after(&mut attempts, None, 0.0), seconds(48));
        attempts.succeed();
        assert_eq!(backoff_after(&mut attempts, None, 0.5), Duration::from_millis(900));
    }

    #[test]
    fn retry_after_is_honoured_to_five_minutes() {
        assert_eq!(backoff_after(&mut Attempts::new(seconds(30)), Some(120), 1.0), seconds(120));
        assert_eq!(backoff_after(&mut Attempts::new(seconds(30)), Some(86_400), 1.0), seconds(300));
        assert_eq!(backoff_after(&mut Attempts::new(seconds(30)), Some(0), 1.0), seconds(1));
    }

    #[test]
    fn the_ninth_start_waits_until_the_first_is_a_minute_old() {
        let mut attempts = Attempts::new(seconds(30));
        for start in 0..8 {
            assert_eq!(attempts.may_start(seconds(start), Purpose::Due), Ok(()));
            attempts.begin(seconds(start), seconds(5), Purpose::Due);
            attempts.succeed();
        }
        assert_eq!(attempts.may_start(seconds(20), Purpose::Due), Err(Blocked::Cap(seconds(40))));
        assert_eq!(attempts.may_start(seconds(60), Purpose::Due), Ok(()));
        attempts.begin(seconds(60), seconds(5), Purpose::Due);
        assert_eq!(attempts.may_start(seconds(60), Purpose::Due), Err(Blocked::Cap(seconds(1))));
    }

    #[test]
    fn a_scheduled_fetch_leaves_the_budget_alone() {
        let mut attempts = Attempts::new(seconds(30));
        attempts.begin(seconds(0), seconds(5), Purpose::Due);
        attempts.succeed();
        assert_eq!(attempts.may_start(seconds(1), Purpose::UnknownKid), Ok(()));
        attempts.begin(seconds(1), seconds(5), Purpose::UnknownKid);
        attempts.succeed();
        assert_eq!(attempts.may_start(seconds(2), Purpose::Due), Ok(()));
        assert_eq!(attempts.may_start(seconds(2), Purpose::UnknownKid), Err(Blocked::Budget(seconds(29))));
    }

    #[test]
    fn an_overtaken_fetch_no_longer_counts() {
        let mut attempts = Attempts::new(seconds(30));
        let first = attempts.begin(seconds(0), seconds(5), Purpose::Due);
        assert!(attempts.flight(seconds(6)).is_some());
        assert!(attempts.flight(seconds(7)).is_none());
        let second = attempts.begin(seconds(7), seconds(5), Purpose::Due);
        assert!(!attempts.is_current(&first) && attempts.is_current(&second));
    }

    #[test]
    fn two_answers_without_keys_thirty_seconds_apart_are_believed() {
        let mut attempts = Attempts::new(seconds(30));
        assert!(!attempts.note_keyless(seconds(100)));
        assert!(!attempts.note_keyless(seconds(129)));
        assert!(attempts.note_keyless(seconds(130)));
        attempts.succeed();
        assert!(!attempts.note_keyless(seconds(200)));
    }
}
