//! One line for each refusal, through `tracing`, a few in a second for each reason.

use std::collections::HashMap;

use tracing::Level;

use crate::clock::{Clock, SystemClock};
use crate::lock::Mutex;
use crate::reason::Reason;
use crate::rejection::Rejection;

/// The most lines for one reason in one second; the rest are counted.
const LINES_PER_SECOND: u32 = 5;

#[derive(Debug, Default)]
pub(super) struct RefusalLog(Mutex<HashMap<Reason, Lines>>);

#[derive(Clone, Copy, Debug, Default)]
struct Lines {
    second: u64,
    written: u32,
    suppressed: u64,
}

impl RefusalLog {
    /// Writes the line: reason, code, what was expected, and where docs/reasons.md has cause and cure.
    pub(super) fn write(&self, rejection: &Rejection) {
        let Some(not_logged) = self.admit(rejection.reason(), SystemClock.boot().as_secs()) else { return };
        let (reason, code, detail) = (rejection.reason().name(), rejection.code(), rejection.detail());
        let (status, see) = (rejection.response().status, format_args!("docs/reasons.md#{reason}"));
        // A request without a token is the start of every client's login; what needs an operator is an error.
        match rejection.reason() {
            Reason::MissingToken => {
                tracing::event!(Level::INFO, status, reason, code, detail, %see, not_logged, "refused")
            }
            Reason::KeysUnavailable | Reason::Internal | Reason::ClockUnusable => {
                tracing::event!(Level::ERROR, status, reason, code, detail, %see, not_logged, "refused");
            }
            _ => tracing::event!(Level::WARN, status, reason, code, detail, %see, not_logged, "refused"),
        }
    }

    /// How many lines were suppressed since the last one that was admitted, or `None` to suppress this one.
    fn admit(&self, reason: Reason, second: u64) -> Option<u64> {
        let mut by_reason = self.0.lock();
        let lines = by_reason.entry(reason).or_default();
        if lines.second != second {
            *lines = Lines { second, written: 0, ..*lines };
        }
        if lines.written >= LINES_PER_SECOND {
            lines.suppressed += 1;
            return None;
        }
        lines.written += 1;
        Some(std::mem::take(&mut lines.suppressed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_counted_and_not_written() {
        let log = RefusalLog::default();
        for _ in 0..LINES_PER_SECOND {
            assert_eq!(log.admit(Reason::Expired, 7), Some(0));
        }
        for _ in 0..90 {
            assert_eq!(log.admit(Reason::Expired, 7), None);
        }
        assert_eq!(log.admit(Reason::UnknownKey, 7), Some(0));
        assert_eq!(log.admit(Reason::Expired, 8), Some(90));
        assert_eq!(log.admit(Reason::Expired, 8), Some(0));
    }
}
