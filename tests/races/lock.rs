//! `core/src/lock.rs` as the race checker sees it: the same locks, and beside each of them a number that is stored before
//! a lock is given back and loaded after it was taken. ThreadSanitizer follows these two; what the standard library does
//! inside a contended lock it does not see, since that comes compiled without it.

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{self, PoisonError, TryLockError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct Mutex<T> {
    order: AtomicU32,
    lock: sync::Mutex<T>,
}

pub(crate) struct MutexGuard<'a, T> {
    order: &'a AtomicU32,
    guard: Option<sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex { order: AtomicU32::new(0), lock: sync::Mutex::new(value) }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard::new(&self.order, self.lock.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.lock.try_lock() {
            Ok(guard) => Some(MutexGuard::new(&self.order, guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(MutexGuard::new(&self.order, poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

impl<'a, T> MutexGuard<'a, T> {
    fn new(order: &'a AtomicU32, guard: sync::MutexGuard<'a, T>) -> Self {
        order.load(Ordering::Acquire);
        MutexGuard { order, guard: Some(guard) }
    }

    /// The standard library's guard, which the caller is about to give back.
    fn give_back(mut self) -> (&'a AtomicU32, sync::MutexGuard<'a, T>) {
        self.order.fetch_add(1, Ordering::AcqRel);
        (self.order, self.guard.take().expect("held until it is dropped"))
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.order.fetch_add(1, Ordering::AcqRel);
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_ref().expect("held until it is dropped")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect("held until it is dropped")
    }
}

#[derive(Debug, Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Condvar(sync::Condvar::new())
    }

    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let (order, guard) = guard.give_back();
        MutexGuard::new(order, self.0.wait(guard).unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn wait_for<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        longest: Duration,
    ) -> (MutexGuard<'a, T>, bool) {
        let (order, guard) = guard.give_back();
        let (guard, outcome) = self.0.wait_timeout(guard, longest).unwrap_or_else(PoisonError::into_inner);
        (MutexGuard::new(order, guard), outcome.timed_out())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}
