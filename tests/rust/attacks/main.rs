//! The attacks of `tests/attacks.md` that a vector cannot state: whole products of inputs, what is not done (a connection,
//! a message, a byte told), and the page itself. Each test names its row.

mod answers;
mod keys;
mod map;
mod nesting;
mod signer;
mod supply_chain;
mod unsafe_code;
