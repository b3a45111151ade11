//! The table of states cell by cell, then what holds whatever happens.

mod table;

use proptest::prelude::*;

use super::*;
use crate::keys::attempts::Flight;

const TTL: Duration = Duration::from_secs(600);
const MAX_STALE: Duration = Duration::from_secs(86_400);
const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(5);

/// When the held set's fetch began.
const BEGAN: Duration = Duration::from_secs(1_000_000);

const KNOWN: Wanted = Wanted { lookup: Lookup::Held, issued_at: None };
const WITHOUT_KID: Wanted = Wanted { lookup: Lookup::WithoutKid, issued_at: None };
const UNKNOWN: Wanted = Wanted { lookup: Lookup::Unknown, issued_at: None };

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A source at one moment.
#[derive(Clone)]
struct Scene {
    held: Option<Validity>,
    standing: Standing,
    background: bool,
    attempts: Attempts,
    slot_free: bool,
    waiting: usize,
    waiting_for_unknown: usize,
    seen_until: Option<i64>,
    now: Duration,
}

impl Scene {
    fn cold() -> Scene {
        Scene {
            held: None,
            standing: Standing::Fetched,
            background: true,
            attempts: Attempts::new(INTERVAL),
            slot_free: true,
            waiting: 0,
            waiting_for_unknown: 0,
            seen_until: None,
            now: BEGAN,
        }
    }

    /// A set of this age, whose refresh point is at 0.8 ttl.
    fn aged(age: Duration) -> Scene {
        let held = Validity::new(BEGAN, Some(TTL), TTL, MAX_STALE, 0.5);
        Scene { held: Some(held), now: BEGAN + age, ..Scene::cold() }
    }

    fn fresh() -> Scene {
        Scene::aged(seconds(100))
    }

    fn due() -> Scene {
        Scene::aged(seconds(480))
    }

    /// Overdue, and the background has tried.
    fn overdue() -> Scene {
        Scene::aged(seconds(700)).after_a_failure_at(seconds(600))
    }

    fn idle() -> Scene {
        Scene::aged(TTL * 2)
    }

    fn expired() -> Scene {
        Scene::aged(MAX_STALE)
    }

    fn closed() -> Scene {
        Scene { standing: Standing::Closed, ..Scene::fresh() }
    }

    /// A fetch failed at this age of the set; its backoff is over by [`seconds`] 2 later.
    fn after_a_failure_at(mut self, age: Duration) -> Scene {
        self.attempts.begin(BEGAN + age, TIMEOUT, Purpose::Due);
        self.attempts.fail(BEGAN + age, None, 1.0);
        self
    }

    fn in_flight(mut self) -> Scene {
        self.attempts.begin(self.now, TIMEOUT, Purpose::Due);
        self
    }

    fn in_backoff(mut self) -> Scene {
        self.attempts.begin(self.now, TIMEOUT, Purpose::Due);
        self.attempts.fail(self.now, None, 1.0);
        self
    }

    fn without_budget(mut self) -> Scene {
        self.attempts.begin(self.now - seconds(10), TIMEOUT, Purpose::UnknownKid);
        self.attempts.succeed();
        self
    }

    fn at_the_cap(mut self) -> Scene {
        for start in 0..8 {
            self.attempts.begin(self.now - seconds(16 - start), TIMEOUT, Purpose::Due);
            self.attempts.succeed();
        }
        self
    }

    fn without_slot(self) -> Scene {
        Scene { slot_free: false, ..self }
    }

    fn with_waiters(self, waiting: usize, waiting_for_unknown: usize) -> Scene {
        Scene { waiting, waiting_for_unknown, ..self }
    }

    fn state(&self) -> State<'_> {
        State {
            held: self.held,
            standing: self.standing,
            background: self.background,
            attempts: &self.attempts,
            slot_free: self.slot_free,
            waiting: self.waiting,
            waiting_for_unknown: self.waiting_for_unknown,
            max_waiters: 64,
            seen_until: self.seen_until,
        }
    }

    fn phase(&self) -> Phase {
        self.state().phase(self.now)
    }

    fn plan(&self, wanted: &Wanted) -> Plan {
        plan(&self.state(), self.now, wanted)
    }

    fn answer(&self, wanted: &Wanted) -> Answer {
        self.plan(wanted).answer
    }

    fn next_fetch(&self) -> Option<Duration> {
        next_fetch(&self.state(), self.now).map(|at| at.saturating_sub(self.now))
    }
}

