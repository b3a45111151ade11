//! A fetch and those around it, in every order of their steps, and then on threads that race.
//!
//! A step is what happens under one lock. Between steps others may come, so all orders of a few actors' steps are what
//! threads could do.

use std::collections::BTreeMap;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;

use super::*;

/// What the actors share.
struct Stage {
    world: World,
    flights: Arc<Mutex<Vec<Work>>>,
    /// What each request was told to wait for, by its name.
    asked: BTreeMap<&'static str, KeyRequest>,
    answers: BTreeMap<&'static str, Selection>,
    distrusted: bool,
    late: Option<Work>,
}

type Step = fn(&mut Stage);

impl Stage {
    fn cold() -> Stage {
        let (world, flights) = World::by_hand(slots(), |_| {});
        world.publish(&["a", "b"]);
        let (asked, answers) = Default::default();
        Stage { world, flights, asked, answers, distrusted: false, late: None }
    }

    fn warm() -> Stage {
        let stage = Stage::cold();
        stage.world.source.warm_up().unwrap();
        stage.world.pass(600);
        stage
    }

    fn ask(&mut self, kid: &'static str) {
        match self.world.select(kid) {
            Selection::NeedKeys(wanted) => drop(self.asked.insert(kid, wanted)),
            answer => self.is_told(kid, answer),
        }
    }

    fn board(&mut self, kid: &'static str) {
        if let Some(wanted) = self.asked.get(kid) {
            self.world.source.start_refresh(wanted);
        }
        assert!(self.flights.lock().len() <= 1, "two fetches at once");
    }

    fn answer(&mut self, kid: &'static str) {
        if let Some(wanted) = self.asked.remove(kid) {
            let answer = self.world.source.select(&want(kid), Some(&wanted));
            self.is_told(kid, answer);
        }
    }

    fn is_told(&mut self, kid: &'static str, answer: Selection) {
        assert!(!matches!(answer, Selection::NeedKeys(_)));
        if self.distrusted && kid == "a" {
            assert!(matches!(answer, Selection::Unknown), "a distrusted key answers");
        }
        self.answers.insert(kid, answer);
    }

    fn land(&mut self) {
        let flight = self.flights.lock().pop();
        if let Some(flight) = flight {
            flight();
        }
    }
}

/// Runs every order of the actors' steps, each actor's own in their order.
fn in_every_order(actors: &[&[Step]], start: fn() -> Stage, end: fn(&mut Stage)) -> usize {
    let mut orders = 0;
    let mut next = vec![0; actors.len()];
    let mut order = Vec::new();
    each_order(actors, &mut next, &mut order, &mut |order| {
        let mut stage = start();
        order.iter().for_each(|step| step(&mut stage));
        end(&mut stage);
        orders += 1;
    });
    orders
}

fn each_order(actors: &[&[Step]], next: &mut [usize], order: &mut Vec<Step>, run: &mut impl FnMut(&[Step])) {
    let mut is_over = true;
    for (index, actor) in actors.iter().enumerate() {
        let Some(step) = actor.get(next[index]) else { continue };
        is_over = false;
        next[index] += 1;
        order.push(*step);
        each_order(actors, next, order, run);
        order.pop();
        next[index] -= 1;
    }
    if is_over {
        run(order);
    }
}

const A_REQUEST: &[Step] = &[|stage| stage.ask("a"), |stage| stage.board("a"), |stage| stage.answer("a")];
const B_REQUEST: &[Step] = &[|stage| stage.ask("b"), |stage| stage.board("b"), |stage| stage.answer("b")];
const NEW_KID: &[Step] = &[|stage| stage.ask("new"), |stage| stage.board("new"), |stage| stage.answer("new")];

#[test]
fn cold_requests_that_race_share_a_fetch_and_a_distrusted_key_answers_none_of_them() {
    let distrust: &[Step] = &[|stage| {
        stage.world.source.distrust("a").unwrap();
        stage.distrusted = true;
    }];
    let fetch: &[Step] = &[Stage::land];
    let orders = in_every_order(&[A_REQUEST, B_REQUEST, fetch, distrust], Stage::cold, |stage| {
        stage.land();
        assert!(stage.world.fetches() <= 1);
        assert!(stage.world.select("b").is_key_or_cold(), "{:?}", stage.world.select("b"));
        assert!(matches!(stage.world.select("a"), Selection::Unknown));
        assert_eq!(stage.world.source.here().waiting.all(), stage.asked.len());
    });
    assert_eq!(orders, 1120);
}

