//! Threads that decide while another drains.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scopegate_core::ResourceServer;
use serde_json::{Value, json};

use crate::case::{Case, Events};

const THREADS: [usize; 3] = [1, 2, 8];
const CASES: [&str; 2] = ["held", "held, policy"];
const ROUNDS: usize = 5;
const SPELL: Duration = Duration::from_millis(200);
/// Between two looks of who drains.
const INTERVAL: Duration = Duration::from_millis(1);
const ROOM: u64 = 65_536;

/// Decisions a second of all threads together, in the round with the median, and what became of their events.
pub(crate) fn measure() -> Value {
    let cases = CASES.map(Case::named);
    let rows = cases.iter().flat_map(|case| THREADS.map(|threads| (case, threads)));
    rows.flat_map(|(case, threads)| {
        let mut rounds = Events::ALL.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (events, rounds) in Events::ALL.into_iter().zip(&mut rounds) {
                rounds.push(Spell::of(case, events, threads));
            }
        }
        Events::ALL.into_iter().zip(rounds).map(move |(events, mut rounds)| {
            rounds.sort_by(|one, other| one.rate().total_cmp(&other.rate()));
            rounds[rounds.len() / 2].row(case, events, threads)
        })
    })
    .collect()
}

/// What so many threads did in one spell.
struct Spell {
    decisions: u64,
    seconds: f64,
    drained: u64,
    dropped: u64,
}

impl Spell {
    fn of(case: &Case, events: Events, threads: usize) -> Spell {
        let room = if events == Events::Full { 1 } else { ROOM };
        let server =
            case.server_with(if events == Events::Off { Value::Null } else { json!({"capacity": room}) });
        case.decide(&server); // the token is held from here on
        let (start, stop) = (Barrier::new(threads + 1), AtomicBool::new(false));
        let (decisions, drained) = (AtomicU64::new(1), AtomicU64::new(0));
        let work = || {
            start.wait();
            let mut mine = 0;
            while !stop.load(Ordering::Relaxed) {
                case.decide(&server);
                mine += 1;
            }
            decisions.fetch_add(mine, Ordering::Relaxed);
        };
        let drain = || {
            while !stop.load(Ordering::Relaxed) {
                drained.fetch_add(lines(&server), Ordering::Relaxed);
                thread::sleep(INTERVAL);
            }
        };
        let began = thread::scope(|scope| {
            if events == Events::Drained {
                scope.spawn(drain);
            }
            (0..threads).for_each(|_| drop(scope.spawn(work)));
            start.wait();
            let began = Instant::now();
            thread::sleep(SPELL);
            stop.store(true, Ordering::Relaxed);
            began
        });
        let seconds = began.elapsed().as_secs_f64();
        let drained = drained.into_inner() + lines(&server);
        let (decisions, counted) = (decisions.into_inner(), server.stats().events);
        if events != Events::Off {
            assert_eq!(counted.recorded, drained, "every event that was kept is drained once");
            assert_eq!(
                counted.recorded + counted.dropped,
                decisions,
                "every decision has its event, kept or dropped"
            );
        }
        Spell { decisions, seconds, drained, dropped: counted.dropped }
    }

    fn rate(&self) -> f64 {
        self.decisions as f64 / self.seconds
    }

    fn row(&self, case: &Case, events: Events, threads: usize) -> Value {
        json!({
            "case": case.name, "threads": threads, "events": events.name(),
            "decisions_a_second": self.rate().round(),
            "decisions": self.decisions, "drained": self.drained, "dropped": self.dropped,
        })
    }
}

fn lines(server: &ResourceServer) -> u64 {
    server.drain_events_as_lines().bytes().filter(|byte| *byte == b'\n').count() as u64
}
