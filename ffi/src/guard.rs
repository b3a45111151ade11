//! No panic leaves this library.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The body of every exported function. A panic in `body` gives what `otherwise` says instead.
///
/// Nothing is left half-done by it: handles do not change once they are made, and the core's locks do not poison.
pub(crate) fn guard<T>(entry: &str, otherwise: impl FnOnce() -> T, body: impl FnOnce() -> T) -> T {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        enter(entry);
        body()
    }));
    caught.unwrap_or_else(|payload| {
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(second); // there must be an end
        }
        otherwise()
    })
}

/// The guard of functions that read something from a handle. Without a handle, or after a panic, it is `absent`.
pub(crate) fn read<H, T: Copy>(entry: &str, handle: Option<&H>, absent: T, body: impl FnOnce(&H) -> T) -> T {
    guard(entry, || absent, || handle.map_or(absent, body))
}

#[cfg(feature = "test_hooks")]
fn enter(entry: &str) {
    crate::test_hooks::enter(entry);
}

#[cfg(not(feature = "test_hooks"))]
fn enter(_: &str) {}

#[cfg(test)]
mod tests {
    use super::guard;

    #[test]
    fn panic_gives_the_other_value() {
        assert_eq!(guard("", || 1, || panic!("asked for by the test")), 1);
        assert_eq!(guard("", || 1, || 2), 2);
    }

    #[test]
    fn payload_that_panics_when_dropped_stays_inside() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        assert_eq!(guard("", || 1, || std::panic::panic_any(Bomb)), 1);
    }
}
