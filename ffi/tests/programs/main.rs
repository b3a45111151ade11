//! Compiles the C and C++ programs of `tests/c/`, `ffi/examples/` and `docs/frameworks/c.md`, and runs them.
//!
//! What `make sanitize` changes, it changes through the environment: see `toolchain.rs`.

mod audit;
mod authorization_server;
mod calls;
mod documentation;
mod entry_points;
mod event_loop;
mod gated_server;
mod headers;
mod http;
mod installation;
mod issuer;
mod key_control;
mod misuse;
mod panics;
mod records;
mod remains;
mod symbols;
mod toolchain;
mod two_copies;
mod vectors;
mod verdicts;
