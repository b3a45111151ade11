//! The C interface of Scopegate: `include/scopegate.h` is generated from this crate.
//!
//! It converts arguments and results and decides nothing. Each exported function is named `scopegate_<type>_<verb>`
//! and keeps every panic inside. What a caller must keep stands at the head of the header; it is the contract that
//! each `unsafe` here relies on.
#![warn(clippy::undocumented_unsafe_blocks)]
// The header's head is the safety section of every function.
#![allow(clippy::missing_safety_doc)]

#[cfg(panic = "abort")]
compile_error!("scopegate-ffi answers a panic with a refusal, so it needs panic = \"unwind\"");

mod answer;
mod argument;
mod guard;

// One part of the header each, in the header's order.
pub mod version;

pub mod status;

pub mod string;

pub mod request;

pub mod server;

pub mod verdict;

pub mod kept_token;
pub mod key_request;

pub mod key_control;

pub mod token;

pub mod response;

pub mod report;

pub mod error;

#[cfg(feature = "test_hooks")]
pub mod test_hooks;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_may_be_shared_by_threads() {
        fn shareable<T: Send + Sync>() {}
        shareable::<server::Server>();
        shareable::<key_request::KeyRequest>();
        shareable::<token::Token>();
        shareable::<response::Response>();
        shareable::<report::Report>();
        shareable::<error::Error>();
    }
}
