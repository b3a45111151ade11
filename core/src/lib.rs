//! The core of Scopegate: decides whether a request to an MCP server may pass.
//!
//! It owns every decision and every byte of a refusal, so that servers in all languages answer alike. It is
//! synchronous: [`ResourceServer::check`] never blocks, [`ResourceServer::refresh`] fetches keys, and
//! [`ResourceServer::authorize`] does both. Start at [`ResourceServer`].
#![forbid(unsafe_code)]
// No input makes the core panic. Sums are left to the overflow checks of every profile: none of them adds what a token or a
// key server says without a bound.
#![cfg_attr(
    not(any(test, feature = "fuzzing")), // which brings parts of the tests
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::panic,
        clippy::unreachable,
        clippy::get_unwrap
    )
)]

mod call;
mod challenge;
mod clock;
mod config;
mod decision;
mod event;
mod explain;
mod fetch;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod issuers;
mod json;
mod keys;
mod lock;
mod metadata;
mod policy;
mod reason;
mod refusal;
mod rejection;
mod request;
mod resource_server;
mod response;
mod scope;
#[cfg(feature = "testing")]
#[allow(clippy::expect_used)] // a test is told at once that the system has no random numbers
pub mod testing;
mod token;
#[cfg(feature = "tower")]
pub mod tower;
mod url;
mod wire;

pub use call::{CallId, CallKind, FullCall, McpCall};
pub use config::{
    Advertise, AuthorizationServer, ChallengeScopes, ClaimPath, ClientAudience, ClientCertificate, Config,
    ConfigError, ConfigMistake, DistrustedKey, ENVIRONMENT, EventsConfig, HttpConfig, Issuers, KeysConfig,
    Offered, PolicyConfig, PolicyRule, Preset, PresetMember, PresetWant, RefusalBody, TokenCacheConfig,
    TokenFormat,
};
pub use event::audit::{AuditEvent, AuditStats, AuditedCall, Outcome};
pub use event::{Health, Stats};
pub use explain::{CheckOutcome, Explained, ExplainedCheck, Explanation, PastedRequest};
pub use fetch::{FetchError, FetchStep};
pub use keys::algorithm::Algorithm;
pub use keys::relay::RelayStatus;
pub use keys::scheduler::limit_fetches;
pub use keys::snapshot::{KeySnapshot, SourceSnapshot};
pub use keys::source::{KeyControlError, KeyRequest, LastError, SourceStatus};
pub use policy::{PolicyEntry, PolicyReport};
pub use reason::{Class, Reason};
pub use rejection::Rejection;
pub use request::{Aside, Request};
pub use resource_server::{Check, FetchErrors, ResourceServer};
pub use response::HttpResponse;
pub use token::access_token::{AccessToken, KeptToken};
pub use token::cache::TokenCacheStats;
pub use url::Url;
