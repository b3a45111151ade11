//! Outages, floods and rotations in scripted time, and the figures that the source must keep.

use super::*;
use crate::keys::draw::SCRIPTED_DRAWS;

/// A world whose time passes in steps of a tenth of a second, its scheduler's fetches among them.
struct Run {
    world: World,
    flights: Arc<Mutex<Vec<Work>>>,
    /// When fetches ended, since the run began.
    fetched: Vec<Duration>,
    began: Duration,
}

const STEP: Duration = Duration::from_millis(100);

impl Run {
    fn new() -> Run {
        let (world, flights) = World::by_hand(slots(), |_| {});
        let began = world.clock.boot();
        Run { world, flights, fetched: Vec::new(), began }
    }

    fn holding(kids: &[&str]) -> Run {
        let mut run = Run::new();
        run.world.publish(kids);
        run.world.source.warm_up().unwrap();
        run.began = run.world.clock.boot();
        run
    }

    fn passed(&self) -> Duration {
        self.world.clock.boot() - self.began
    }

    /// Lets fetches that began end.
    fn finish(&mut self) {
        let flights = std::mem::take(&mut *self.flights.lock());
        let now = self.passed();
        self.fetched.extend(flights.iter().map(|_| now));
        flights.into_iter().for_each(|fetch| fetch());
    }

    /// Calls `each` before every step, for so long.
    fn for_seconds(&mut self, seconds: u64, mut each: impl FnMut(&World)) {
        let end = self.world.clock.boot() + Duration::from_secs(seconds);
        while self.world.clock.boot() < end {
            each(&self.world);
            self.world.source.run_due();
            self.finish();
            self.world.clock.advance(STEP);
        }
    }

    fn fetches_within(&self, seconds: u64) -> usize {
        self.fetched.iter().filter(|at| **at < Duration::from_secs(seconds)).count()
    }
}

/// A request of a host that never waits: it starts what it is told to and is answered by what is held.
fn ask(world: &World, kid: &str) -> Selection {
    match world.select(kid) {
        Selection::NeedKeys(wanted) => {
            world.source.start_refresh(&wanted);
            world.source.select(&want(kid), Some(&wanted))
        }
        answer => answer,
    }
}

/// T42 (tests/attacks.md)
#[test]
fn a_flood_of_random_kids_for_ten_minutes_costs_a_fetch_in_thirty_seconds() {
    let mut run = Run::holding(&["a"]);
    let mut number = 0;
    run.for_seconds(600, |world| {
        for _ in 0..17 {
            number += 1;
            assert!(!matches!(ask(world, &format!("random-{number}")), Selection::Key(_)));
        }
        assert!(world.holds("a"), "a good token is refused");
    });
    assert!(number >= 100_000);
    assert!(run.fetched.len() <= 21, "{} fetches: each renews the set, so none was due", run.fetched.len());
}

#[test]
fn ten_minutes_of_503_from_the_due_time_on_are_seven_fetches_in_the_first_minute_and_twenty_in_all() {
    let mut run = Run::holding(&["a"]);
    run.world.fail();
    let due = run.world.source.status().next_refresh_seconds.unwrap();
    run.world.pass(due + 1);
    run.began = run.world.clock.boot();
    run.for_seconds(600, |world| assert!(world.holds("a")));
    assert!(run.fetches_within(60) <= 7, "{:?}", run.fetched);
    assert!((10..=20).contains(&run.fetched.len()), "{:?}", run.fetched);
}

#[test]
fn a_day_without_the_issuer_is_survived_and_its_return_is_seen_within_a_backoff_step() {
    let mut run = Run::holding(&["a"]);
    run.world.fail();
    let mut hold = |seconds: u64, accepted: bool| {
        for _ in 0..seconds / 30 {
            assert_eq!(run.world.holds("a"), accepted, "{:?}", run.passed());
            run.world.source.run_due();
            run.finish();
            run.world.pass(30);
        }
    };
    hold(86_400, true);
    hold(3_600, false);
    assert!(matches!(ask(&run.world, "a"), Selection::Unavailable { .. }));
    run.world.publish(&["a"]);
    run.for_seconds(60, |_| ());
    assert!(run.world.holds("a"));
}

#[test]
fn cold_and_down_ten_thousand_calls_in_a_minute_are_eight_fetches() {
    let mut run = Run::new();
    run.world.fail();
    let mut calls = 0;
    run.for_seconds(60, |world| {
        for _ in 0..17 {
            calls += 1;
            assert!(matches!(ask(world, "a"), Selection::Unavailable { .. }));
        }
    });
    assert!(calls >= 10_000);
    assert!((5..=8).contains(&run.fetched.len()), "{:?}", run.fetched);
}

#[test]
fn a_slow_key_server_makes_nobody_wait_when_the_ttl_passes() {
    let run = Run::holding(&["a"]);
    run.world.pass(570);
    run.world.source.run_due();
    for _ in 0..30 {
        for _ in 0..100 {
            assert!(run.world.holds("a"));
        }
        run.world.source.run_due();
        run.world.clock.advance(STEP);
    }
    assert_eq!(run.flights.lock().len(), 1);
}

