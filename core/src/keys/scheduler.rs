#![allow(clippy::disallowed_methods)]
//! What the sources of a process share: one thread that starts fetches when they are due, and the slots of those that
//! run.

use std::process;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use arc_swap::ArcSwapOption;

use crate::lock::{Condvar, Mutex};

/// At most this many fetches run at once in the process, or fewer where the host says so.
pub(crate) const MAX_RUNNING: usize = 4;

/// Lets at most this many fetches of keys run at once in this process, whoever asks: 1 to 4, and 4 unless this is
/// called. For hosts whose threads have other work to do. Fetches that run already are not stopped.
pub fn limit_fetches(most: usize) {
    SLOTS.limit(most);
}

/// The fetches that run in this process.
pub(crate) static SLOTS: Slots = Slots::new();

/// The rights to run a fetch.
#[derive(Debug)]
pub(crate) struct Slots {
    /// The fetches that run: the process id in the upper half, the number in the lower, so that a forked child counts
    /// anew.
    packed: AtomicU64,
    most: AtomicUsize,
}

/// The right to run one fetch, given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: &'static Slots,
    process: u64,
}

impl Slots {
    pub(crate) const fn new() -> Slots {
        Slots { packed: AtomicU64::new(0), most: AtomicUsize::new(MAX_RUNNING) }
    }

    pub(crate) fn limit(&self, most: usize) {
        self.most.store(most.clamp(1, MAX_RUNNING), Ordering::Release);
    }

    /// How many fetches may run at once.
    pub(crate) fn most(&self) -> usize {
        self.most.load(Ordering::Acquire)
    }

    pub(crate) fn is_one_free(&self) -> bool {
        running(self.packed.load(Ordering::Acquire), this_process()) < self.most() as u64
    }

    pub(crate) fn take(&'static self) -> Option<Slot> {
        let (process, most) = (this_process(), self.most() as u64);
        let one_more = |packed| {
            let running = running(packed, process);
            (running < most).then_some(process << 32 | (running + 1))
        };
        let taken = self.packed.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok();
        taken.then(|| Slot { slots: self, process })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        // Changes nothing for a slot that was taken before a fork.
        let one_less =
            |packed| running(packed, self.process).checked_sub(1).map(|left| self.process << 32 | left);
        let _ = self.slots.packed.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
    }
}

fn this_process() -> u64 {
    u64::from(process::id())
}

fn running(packed: u64, process: u64) -> u64 {
    if packed >> 32 == process { packed & 0xffff_ffff } else { 0 }
}

/// The scheduler of this process. A forked child finds its parent's there and makes its own.
static SCHEDULER: ArcSwapOption<Scheduler> = ArcSwapOption::const_empty();

/// What fetches when it is due.
pub(crate) trait Scheduled: Send + Sync {
    /// Starts the fetch that is due, if one is. How long until there is something to do again.
    fn run_due(&self) -> Option<Duration>;
}

pub(super) struct Scheduler {
    process: u64,
    watched: Mutex<Watched>,
    changed: Condvar,
}

#[derive(Default)]
struct Watched {
    sources: Vec<Weak<dyn Scheduled>>,
    /// Something changed since the thread last looked.
    changed: bool,
    thread_runs: bool,
}

/// Has the source's fetches started when they are due, from now on until the source is dropped.
pub(crate) fn watch<S: Scheduled + 'static>(source: &Arc<S>) {
    Scheduler::of_this_process().watch(source);
}

/// A source was dropped: the thread ends with the last one.
pub(crate) fn forget() {
    if let Some(scheduler) = SCHEDULER.load_full().filter(|scheduler| scheduler.process == this_process()) {
        scheduler.wake();
    }
}

impl Scheduler {
    pub(super) fn new() -> Scheduler {
        Scheduler { process: this_process(), watched: Mutex::default(), changed: Condvar::new() }
    }

    fn of_this_process() -> Arc<Scheduler> {
        loop {
            let current = SCHEDULER.load_full();
            match current {
                Some(scheduler) if scheduler.process == this_process() => return scheduler,
                _ => {
                    SCHEDULER.compare_and_swap(&current, Some(Arc::new(Scheduler::new())));
                }
            }
        }
    }

    pub(super) fn watch<S: Scheduled + 'static>(self: &Arc<Self>, source: &Arc<S>) {
        let mut watched = self.watched.lock();
        let source: Weak<dyn Scheduled> = Arc::<S>::downgrade(source);
        if !watched.sources.iter().any(|known| known.ptr_eq(&source)) {
            watched.sources.push(source);
        }
        watched.changed = true;
        if watched.thread_runs {
            self.changed.notify_one();
        } else {
            let me = self.clone();
            let started = thread::Builder::new().name("scopegate-keys".to_owned()).spawn(move || me.run());
            // Without a thread the next call tries again, and requests still fetch by themselves.
            watched.thread_runs = started.is_ok();
        }
    }

    pub(super) fn wake(&self) {
        self.watched.lock().changed = true;
        self.changed.notify_one();
    }

    #[cfg(test)]
    pub(super) fn is_running(&self) -> bool {
        self.watched.lock().thread_runs
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
        let watched = self.watched.lock();
        if watched.changed {
            return;
        }
        drop(match next {
            Some(next) => self.changed.wait_for(watched, next).0,
            None => self.changed.wait(watched),
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forked_child_counts_its_fetches_anew() {
        let parent = u64::from(u32::MAX);
        let slots: &'static Slots = Box::leak(Box::new(Slots::new()));
        slots.packed.store(parent << 32 | MAX_RUNNING as u64, Ordering::Release);
        assert!(slots.is_one_free());
        let own = slots.take().unwrap();
        drop(Slot { slots, process: parent });
        let more: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
        assert_eq!(more.len(), MAX_RUNNING - 1);
        drop(own);
        assert!(slots.is_one_free());
    }

    #[test]
    fn a_host_may_allow_fewer_fetches_but_not_more_and_not_none() {
        let slots: &'static Slots = Box::leak(Box::new(Slots::new()));
        for (asked, allowed) in [(2, 2), (0, 1), (9, MAX_RUNNING)] {
            slots.limit(asked);
            let taken: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
            assert_eq!(taken.len(), allowed);
            assert!(!slots.is_one_free());
        }
    }
}
