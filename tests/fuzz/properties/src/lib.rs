//! What must hold for every input: the bodies of the fuzz targets, one module each.
//!
//! A target's input is read by `holds_for`, which panics where a property does not hold. cargo-fuzz calls it with what it
//! makes up; a test calls it with the corpus and with every input that was a finding.
#![deny(unsafe_code)]

mod answer;
mod fields;
mod issuer;
mod outcome;

pub mod c_calls;
pub mod call;
pub mod challenge;
pub mod claims;
pub mod configuration;
pub mod discovery;
pub mod jws;
pub mod key_set;
pub mod key_source;
pub mod policy;
pub mod request;

/// A target: its name, which is that of its folders, and its properties.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 11] = [
    ("request", request::holds_for),
    ("call", call::holds_for),
    ("jws", jws::holds_for),
    ("claims", claims::holds_for),
    ("key_set", key_set::holds_for),
    ("discovery", discovery::holds_for),
    ("configuration", configuration::holds_for),
    ("policy", policy::holds_for),
    ("challenge", challenge::holds_for),
    ("c_calls", c_calls::holds_for),
    ("key_source", key_source::holds_for),
];
