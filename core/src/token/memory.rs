//! What values take on the heap.

/// What an allocation of so many bytes takes: the size and a word of the allocator's own, in steps of 16, at least 32
/// (glibc; others take no more).
pub(crate) const fn allocation(bytes: usize) -> usize {
    match bytes {
        0 => 0,
        1..=24 => 32,
        _ => (bytes + 8).next_multiple_of(16),
    }
}

/// The two counts of an `Arc`.
pub(crate) const COUNTS: usize = 2 * size_of::<usize>();

/// A value that owns memory apart from its own place.
pub(crate) trait Owned {
    fn owned(&self) -> usize;
}

impl Owned for String {
    fn owned(&self) -> usize {
        allocation(self.capacity())
    }
}

impl<T: Owned> Owned for Option<T> {
    fn owned(&self) -> usize {
        self.as_ref().map_or(0, T::owned)
    }
}

impl<T: Owned> Owned for Vec<T> {
    fn owned(&self) -> usize {
        allocation(self.capacity() * size_of::<T>()) + self.iter().map(T::owned).sum::<usize>()
    }
}

impl Owned for serde_json::Value {
    fn owned(&self) -> usize {
        use serde_json::Value;
        match self {
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
            Value::String(text) => text.owned(),
            Value::Array(items) => items.owned(),
            // An ordered map: its entries with their hashes, and an index that is at most half empty.
            Value::Object(members) => {
                members.iter().map(|(name, value)| 160 + name.owned() + value.owned()).sum()
            }
        }
    }
}
