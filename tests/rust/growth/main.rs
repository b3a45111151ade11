//! What a configuration, a decision and a body cost as they grow. `tests/bench/growth.py` runs it, this program under
//! callgrind where instructions are counted. Prints one JSON object for each measurement.
//!
//! Usage: `scopegate-growth axes`, or one of
//! `scopegate-growth count AXIS SIZE WHAT`, `… threads`, `… tokens COUNT`, `… bodies`.

mod bodies;
mod scene;
mod threads;
mod tokens;

use std::hint::black_box;
use std::io::Write;

use allocation_counter::{AllocationInfo, measure};
use scopegate_core::ResourceServer;
use serde_json::{Value, json};

use scene::{Axis, Scene};

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let report = match words[..] {
        ["axes"] => {
            Axis::ALL.map(|axis| json!([axis.name(), axis.most(), axis.is_wrong()])).into_iter().collect()
        }
        ["count", axis, size, what] => {
            let axis = Axis::ALL.into_iter().find(|known| known.name() == axis).expect("an axis");
            count(&Scene::new(axis, size.parse().expect("a number")), what)
        }
        ["threads"] => threads::measure(),
        ["tokens", count] => tokens::measure(count.parse().expect("a number")),
        ["bodies"] => bodies::measure(),
        _ => panic!("expected what to measure, not {words:?}"),
    };
    writeln!(std::io::stdout(), "{report}")
}

/// Allocations and bytes of one thing; its instructions are those of [`measured`].
fn count(scene: &Scene, what: &str) -> Value {
    let capacity = if what == "fresh" { 0 } else { 100 };
    let config = scene.config(capacity);
    if what == "construct" {
        return allocations(
            measure(|| measured(|| drop(black_box(ResourceServer::from_json(&config))))),
            held(&config),
        );
    }
    let server = ResourceServer::from_json(&config).expect("a configuration");
    scene.decide(&server);
    scene.decide(&server);
    allocations(measure(|| measured(|| scene.decide(&server))), 0)
}

fn allocations(found: AllocationInfo, held: i64) -> Value {
    json!({"allocations": found.count_total, "bytes": found.bytes_max, "held": held})
}

/// The bytes that stay while a server lives.
fn held(config: &str) -> i64 {
    let mut server = None;
    let found = measure(|| server = ResourceServer::from_json(config).ok());
    drop(server);
    found.bytes_current
}

/// Callgrind counts from the start to the end of this function.
#[inline(never)]
fn measured(call: impl FnOnce()) {
    call();
    black_box(());
}
