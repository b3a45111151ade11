//! What can go wrong: error responses on the wire, and the errors of the library.

use std::io;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::keys::KeyError;
use crate::response::json_response;

/// An error response in the form of RFC 6749 section 5.2, which the other endpoints use as well. The texts are
/// fixed: nothing of the request is repeated.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct ErrorResponse {
    #[serde(skip)]
    status: StatusCode,
    #[serde(skip)]
    challenge: Option<&'static str>,
    error: &'static str,
    error_description: &'static str,
}

impl ErrorResponse {
    const fn new(status: StatusCode, error: &'static str, error_description: &'static str) -> Self {
        Self { status, challenge: None, error, error_description }
    }

    const fn bad_request(error: &'static str, error_description: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, error_description)
    }

    pub(crate) const fn invalid_request(description: &'static str) -> Self {
        Self::bad_request("invalid_request", description)
    }

    /// Always with a challenge: it is required when the client tried Basic, and HTTP wants one on every 401.
    pub(crate) const fn invalid_client() -> Self {
        Self {
            challenge: Some(r#"Basic realm="token", charset="UTF-8""#),
            ..Self::new(StatusCode::UNAUTHORIZED, "invalid_client", "Client authentication failed")
        }
    }

    pub(crate) const fn unauthorized_client(description: &'static str) -> Self {
        Self::bad_request("unauthorized_client", description)
    }

    pub(crate) const fn unsupported_grant_type() -> Self {
        Self::bad_request("unsupported_grant_type", "The only grant type is client_credentials")
    }

    pub(crate) const fn invalid_scope(description: &'static str) -> Self {
        Self::bad_request("invalid_scope", description)
    }

    /// RFC 8707 section 2.
    pub(crate) const fn invalid_target() -> Self {
        Self::bad_request("invalid_target", "resource must be the identifier of the resource of this issuer")
    }

    pub(crate) const fn authorization_code_not_implemented() -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "unsupported_response_type",
            "The authorization endpoint is not implemented",
        )
    }

    pub(crate) const fn administrator_required() -> Self {
        Self {
            challenge: Some(r#"Bearer realm="administration""#),
            ..Self::new(StatusCode::UNAUTHORIZED, "unauthorized", "The administration secret is required")
        }
    }

    pub(crate) const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path")
    }

    pub(crate) const fn method_not_allowed() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "See the Allow header")
    }

    pub(crate) const fn request_timeout() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, "invalid_request", "The body did not arrive in time")
    }

    pub(crate) const fn body_too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", "The body is over 16384 bytes")
    }

    pub(crate) const fn temporarily_unavailable() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "The metadata and the keys of this issuer were made unavailable by its administrator",
        )
    }

    pub(crate) const fn server_error() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Internal error")
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        let mut response = json_response(self.status, &self);
        if let Some(challenge) = self.challenge {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

impl From<IssuerError> for ErrorResponse {
    fn from(error: IssuerError) -> Self {
        match error {
            IssuerError::UnknownResource(_) => Self::not_found(),
            IssuerError::Key(_) | IssuerError::Clock => Self::server_error(),
        }
    }
}

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configured address cannot be listened on.
    #[error("cannot listen on the configured address: {0}")]
    Listen(#[source] io::Error),
    /// The operating system gave no thread or no event queue.
    #[error("cannot start the server's thread: {0}")]
    Thread(#[source] io::Error),
    /// The first signing keys could not be made.
    #[error("cannot make the signing keys: {0}")]
    Keys(#[from] KeyError),
}

/// Why an issuer could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// No resource with this id is registered.
    #[error("no resource with the id `{0}` is registered")]
    UnknownResource(String),
    /// A key could not be made or used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The machine's clock stands before 1970.
    #[error("the clock stands before 1970")]
    Clock,
}
