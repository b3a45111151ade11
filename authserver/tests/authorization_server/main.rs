//! The authorization server as its clients meet it: over HTTP, and as a process.

mod administration;
mod client_authentication;
mod configuration;
mod discovery;
mod fixture;
mod issued_tokens;
mod limits;
mod process;
mod token_endpoint;
mod verification;
