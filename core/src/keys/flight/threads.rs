#![allow(clippy::disallowed_methods)]
//! Who runs a fetch that nobody runs himself.

use std::io;
#[cfg(any(test, feature = "fuzzing"))]
use std::sync::Arc;
use std::thread;

/// Who runs the fetches that nobody runs himself.
pub(crate) enum Threads {
    /// Threads of the process; its scheduler starts what is due.
    OfTheProcess,
    /// Threads of the process; what is due starts when a test says so.
    #[cfg(test)]
    Unscheduled,
    /// Nobody: a fetch ends when a test calls it.
    #[cfg(any(test, feature = "fuzzing"))]
    ByHand(Arc<crate::lock::Mutex<Vec<Work>>>),
}

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) type Work = Box<dyn FnOnce() + Send>;

impl Threads {
    pub(super) fn are_scheduled(&self) -> bool {
        matches!(self, Threads::OfTheProcess)
    }

    pub(super) fn run(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        #[cfg(any(test, feature = "fuzzing"))]
        if let Threads::ByHand(flights) = self {
            flights.lock().push(Box::new(work));
            return Ok(());
        }
        thread::Builder::new().name("scopegate-fetch".to_owned()).spawn(work).map(drop)
    }
}