#[test]
fn a_rotation_with_overlap_refuses_nobody() {
    let mut run = Run::holding(&["old"]);
    run.world.publish(&["old", "new"]);
    run.for_seconds(601, |world| assert!(world.holds("old")));
    assert!(run.world.holds("new"));
    run.world.publish(&["new"]);
    run.for_seconds(601, |world| assert!(world.holds("new")));
    assert!(!run.world.holds("old"));
}

#[test]
fn after_a_rotation_without_overlap_the_new_key_is_accepted_and_the_old_one_never_again() {
    let mut run = Run::holding(&["old"]);
    // The budget is spent when the rotation comes.
    ask(&run.world, "junk");
    run.finish();
    run.world.publish(&["new"]);
    let mut told = Vec::new();
    run.for_seconds(31, |world| told.push(ask(world, "new")));
    let accepted = told.iter().position(|answer| matches!(answer, Selection::Key(_))).unwrap();
    let waited = STEP * u32::try_from(accepted).unwrap();
    assert!(waited <= Duration::from_secs(30) + STEP, "{waited:?}");
    let before = &told[..accepted];
    assert!(
        before.iter().all(|answer| matches!(answer, Selection::Unavailable { .. })),
        "a good token is told 401"
    );
    run.for_seconds(100, |world| assert!(!world.holds("old") && world.holds("new")));
    assert!(matches!(run.world.select("old"), Selection::Unknown));
}

#[test]
fn replicas_that_flap_get_neither_kid_refused_for_good() {
    let mut run = Run::holding(&["one"]);
    let turn = AtomicUsize::new(0);
    run.world.answer(move |_| match turn.fetch_add(1, Ordering::Relaxed) % 2 {
        0 => Ok(document(&jwks(&["other"]))),
        _ => Ok(document(&jwks(&["one"]))),
    });
    for round in 0..20 {
        let mut seen = [false; 2];
        run.for_seconds(62, |world| {
            for (kid, seen) in ["one", "other"].into_iter().zip(&mut seen) {
                let answer = ask(world, kid);
                assert!(!matches!(answer, Selection::Unknown), "a kid that comes back is told 401");
                *seen |= matches!(answer, Selection::Key(_));
            }
        });
        assert_eq!(seen, [true; 2], "round {round}");
    }
    assert!(run.fetched.len() <= 42, "one in thirty seconds");
}

#[test]
fn a_kid_reused_with_new_material_costs_bad_signatures_until_one_fetch_lands() {
    let mut run = Run::holding(&["a", "b"]);
    let thumbprint = |world: &World| match world.select("a") {
        Selection::Key(key) => key.thumbprint,
        other => panic!("{other:?}"),
    };
    let old = thumbprint(&run.world);
    let document = document(&jwks_with_material(&[("a", "new"), ("b", "b")]));
    run.world.answer(move |_| Ok(document.clone()));
    run.world.source.bad_signature(&want("a"));
    assert_eq!(thumbprint(&run.world), old);
    run.finish();
    assert_ne!(thumbprint(&run.world), old);
}

#[test]
fn steps_of_the_wall_clock_change_nothing_and_sleep_counts() {
    let world = World::holding();
    let before = world.source.status();
    for step in [31_536_000, -63_072_000, 3_600, -7_200, i64::from(i32::MAX)] {
        world.clock.step_wall(step);
        assert!(world.holds("a"));
        let status = world.source.status();
        assert_eq!((status.state, status.age_seconds), (before.state, before.age_seconds));
    }
    world.pass(8 * 3600);
    assert_eq!(world.source.status().state, "idle");
    let wanted = need(world.select("a"));
    assert!(world.holds("a"), "one waits, the others do not");
    world.source.refresh(&wanted).unwrap();
    assert_eq!(world.source.status().state, "fresh");
}

/// Ten thousand processes that begin at one moment, for a day: how many ask the issuer in the busiest second after the first
/// ttl, and how many in all.
fn busiest_second(ttl: u64) -> (usize, usize) {
    let (day, ttl) = (86_400, Duration::from_secs(ttl));
    let mut asked = vec![0; day];
    SCRIPTED_DRAWS.set(Some(1));
    for _ in 0..10_000 {
        let mut now = Duration::ZERO;
        loop {
            let held = Validity::new(now, Some(ttl), ttl, Duration::from_secs(86_400), draw());
            now += held.refresh_age;
            match asked.get_mut(now.as_secs() as usize) {
                Some(second) => *second += 1,
                None => break,
            }
        }
    }
    SCRIPTED_DRAWS.set(None);
    let busiest = asked.iter().skip(ttl.as_secs() as usize).max().copied().unwrap_or(0);
    (busiest, asked.iter().sum())
}

#[test]
fn ten_thousand_processes_do_not_ask_at_once() {
    for ttl in [600, 3600] {
        let (busiest, in_all) = busiest_second(ttl);
        assert!(busiest < 150, "ttl {ttl}: {busiest} of a cycle's 10000, {in_all} requests a day");
        let cycles = in_all as f64 / 10_000.0;
        assert!((cycles - 86_400.0 / (0.8 * ttl as f64)).abs() < 1.0, "ttl {ttl}: {in_all} requests a day");
    }
}
