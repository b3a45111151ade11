//! What audit events cost a decision, and how many a server keeps up with. `tests/bench/events.py` runs it, under callgrind
//! where instructions are counted. Prints one JSON object for each measurement.
//!
//! Usage: `scopegate-events cases`, or one of `scopegate-events count CASE EVENTS`, `… time`, `… threads`, `… sample`.

mod case;
mod crew;

use std::hint::black_box;
use std::io::Write;
use std::time::{Duration, Instant};

use allocation_counter::measure;
use serde_json::{Value, json};

use case::{Case, Events};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = match words[..] {
        ["cases"] => json!({
            "cases": Case::all().map(|case| case.name),
            "events": Events::ALL.map(Events::name),
        }),
        ["count", case, events] => count(
            &Case::named(case),
            Events::ALL.into_iter().find(|known| known.name() == events).expect("a mode"),
        ),
        ["time"] => time(),
        ["threads"] => crew::measure(),
        ["sample"] => Case::named("held, policy").sample(),
        _ => panic!("expected what to measure, not {words:?}"),
    };
    writeln!(std::io::stdout(), "{report}")
}

/// So many decisions are counted: room for the events grows on some of them alone.
const COUNTED: u64 = 64;

/// Allocations of a decision; its instructions are those of [`measured`].
fn count(case: &Case, events: Events) -> Value {
    let server = case.server(events);
    for _ in 0..COUNTED {
        case.decide(&server);
    }
    if events == Events::Drained {
        server.drain_events();
    }
    let found = measure(|| measured(|| (0..COUNTED).for_each(|_| case.decide(&server))));
    json!({"decisions": COUNTED, "allocations": found.count_total as f64 / COUNTED as f64})
}

/// Callgrind counts from the start to the end of this function.
#[inline(never)]
fn measured(call: impl FnOnce()) {
    call();
    black_box(());
}

const ROUNDS: usize = 31;
const SPELL: Duration = Duration::from_millis(8);

/// For each case the nanoseconds of a decision without events, with events, and with events for which there is no room:
/// those of the fastest of rounds that take turns. What drains does so between the spells; its time is told apart.
fn time() -> Value {
    Case::all().map(|case| timed(&case)).into_iter().collect()
}

fn timed(case: &Case) -> Value {
    let servers = Events::ALL.map(|events| (events, case.server(events)));
    let mut found = Events::ALL.map(|_| Vec::new());
    let (mut draining, mut drained) = (Duration::ZERO, 0);
    for _ in 0..ROUNDS {
        for ((events, server), found) in servers.iter().zip(&mut found) {
            found.push(spell(|| case.decide(server)));
            if *events == Events::Drained {
                let start = Instant::now();
                drained += black_box(server.drain_events_as_lines()).lines().count();
                draining += start.elapsed();
            }
        }
    }
    let [off, on, full] = found.map(|spells| spells.into_iter().fold(f64::INFINITY, f64::min));
    let drain = draining.as_nanos() as f64 / drained as f64;
    for (events, server) in &servers {
        let stats = server.stats();
        assert!(*events != Events::Drained || stats.events.dropped == 0, "{}: events had no room", case.name);
    }
    json!({"case": case.name, "off_ns": off, "on_ns": on, "full_ns": full, "drain_ns": drain})
}

fn spell(call: impl Fn()) -> f64 {
    let (start, mut calls) = (Instant::now(), 0u32);
    while start.elapsed() < SPELL {
        for _ in 0..32 {
            call();
        }
        calls += 32;
    }
    start.elapsed().as_nanos() as f64 / f64::from(calls)
}
