//! Panics on demand, for the tests that show what becomes of them.

use std::ffi::{CStr, c_char};
use std::sync::{Mutex, PoisonError};

static PANICS: Mutex<Option<String>> = Mutex::new(None);

/// Makes the exported function of this name panic from now on, or none for NULL.
///
/// cbindgen:ignore
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_test_hooks_panic_in(entry: *const c_char) {
    // SAFETY: NULL, or a NUL-terminated string of the test.
    let entry = (!entry.is_null()).then(|| unsafe { CStr::from_ptr(entry) }.to_string_lossy().into_owned());
    *PANICS.lock().unwrap_or_else(PoisonError::into_inner) = entry;
}

pub(crate) fn enter(entry: &str) {
    let panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner).as_deref() == Some(entry);
    assert!(!panics, "asked for by a test");
}