#[test]
fn unknown_kids_that_race_spend_the_budget_once_beside_a_due_fetch() {
    let due: &[Step] = &[|stage| {
        stage.world.source.run_due();
    }];
    let bad_signature: &[Step] = &[|stage| stage.world.source.bad_signature(&want("b"))];
    let fetches: &[Step] = &[Stage::land, Stage::land];
    let orders = in_every_order(&[NEW_KID, due, bad_signature, fetches], Stage::warm, |stage| {
        stage.land();
        assert!(stage.world.fetches() <= 3, "the first, the due one, and one for the kid");
        assert!(matches!(stage.answers["new"], Selection::Unknown | Selection::Unavailable { .. }));
        assert!(stage.world.holds("a") && stage.world.holds("b"));
        assert_eq!(stage.world.source.here().waiting.all(), 0);
    });
    assert_eq!(orders, 420);
}

#[test]
fn a_late_fetch_installs_nothing_over_a_later_one_or_over_pinned_keys() {
    let late: &[Step] = &[
        |stage| {
            stage.world.source.run_due();
            stage.late = stage.flights.lock().pop();
            stage.world.pass(7);
        },
        |stage| {
            // It answers what was published when it began.
            stage.world.publish(&["late"]);
            if let Some(late) = stage.late.take() {
                late();
            }
            stage.world.publish(&["a", "b", "new"]);
        },
    ];
    let operator: &[Step] = &[
        |stage| stage.world.source.pin(&jwks(&["a", "own"])).unwrap(),
        |stage| {
            assert!(stage.world.holds("own") && stage.world.holds("a") && !stage.world.holds("late"));
            stage.world.source.resume();
        },
    ];
    let fetch: &[Step] = &[Stage::land];
    let orders = in_every_order(&[NEW_KID, late, operator, fetch], Stage::warm, |stage| {
        let generation = stage.world.source.here().held.load().as_ref().unwrap().generation;
        stage.land();
        let held = stage.world.source.here().held.load_full().unwrap();
        assert!(held.generation >= generation);
        assert!(stage.world.holds("a") || stage.world.holds("late"));
    });
    assert_eq!(orders, 1680);
}

#[test]
fn a_source_that_is_dropped_while_its_fetch_runs_goes_with_it() {
    let stage = Stage::cold();
    stage.world.source.start_refresh(&need(stage.world.select("a")));
    let source: Weak<Source> = Arc::downgrade(&stage.world.source);
    let fetch = stage.flights.lock().pop().unwrap();
    drop(stage);
    fetch();
    assert!(source.upgrade().is_none());
}

impl Selection {
    /// Whether a request that asks anew is served, or told to fetch since nobody has.
    fn is_key_or_cold(&self) -> bool {
        matches!(self, Selection::Key(_) | Selection::NeedKeys(_))
    }
}

/// Threads that ask, an issuer that rotates and fails, a clock that runs, and an operator who distrusts one key after the
/// other.
/// T62 (tests/attacks.md)
#[test]
fn threads_that_race_never_see_a_distrusted_key_nor_wait_for_good() {
    const KIDS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
    // One for each seed: a race checker does not see that the scope of one seed is over before the next uses its memory.
    let told: [([AtomicBool; KIDS.len()], AtomicUsize, AtomicBool); 4] = Default::default();
    for (seed, (distrusted, accepted, over)) in told.iter().enumerate() {
        let world = Arc::new(World::new());
        // The scripted clock does not end a wait on a real condition: those who wait are woken.
        *world.server.timeout.lock() = Duration::from_secs(1);
        let round = AtomicUsize::new(seed);
        world.answer(move |_| match round.fetch_add(1, Ordering::Relaxed) % 5 {
            0 => Err(FetchError::with_status(503)),
            1 => Ok(document("<html>")),
            turn => Ok(document(&jwks(&KIDS[..2 + turn]))),
        });
        thread::scope(|scope| {
            for number in 0..6 {
                let world = &world;
                scope.spawn(move || {
                    for turn in 0.. {
                        if over.load(Ordering::SeqCst) {
                            return;
                        }
                        let index = (turn * 7 + number * 3 + seed) % KIDS.len();
                        let must_refuse = distrusted[index].load(Ordering::SeqCst);
                        let answer = world.request(KIDS[index]);
                        assert!(!must_refuse || matches!(answer, Selection::Unknown), "{answer:?}");
                        accepted
                            .fetch_add(usize::from(matches!(answer, Selection::Key(_))), Ordering::Relaxed);
                    }
                });
            }
            let world = &world;
            scope.spawn(move || {
                for turn in 0..150 {
                    world.clock.advance(Duration::from_millis(700));
                    world.source.run_due();
                    if turn % 50 == 25 {
                        let index = turn / 50;
                        world.source.distrust(KIDS[index]).unwrap();
                        distrusted[index].store(true, Ordering::SeqCst);
                    }
                    thread::sleep(Duration::from_millis(1));
                }
                over.store(true, Ordering::SeqCst);
            });
        });
        assert!(accepted.load(Ordering::Relaxed) > 0);
        let started = world.fetches();
        assert!(started <= 16 + 4, "{started} fetches in 105 s");
        eventually(|| world.source.here().waiting.all() == 0 && world.finished() as usize == world.fetches());
    }
}
