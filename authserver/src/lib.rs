//! An OAuth 2.1 authorization server on loopback, for development, demonstrations and tests: everything
//! runs without an account anywhere.
//!
//! Each registered resource has an issuer of its own, `{origin}/{resource-id}`, with its own metadata
//! (RFC 8414), keys and token endpoint. Tokens follow RFC 9068. All state is in memory and is gone when the
//! server stops. It speaks plain HTTP and listens on loopback alone; it is not meant to face a network.
//!
//! ```
//! use scopegate_authserver::{AuthorizationServer, Config};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::from_json(
//!     r#"{
//!         "resources": [{
//!             "id": "weather",
//!             "name": "Weather",
//!             "resource": "http://127.0.0.1:8000/mcp",
//!             "scopes": ["mcp:tools:weather"],
//!             "algorithm": "ES256"
//!         }],
//!         "clients": [{
//!             "id": "demo-client",
//!             "secret": "test-only-client-secret",
//!             "grants": [{"resource": "weather", "scopes": ["mcp:tools:weather"]}]
//!         }]
//!     }"#,
//! )?;
//! let server = AuthorizationServer::start(config)?;
//! let issuer = server.issuer("weather").ok_or("not registered")?;
//! assert_eq!(issuer, format!("{}/weather", server.origin()));
//! # Ok(())
//! # }
//! ```

mod access_token;
mod admin;
mod client;
mod client_authentication;
mod config;
mod connections;
mod discovery;
mod error;
mod issuer;
mod keys;
mod metadata;
mod request;
mod resource;
mod response;
mod router;
mod secret;
mod server;
mod strict_json;
mod token;

pub use config::{Config, ConfigError, FieldError};
pub use error::{IssuerError, StartError};
pub use keys::KeyError;
pub use server::AuthorizationServer;
