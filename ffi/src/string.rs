//! Text across the boundary.

use std::ffi::{CStr, c_char};
use std::ptr;
use std::slice;

use crate::guard::guard;

/// Text or bytes by pointer and length.
///
/// Handed in, it is read during the call only and needs no NUL behind it. `data` may be NULL when `len` is 0; where
/// absent and empty differ, NULL is absent.
///
/// Handed out, it is lent: it lives as long as the handle it came from, has a NUL at `data[len]`, and is
/// `{NULL, 0}` when there is no such value.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Str {
    /// The first byte.
    pub data: *const c_char,
    /// How many bytes.
    pub len: usize,
}

/// The text of a C string, lent for as long as `text` lives. NULL gives `{NULL, 0}`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_str_from(text: *const c_char) -> Str {
    guard(
        "scopegate_str_from",
        || Str::NONE,
        || {
            if text.is_null() {
                return Str::NONE;
            }
            // SAFETY: the caller hands in a NUL-terminated string.
            let len = unsafe { CStr::from_ptr(text) }.count_bytes();
            Str { data: text, len }
        },
    )
}

/// A `Str` that no memory can have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Impossible;

impl Str {
    pub(crate) const NONE: Str = Str { data: ptr::null(), len: 0 };

    /// The bytes, or `None` for NULL.
    ///
    /// # Safety
    ///
    /// If `data` is not NULL, `len` bytes behind it are readable and unchanged for `'a`.
    pub(crate) unsafe fn bytes<'a>(self) -> Result<Option<&'a [u8]>, Impossible> {
        if self.len > isize::MAX.unsigned_abs() || (self.data.is_null() && self.len > 0) {
            return Err(Impossible);
        }
        if self.data.is_null() {
            return Ok(None);
        }
        // SAFETY: not NULL, not larger than memory, readable by the contract above.
        Ok(Some(unsafe { slice::from_raw_parts(self.data.cast(), self.len) }))
    }
}

/// Texts that a handle owns and lends, each with a NUL behind it.
#[derive(Default)]
pub(crate) struct Texts(Vec<u8>);

/// Where in its `Texts` a text is.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    start: usize,
    len: usize,
}

impl Texts {
    pub(crate) fn with_capacity(bytes: usize) -> Texts {
        Texts(Vec::with_capacity(bytes))
    }

    /// One text.
    pub(crate) fn of(text: impl AsRef<[u8]>) -> Texts {
        let mut texts = Texts::with_capacity(text.as_ref().len() + 1);
        texts.add(text);
        texts
    }

    pub(crate) fn add(&mut self, text: impl AsRef<[u8]>) -> Place {
        let place = Place { start: self.0.len(), len: text.as_ref().len() };
        self.0.extend_from_slice(text.as_ref());
        self.0.push(0);
        place
    }

    pub(crate) fn add_all(&mut self, texts: &[String]) -> Vec<Place> {
        texts.iter().map(|text| self.add(text)).collect()
    }

    pub(crate) fn bytes(&self, place: Place) -> &[u8] {
        self.0.get(place.start..).and_then(|behind| behind.get(..place.len)).unwrap_or_default()
    }

    /// A text, borrowed from `self` as long as C keeps the handle.
    pub(crate) fn lend(&self, place: Place) -> Str {
        let behind = self.0.get(place.start..).unwrap_or_default();
        Str { data: behind.as_ptr().cast(), len: place.len }
    }

    pub(crate) fn lend_at(&self, places: &[Place], index: usize) -> Str {
        self.lend_some(places.get(index).copied())
    }

    pub(crate) fn lend_some(&self, place: Option<Place>) -> Str {
        place.map_or(Str::NONE, |place| self.lend(place))
    }

    /// The text of [`Texts::of`].
    pub(crate) fn first(&self) -> Str {
        Str { data: self.0.as_ptr().cast(), len: self.0.len().saturating_sub(1) }
    }
}
