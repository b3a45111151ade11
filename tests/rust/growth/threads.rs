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

/// Decisions a second of all threads together, the median over rounds that take turns, and the processor time of each:
/// where others want the processors too, the first says little.
pub(crate) fn measure() -> Value {
    let scene = Scene::new(Axis::Keys, 1);
    let server = ResourceServer::from_json(&scene.config(100)).expect("a configuration");
    let mut found = THREADS.map(|_| (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        for (threads, (rates, times)) in THREADS.iter().zip(&mut found) {
            let before = processor_seconds();
            let (decisions, seconds) = spell(*threads, || scene.decide(&server));
            rates.push(decisions / seconds);
            times.push((processor_seconds() - before) * 1e9 / decisions);
        }
    }
    let row = |(threads, (rates, times)): (&usize, (Vec<f64>, Vec<f64>))| json!({"threads": threads, "decisions_a_second": median(rates).round(), "processor_ns": median(times).round()});
    THREADS.iter().zip(found).map(row).collect()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Of this process, its threads that ended included: `utime` and `stime` of proc(5), in hundredths of a second.
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit_once(')').expect("the program's name").1.split_whitespace();
    fields.skip(11).take(2).map(|ticks| ticks.parse::<f64>().expect("a number")).sum::<f64>() / 100.0
}

/// How many decisions all threads made, and in how many seconds since the first of them began: where they are many, it may be
/// long before this one runs again.
fn spell(threads: usize, call: impl Fn() + Sync) -> (f64, f64) {
    let (start, stop, count) = (Barrier::new(threads + 1), AtomicBool::new(false), AtomicU64::new(0));
    let work = || {
        start.wait();
        let began = Instant::now();
        let mut mine = 0;
        while !stop.load(Ordering::Relaxed) {
            call();
            mine += 1;
        }
        count.fetch_add(mine, Ordering::Relaxed);
        began
    };
    let began = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        start.wait();
        thread::sleep(SPELL);
        stop.store(true, Ordering::Relaxed);
        let began = workers.into_iter().map(|worker| worker.join().expect("a worker that ends"));
        began.min().expect("a worker")
    });
    (count.load(Ordering::Relaxed) as f64, began.elapsed().as_secs_f64())
}