#[test]
fn a_set_passes_through_its_phases() {
    for (scene, phase) in [
        (Scene::cold(), Phase::Cold),
        (Scene::aged(Duration::ZERO), Phase::Fresh),
        (Scene::aged(seconds(479)), Phase::Fresh),
        (Scene::aged(seconds(480)), Phase::Due),
        (Scene::aged(seconds(599)), Phase::Due),
        (Scene::aged(seconds(600)), Phase::Overdue),
        (Scene::aged(seconds(1199)), Phase::Overdue),
        (Scene::aged(seconds(1200)), Phase::Idle),
        (Scene::aged(seconds(1200)).after_a_failure_at(seconds(600)), Phase::Overdue),
        (Scene::aged(seconds(1200)).after_a_failure_at(seconds(599)), Phase::Idle),
        (Scene::aged(seconds(86_399)), Phase::Idle),
        (Scene::aged(seconds(86_400)), Phase::Expired),
        (Scene::closed(), Phase::Closed),
    ] {
        assert_eq!(scene.phase(), phase);
    }
}

#[test]
fn ttl_is_bounded_and_the_refresh_point_lies_within_it() {
    for (lifetime, default_ttl, ttl) in [
        (Some(0), 600, 300),
        (Some(700), 600, 700),
        (Some(1 << 40), 600, 3600),
        (None, 600, 600),
        (None, 900, 900),
    ] {
        let held = Validity::new(BEGAN, lifetime.map(seconds), seconds(default_ttl), MAX_STALE, 0.0);
        assert_eq!(held.ttl, seconds(ttl));
        assert_eq!(held.refresh_age, seconds(ttl).mul_f64(0.7));
        let latest = Validity::new(BEGAN, lifetime.map(seconds), seconds(default_ttl), MAX_STALE, 1.0);
        assert_eq!(latest.refresh_age, seconds(ttl).mul_f64(0.9));
    }
}

#[test]
fn without_max_stale_a_set_expires_with_its_ttl() {
    let held = Validity::new(BEGAN, Some(TTL), TTL, Duration::ZERO, 0.5);
    let scene = Scene { held: Some(held), ..Scene::aged(TTL) };
    assert_eq!(scene.phase(), Phase::Expired);
    assert_eq!(Scene { now: scene.now - seconds(1), ..scene }.phase(), Phase::Due);
}

#[test]
fn cold_starts_or_joins_a_fetch() {
    for wanted in [KNOWN, WITHOUT_KID, UNKNOWN] {
        assert_eq!(Scene::cold().answer(&wanted), Answer::Fetch(Purpose::Cold));
        assert_eq!(Scene::cold().in_flight().answer(&wanted), Answer::Fetch(Purpose::Cold));
        assert_eq!(Scene::cold().without_slot().in_flight().answer(&wanted), Answer::Fetch(Purpose::Cold));
    }
}

#[test]
fn cold_is_unavailable_at_once_when_no_fetch_may_start() {
    assert_eq!(Scene::cold().in_backoff().answer(&UNKNOWN), Answer::Unavailable(seconds(1)));
    assert_eq!(Scene::cold().at_the_cap().answer(&UNKNOWN), Answer::Unavailable(seconds(44)));
    assert_eq!(Scene::cold().without_slot().answer(&UNKNOWN), Answer::Unavailable(SOON));
    assert_eq!(Scene::cold().with_waiters(64, 0).answer(&UNKNOWN), Answer::Unavailable(SOON));
    assert_eq!(Scene::cold().in_flight().with_waiters(64, 0).answer(&UNKNOWN), Answer::Unavailable(SOON));
}

#[test]
fn cold_is_retried_in_the_background_only_after_a_request() {
    assert_eq!(Scene::cold().next_fetch(), None);
    assert_eq!(Scene::cold().in_backoff().next_fetch(), Some(seconds(1)));
}

#[test]
fn fresh_is_used_and_left_alone() {
    for wanted in [KNOWN, WITHOUT_KID] {
        assert_eq!(Scene::fresh().plan(&wanted), Plan { answer: Answer::Use, background: None });
    }
    assert_eq!(Scene::fresh().answer(&UNKNOWN), Answer::Fetch(Purpose::UnknownKid));
    assert_eq!(Scene::fresh().next_fetch(), Some(seconds(380)));
}

#[test]
fn due_is_used_and_fetched_in_the_background() {
    for wanted in [KNOWN, WITHOUT_KID] {
        assert_eq!(Scene::due().plan(&wanted), Plan { answer: Answer::Use, background: Some(Purpose::Due) });
    }
    assert_eq!(Scene::due().answer(&UNKNOWN), Answer::Fetch(Purpose::UnknownKid));
    assert_eq!(Scene::due().next_fetch(), Some(Duration::ZERO));
}

