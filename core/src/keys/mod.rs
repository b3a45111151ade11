//! Keys: what they are, how a set is read, where it comes from and when it is fetched.

pub(crate) mod algorithm;
mod attempts;
pub(crate) mod discovery;
pub(crate) mod distrust;
mod draw;
mod exchange;
pub(crate) mod flight;
mod held;
pub(crate) mod jwk;
pub(crate) mod key_set;
mod plan;
pub(crate) mod relay;
mod roca;
pub(crate) mod scheduler;
pub(crate) mod snapshot;
pub(crate) mod source;
mod status;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod test_keys;
