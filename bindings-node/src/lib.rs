//! The native module of the npm package `scopegate`. It converts arguments and results, and decides nothing.
//!
//! Its functions take a server as an opaque handle and return plain data; the classes that users see are written in
//! JavaScript (`lib/`), which also checks the types of all arguments. A panic in a function that Node.js calls would
//! end the process, so each function catches it.

#[cfg(panic = "abort")]
compile_error!(
    "a panic must unwind, so that it becomes a refusal: remove panic = \"abort\" from the profile"
);

mod errand;
mod key_control;
mod keys;
mod outcome;
mod panics;
mod request;
mod server;
mod testing;
mod told;

use napi_derive::{module_init, napi};

/// Fetches of keys may hold threads of Node's pool, which has four for all of the process, files and DNS included.
const MAX_FETCHES: usize = 2;

#[module_init]
fn init() {
    // A thread of ours, such as one that resolves a name, may outlive the JavaScript thread that loaded the module.
    napi::bindgen_prelude::retain_current_module_for_unload_safety();
    scopegate_core::limit_fetches(MAX_FETCHES);
}

/// The version of the package that this was built for.
#[napi(catch_unwind)]
pub(crate) fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
