//! Panics as errors of JavaScript.

use std::panic::{AssertUnwindSafe, catch_unwind};

use napi::{Error, Result};

/// Runs `work`. A panic in it is an error without the panic's text, which `lib/` turns into the refusal for a fault
/// of our own.
pub(crate) fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::from_reason(PANICKED)))
}

/// The detail of the refusal.
pub(crate) const PANICKED: &str = "a panic was caught; its message is on standard error";

/// A place where a test can ask for a panic.
#[cfg(not(feature = "test-hooks"))]
pub(crate) fn point(_: &'static str) {}

#[cfg(feature = "test-hooks")]
pub(crate) use hooks::point;

#[cfg(feature = "test-hooks")]
mod hooks {
    use std::sync::Mutex;

    use napi_derive::napi;

    static ASKED: Mutex<Option<String>> = Mutex::new(None);

    /// The next call that passes this point panics.
    #[napi(catch_unwind)]
    pub(crate) fn panic_at(point: String) {
        *ASKED.lock().expect("no panic while it is locked") = Some(point);
    }

    pub(crate) fn point(name: &'static str) {
        let asked = ASKED.lock().expect("no panic while it is locked").take_if(|asked| asked == name);
        assert!(asked.is_none(), "asked for by a test");
    }
}
