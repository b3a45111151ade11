#![allow(clippy::disallowed_methods)]
//! What the sources of a process share: one thread that starts fetches when they are due, and the slots of those that
//! run.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use parking_lot::{Condvar, Mutex};

use super::source::Source;

/// At most this many fetches run at once in the process.
pub(crate) const SLOTS: usize = 4;

/// The process id in the upper half, the number of fetches that run in the lower: a forked child counts anew.
static RUNNING: AtomicU64 = AtomicU64::new(0);

/// The right to run one fetch, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    process: u64,
}

impl Slot {
    pub(crate) fn is_free() -> bool {
        count(RUNNING.load(Ordering::Acquire), this_process()) < SLOTS as u64
    }

    pub(crate) fn take() -> Option<Slot> {
        let process = this_process();
        RUNNING
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |packed| {
                let running = count(packed, process);
                (running < SLOTS as u64).then_some(process << 32 | (running + 1))
            })
            .ok()
            .map(|_| Slot { process })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Fails for a slot that was taken before the fork.
        let _ = RUNNING.fetch_update(Ordering::AcqRel, Ordering::Acquire, |packed| {
            let running = count(packed, self.process);
            (running > 0).then(|| self.process << 32 | (running - 1))
        });
    }
}

fn this_process() -> u64 {
    u64::from(process::id())
}

fn count(packed: u64, process: u64) -> u64 {
    if packed >> 32 == process { packed & 0xffff_ffff } else { 0 }
}

/// The scheduler of this process. A forked child finds its parent's there and makes its own.
static SCHEDULER: ArcSwapOption<Scheduler> = ArcSwapOption::const_empty();

struct Scheduler {
    process: u64,
    watched: Mutex<Watched>,
    changed: Condvar,
}

#[derive(Default)]
struct Watched {
    sources: Vec<Weak<Source>>,
    /// Something changed since the thread last looked.
    changed: bool,
    thread_runs: bool,
}

/// Has the source's fetches started when they are due, from now on until the source is dropped.
pub(crate) fn watch(source: &Arc<Source>) {
    let scheduler = Scheduler::of_this_process();
    let mut watched = scheduler.watched.lock();
    let source = Arc::downgrade(source);
    if !watched.sources.iter().any(|known| known.ptr_eq(&source)) {
        watched.sources.push(source);
    }
    watched.changed = true;
    if watched.thread_runs {
        scheduler.changed.notify_one();
    } else {
        let own = scheduler.clone();
        let started = thread::Builder::new().name("scopegate-keys".to_owned()).spawn(move || own.run());
        // Without a thread the next call tries again, and requests still fetch by themselves.
        watched.thread_runs = started.is_ok();
    }
}

/// A source was dropped: the thread ends with the last one.
pub(crate) fn forget() {
    if let Some(scheduler) = SCHEDULER.load_full().filter(|scheduler| scheduler.process == this_process()) {
        scheduler.watched.lock().changed = true;
        scheduler.changed.notify_one();
    }
}

impl Scheduler {
    fn of_this_process() -> Arc<Scheduler> {
        let process = this_process();
        loop {
            let current = SCHEDULER.load_full();
            match current {
                Some(scheduler) if scheduler.process == process => return scheduler,
                _ => {
                    let own = Scheduler { process, watched: Mutex::default(), changed: Condvar::new() };
                    SCHEDULER.compare_and_swap(&current, Some(Arc::new(own)));
                }
            }
        }
    }

    fn run(&self) {
        let _running = ThreadRuns(self);
        loop {
            let sources = {
                let mut watched = self.watched.lock();
                watched.sources.retain(|source| source.strong_count() > 0);
                if watched.sources.is_empty() {
                    watched.thread_runs = false;
                    return;
                }
                watched.changed = false;
                watched.sources.clone()
            };
            let next = sources.iter().filter_map(Weak::upgrade).filter_map(|source| source.run_due()).min();
            self.sleep(next);
        }
    }

    fn sleep(&self, next: Option<Duration>) {
        let mut watched = self.watched.lock();
        if watched.changed {
            return;
        }
        match next {
            Some(next) => {
                self.changed.wait_for(&mut watched, next);
            }
            None => self.changed.wait(&mut watched),
        }
    }
}

/// Lets another thread be started after this one, a panic included.
struct ThreadRuns<'a>(&'a Scheduler);

impl Drop for ThreadRuns<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.watched.lock().thread_runs = false;
        }
    }
}
