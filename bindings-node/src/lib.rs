//! The native module of the npm package `scopegate`. It converts arguments and results, and decides nothing.
//!
//! Its functions take a server as an opaque handle and return plain data; the classes that users see are written in
//! JavaScript (`lib/`), which also checks the types of all arguments. A panic in a function that Node.js calls would
//! end the process, so each function catches it.

#[cfg(panic = "abort")]
compile_error!(
    "a panic must unwind, so that it becomes a refusal: remove panic = \"abort\" from the profile"
);

mod keys;
mod outcome;
mod panics;
mod request;
mod server;
mod testing;