#[test]
fn overdue_is_used_and_fetched_with_backoff() {
    let degraded = Scene::overdue();
    assert_eq!(degraded.plan(&KNOWN), Plan { answer: Answer::Use, background: Some(Purpose::Due) });
    assert!(degraded.state().is_degraded(degraded.now));
    assert!(!Scene::aged(seconds(700)).state().is_degraded(BEGAN + seconds(700)));
    let in_backoff = Scene::aged(seconds(700)).in_backoff();
    assert_eq!(in_backoff.plan(&KNOWN), Plan { answer: Answer::Use, background: None });
    assert_eq!(in_backoff.answer(&UNKNOWN), Answer::Unavailable(seconds(1)));
    assert_eq!(in_backoff.next_fetch(), Some(seconds(1)));
}

#[test]
fn idle_makes_one_request_wait_and_all_others_use_what_is_held() {
    let mut scene = Scene::idle();
    assert_eq!(scene.answer(&KNOWN), Answer::Fetch(Purpose::Idle));
    scene.attempts.claim_wait(scene.now);
    assert_eq!(scene.plan(&KNOWN), Plan { answer: Answer::Use, background: Some(Purpose::Due) });
    assert_eq!(
        Scene::idle().plan(&WITHOUT_KID),
        Plan { answer: Answer::Use, background: Some(Purpose::Due) }
    );
    assert_eq!(Scene::idle().answer(&UNKNOWN), Answer::Fetch(Purpose::UnknownKid));
    assert_eq!(Scene::idle().next_fetch(), Some(Duration::ZERO));
    for scene in [
        Scene::idle().in_flight(),
        Scene::idle().in_backoff(),
        Scene::idle().at_the_cap(),
        Scene::idle().without_slot(),
        Scene::idle().with_waiters(64, 0),
    ] {
        assert_eq!(scene.answer(&KNOWN), Answer::Use);
    }
}

#[test]
fn expired_and_closed_are_as_cold() {
    for scene in [Scene::expired(), Scene::closed()] {
        for wanted in [KNOWN, WITHOUT_KID, UNKNOWN] {
            assert_eq!(scene.answer(&wanted), Answer::Fetch(Purpose::Cold));
            assert_eq!(scene.clone().in_backoff().answer(&wanted), Answer::Unavailable(seconds(1)));
        }
        assert_eq!(scene.next_fetch(), Some(Duration::ZERO));
        assert_eq!(scene.in_backoff().next_fetch(), Some(seconds(1)));
    }
}

#[test]
fn an_unknown_kid_joins_the_fetch_that_runs() {
    for scene in [Scene::fresh().in_flight(), Scene::fresh().without_budget().in_flight().without_slot()] {
        assert_eq!(scene.answer(&UNKNOWN), Answer::Fetch(Purpose::UnknownKid));
    }
}

#[test]
fn an_unknown_kid_spends_one_fetch_in_thirty_seconds() {
    let scene = Scene::fresh().without_budget();
    assert_eq!(scene.answer(&UNKNOWN), Answer::Unavailable(seconds(20)));
    let later = Scene { now: scene.now + seconds(20), ..scene };
    assert_eq!(later.answer(&UNKNOWN), Answer::Fetch(Purpose::UnknownKid));
}

#[test]
fn without_budget_the_age_of_the_token_tells_an_unknown_key_from_a_new_one() {
    let scene = Scene { seen_until: Some(5_000), ..Scene::fresh().without_budget() };
    let issued = |at| Wanted { issued_at: Some(at), ..UNKNOWN };
    assert_eq!(scene.answer(&issued(5_000)), Answer::UnknownKey);
    assert_eq!(scene.answer(&issued(5_001)), Answer::Unavailable(seconds(20)));
    assert_eq!(scene.answer(&UNKNOWN), Answer::Unavailable(seconds(20)));
    let without_clock = Scene { seen_until: None, ..scene };
    assert_eq!(without_clock.answer(&issued(1)), Answer::Unavailable(seconds(20)));
}

#[test]
fn a_limiter_refuses_an_unknown_kid_and_makes_nobody_wait() {
    assert_eq!(Scene::fresh().in_backoff().answer(&UNKNOWN), Answer::Unavailable(seconds(1)));
    assert_eq!(Scene::fresh().at_the_cap().answer(&UNKNOWN), Answer::Unavailable(seconds(44)));
    assert_eq!(Scene::fresh().without_slot().answer(&UNKNOWN), Answer::Unavailable(SOON));
    assert_eq!(Scene::fresh().in_flight().with_waiters(8, 8).answer(&UNKNOWN), Answer::Unavailable(SOON));
    assert_eq!(Scene::fresh().with_waiters(64, 0).answer(&UNKNOWN), Answer::Unavailable(SOON));
    assert_eq!(Scene::fresh().with_waiters(7, 7).answer(&UNKNOWN), Answer::Fetch(Purpose::UnknownKid));
}

