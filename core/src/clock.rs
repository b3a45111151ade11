#![allow(clippy::disallowed_methods)]
//! Wall and boot time: the one room that asks the machine.

use std::fmt::Debug;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How much earlier than the machine's start boot time begins: what was fetched elsewhere may be older than the machine,
/// and no set is used for longer than a week.
const BEFORE_START: Duration = Duration::from_secs(8 * 24 * 3600);

/// Where the time comes from.
pub(crate) trait Clock: Send + Sync + Debug {
    /// Seconds since 1970; `None` when the machine's clock stands before that.
    fn wall(&self) -> Option<i64>;

    /// The time since some fixed moment: it counts sleep and ignores steps of the wall clock.
    fn boot(&self) -> Duration;
}

/// The clocks of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn wall(&self) -> Option<i64> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since_1970.as_secs()).ok()
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn boot(&self) -> Duration {
        use rustix::time::{ClockId, clock_gettime};
        let time = clock_gettime(ClockId::Boottime);
        let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default().min(999_999_999);
        BEFORE_START + Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), nanoseconds)
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    fn boot(&self) -> Duration {
        use std::sync::LazyLock;
        use std::time::Instant;
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        static PROGRESS: crate::lock::Mutex<Progress> = crate::lock::Mutex::new(Progress::START);
        let monotonic = START.elapsed();
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        BEFORE_START + PROGRESS.lock().advance(monotonic, wall)
    }
}

/// Time where no clock counts sleep: between two readings passes whichever is larger, the progress of the monotonic
/// clock or that of the wall clock. A wall clock that is set back costs nothing.
#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
struct Progress {
    /// The last readings.
    last: Option<(Duration, Duration)>,
    elapsed: Duration,
}

#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
impl Progress {
    const START: Progress = Progress { last: None, elapsed: Duration::ZERO };

    fn advance(&mut self, monotonic: Duration, wall: Duration) -> Duration {
        if let Some((last_monotonic, last_wall)) = self.last {
            let step = monotonic.saturating_sub(last_monotonic).max(wall.saturating_sub(last_wall));
            self.elapsed = self.elapsed.saturating_add(step);
        }
        self.last = Some((monotonic, wall));
        self.elapsed
    }
}

/// A clock that tests set.
#[cfg(any(test, feature = "fuzzing"))]
#[derive(Debug)]
pub(crate) struct ScriptedClock {
    wall_at_boot: crate::lock::Mutex<Option<i64>>,
    boot: crate::lock::Mutex<Duration>,
}

#[cfg(any(test, feature = "fuzzing"))]
impl ScriptedClock {
    /// A clock that shows `wall` now and stands still until it is advanced.
    pub(crate) fn at(wall: Option<i64>) -> Self {
        Self { wall_at_boot: crate::lock::Mutex::new(wall), boot: crate::lock::Mutex::new(BEFORE_START) }
    }

    pub(crate) fn advance(&self, step: Duration) {
        *self.boot.lock() += step;
    }

    /// Sets the wall clock forward, or back, by so many seconds.
    #[cfg(test)]
    pub(crate) fn step_wall(&self, step: i64) {
        let mut wall = self.wall_at_boot.lock();
        *wall = wall.map(|wall| wall + step);
    }
}

#[cfg(any(test, feature = "fuzzing"))]
impl Clock for ScriptedClock {
    fn wall(&self) -> Option<i64> {
        let passed = self.boot() - BEFORE_START;
        self.wall_at_boot.lock().map(|wall| wall + i64::try_from(passed.as_secs()).unwrap())
    }

    fn boot(&self) -> Duration {
        *self.boot.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    #[test]
    fn the_machine_has_both_clocks() {
        let first = SystemClock.boot();
        assert!(SystemClock.boot() >= first);
        assert!(SystemClock.wall().is_some_and(|wall| wall > 1_700_000_000));
    }

    #[test]
    fn sleep_counts_where_only_the_wall_clock_sees_it() {
        let mut progress = Progress::START;
        assert_eq!(progress.advance(seconds(5), seconds(1000)), seconds(0));
        assert_eq!(progress.advance(seconds(15), seconds(1010)), seconds(10));
        assert_eq!(progress.advance(seconds(16), seconds(9010)), seconds(8010));
    }

    #[test]
    fn a_wall_clock_set_back_neither_stops_nor_turns_time() {
        let mut progress = Progress::START;
        progress.advance(seconds(0), seconds(9000));
        assert_eq!(progress.advance(seconds(10), seconds(100)), seconds(10));
        assert_eq!(progress.advance(seconds(30), seconds(120)), seconds(30));
    }
}
