//! One token in many threads at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scopegate_core::ResourceServer;
use serde_json::{Value, json};

use crate::scene::{Axis, Scene};

const THREADS: [usize; 4] = [1, 2, 8, 64];
const ROUNDS: usize = 7;
const SPELL: Duration = Duration::from_millis(400);

/// Decisions a second of all threads together, the median over rounds that take turns.
pub(crate) fn measure() -> Value {
    let scene = Scene::new(Axis::Keys, 1);
    let server = ResourceServer::from_json(&scene.config(100)).expect("a configuration");
    let mut rates = THREADS.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (threads, rates) in THREADS.iter().zip(&mut rates) {
            rates.push(rate(*threads, || scene.decide(&server)));
        }
    }
    let row = |(threads, rates): (&usize, &mut Vec<f64>)| {
        rates.sort_by(f64::total_cmp);
        json!({"threads": threads, "decisions_a_second": rates[ROUNDS / 2].round()})
    };
    THREADS.iter().zip(&mut rates).map(row).collect()
}

fn rate(threads: usize, call: impl Fn() + Sync) -> f64 {
    let (start, stop, count) = (Barrier::new(threads + 1), AtomicBool::new(false), AtomicU64::new(0));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                start.wait();
                let mut mine = 0;
                while !stop.load(Ordering::Relaxed) {
                    call();
                    mine += 1;
                }
                count.fetch_add(mine, Ordering::Relaxed);
            });
        }
        start.wait();
        let began = Instant::now();
        thread::sleep(SPELL);
        stop.store(true, Ordering::Relaxed);
        began
    })
    .elapsed()
    .as_secs_f64()
    .recip()
        * count.load(Ordering::Relaxed) as f64
}