#[test]
fn a_removed_kid_is_unavailable_until_a_second_answer_lacks_it_too() {
    let scene = Scene::fresh();
    let gone = |ago: u64, confirmed| {
        let lookup = Lookup::Removed { since: scene.now - seconds(ago), confirmed };
        scene.plan(&Wanted { lookup, issued_at: Some(0) })
    };
    assert_eq!(gone(10, false), Plan { answer: Answer::Unavailable(seconds(20)), background: None });
    let confirming = Plan { answer: Answer::Unavailable(SOON), background: Some(Purpose::UnknownKid) };
    assert_eq!(gone(30, false), confirming);
    assert_eq!(gone(40, true), Plan { answer: Answer::UnknownKey, background: None });
    let wanted = Wanted {
        lookup: Lookup::Removed { since: scene.now - seconds(40), confirmed: false },
        issued_at: None,
    };
    let blocked = Scene::fresh().without_budget().plan(&wanted);
    assert_eq!(blocked, Plan { answer: Answer::Unavailable(seconds(20)), background: None });
}

#[test]
fn after_the_wait_only_a_fetch_that_began_later_proves_a_key_unknown() {
    let scene = Scene::fresh();
    let after = |proved| plan_after(&scene.state(), scene.now, &UNKNOWN, proved).answer;
    assert_eq!(after(true), Answer::UnknownKey);
    assert_eq!(after(false), Answer::Unavailable(SOON));
    let failed = Scene::fresh().in_backoff();
    let after_failure = plan_after(&failed.state(), failed.now, &UNKNOWN, false).answer;
    assert_eq!(after_failure, Answer::Unavailable(seconds(1)));
}

#[test]
fn after_the_wait_nobody_waits_again() {
    for scene in [
        Scene::cold(),
        Scene::cold().in_flight(),
        Scene::fresh(),
        Scene::due(),
        Scene::overdue(),
        Scene::idle(),
        Scene::expired(),
        Scene::closed(),
    ] {
        let usable = scene.phase().is_usable();
        for (wanted, with_keys) in
            [(KNOWN, Answer::Use), (WITHOUT_KID, Answer::Use), (UNKNOWN, Answer::UnknownKey)]
        {
            let answer = plan_after(&scene.state(), scene.now, &wanted, true).answer;
            assert_eq!(answer, if usable { with_keys } else { Answer::Unavailable(SOON) });
        }
    }
}

#[test]
fn a_fetch_that_is_a_second_past_its_deadline_no_longer_blocks() {
    let scene = Scene::fresh().in_flight();
    assert_eq!(scene.next_fetch(), Some(seconds(6)));
    let late = Scene { now: scene.now + seconds(6), ..scene.clone() };
    assert!(late.attempts.flight(late.now).is_some());
    let later = Scene { now: scene.now + seconds(7), ..scene };
    assert!(later.attempts.flight(later.now).is_none());
    assert_eq!(later.state().may_start(later.now, Purpose::Due), Ok(()));
}

/// What can happen to a source.
#[derive(Clone, Copy, Debug)]
enum Event {
    Pass(u64),
    KnownKid,
    UnknownKid,
    RemovedKid,
    WithoutKid,
    BadSignature,
    Background,
    FetchSucceeds,
    FetchFails { retry_after: Option<u64> },
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        4 => (0_u64..3_000).prop_map(Event::Pass),
        1 => (0_u64..4_000_000).prop_map(Event::Pass),
        2 => Just(Event::KnownKid),
        4 => Just(Event::UnknownKid),
        1 => Just(Event::RemovedKid),
        1 => Just(Event::WithoutKid),
        1 => Just(Event::BadSignature),
        2 => Just(Event::Background),
        2 => Just(Event::FetchSucceeds),
        2 => proptest::option::of(0_u64..400).prop_map(|retry_after| Event::FetchFails { retry_after }),
    ];
    proptest::collection::vec(event, 1..300)
}

/// A source without threads: whatever may be fetched is fetched, and ends when the events say so.
struct Simulation {
    scene: Scene,
    flight: Option<Flight>,
    starts: Vec<(Duration, Purpose)>,
    /// No fetch may start before this.
    backoff_until: Duration,
}

impl Simulation {
    fn new() -> Simulation {
        let scene = Scene { now: BEGAN, ..Scene::cold() };
        Simulation { scene, flight: None, starts: Vec::new(), backoff_until: Duration::ZERO }
    }

    fn happen(&mut self, event: Event) -> Result<(), TestCaseError> {
        let held_before = self.scene.held;
        match event {
            Event::Pass(milliseconds) => self.scene.now += Duration::from_millis(milliseconds),
            Event::KnownKid => self.request(&KNOWN)?,
            Event::UnknownKid => self.request(&UNKNOWN)?,
            Event::RemovedKid => {
                let lookup = Lookup::Removed { since: BEGAN, confirmed: false };
                self.request(&Wanted { lookup, issued_at: None })?;
            }
            Event::WithoutKid => self.request(&WITHOUT_KID)?,
            Event::BadSignature => self.start(Purpose::UnknownKid)?,
            Event::Background => {
                if next_fetch(&self.scene.state(), self.scene.now).is_some_and(|at| at <= self.scene.now) {
                    self.start(Purpose::Due)?;
                }
            }
            Event::FetchSucceeds => {
                if let Some(flight) = self.landed() {
                    self.scene.attempts.succeed();
                    self.scene.held = Some(Validity::new(flight.began, Some(TTL), TTL, MAX_STALE, 0.5));
                    self.backoff_until = Duration::ZERO;
                    return Ok(());
                }
            }
            Event::FetchFails { retry_after } => {
                if self.landed().is_some() {
                    self.scene.attempts.fail(self.scene.now, retry_after.map(seconds), 0.0);
                    let asked_for = retry_after.map_or(Duration::ZERO, seconds).min(seconds(300));
                    self.backoff_until = self.scene.now + asked_for.max(Duration::from_millis(800));
                }
            }
        }
        prop_assert_eq!(self.scene.held, held_before, "only a good fetch changes the set");
        Ok(())
    }

    fn landed(&mut self) -> Option<Flight> {
        self.flight.take().filter(|flight| self.scene.attempts.is_current(flight))
    }

    fn request(&mut self, wanted: &Wanted) -> Result<(), TestCaseError> {
        let phase = self.scene.phase();
        let Plan { answer, background } = self.scene.plan(wanted);
        let known = matches!(wanted.lookup, Lookup::Held | Lookup::WithoutKid);
        if phase.is_usable() && known && answer != Answer::Use {
            prop_assert_eq!(
                (answer, phase),
                (Answer::Fetch(Purpose::Idle), Phase::Idle),
                "a known kid waits"
            );
        }
        if !phase.is_usable() {
            prop_assert!(
                matches!(answer, Answer::Fetch(Purpose::Cold) | Answer::Unavailable(_)),
                "{:?}",
                answer
            );
        }
        if let Answer::Unavailable(wait) = answer {
            prop_assert!(!wait.is_zero() && wait <= seconds(300), "{:?}", wait);
        }
        match answer {
            Answer::Fetch(purpose) => {
                if purpose == Purpose::Idle {
                    self.scene.attempts.claim_wait(self.scene.now);
                }
                self.start(purpose)?;
            }
            _ => background.map_or(Ok(()), |purpose| self.start(purpose))?,
        }
        Ok(())
    }

    /// What a source does under its lock.
    fn start(&mut self, purpose: Purpose) -> Result<(), TestCaseError> {
        let now = self.scene.now;
        if self.scene.attempts.flight(now).is_some() || self.scene.attempts.may_start(now, purpose).is_err() {
            return Ok(());
        }
        if let Some(running) = self.flight {
            prop_assert!(now > running.deadline + seconds(1), "two fetches at once");
        }
        prop_assert!(now >= self.backoff_until, "a fetch in the backoff");
        self.flight = Some(self.scene.attempts.begin(now, TIMEOUT, purpose));
        self.starts.push((now, purpose));
        Ok(())
    }

    fn starts_within(&self, window: Duration, counts: impl Fn(Purpose) -> bool) -> usize {
        let starts: Vec<_> =
            self.starts.iter().filter(|(_, purpose)| counts(*purpose)).map(|(at, _)| *at).collect();
        let within =
            |first: &Duration| starts.iter().filter(|at| **at >= *first && **at < *first + window).count();
        starts.iter().map(within).max().unwrap_or(0)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_budgets_hold_and_known_kids_do_not_wait(events in events()) {
        let mut simulation = Simulation::new();
        for event in events {
            simulation.happen(event)?;
        }
        prop_assert!(simulation.starts_within(seconds(60), |_| true) <= 8);
        prop_assert!(simulation.starts_within(INTERVAL, |purpose| purpose == Purpose::UnknownKid) <= 1);
    }
}
