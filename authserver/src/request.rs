//! What the endpoints take from a request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};

use crate::error::ErrorResponse;
use crate::issuer::Issuer;
use crate::server::ServerState;

/// The largest request body, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 16 * 1024;
/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// The issuer that the path names.
pub(crate) struct AtIssuer(pub(crate) Arc<Issuer>);

impl FromRequestParts<Arc<ServerState>> for AtIssuer {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ServerState>) -> Result<Self, ErrorResponse> {
        let Path(id) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| ErrorResponse::not_found())?;
        Ok(Self(Arc::clone(state.issuer(&id)?)))
    }
}

/// The whole body, bounded in size and time.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ErrorResponse;

    async fn from_request(request: Request, state: &S) -> Result<Self, ErrorResponse> {
        match tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, state)).await {
            Ok(Ok(bytes)) => Ok(Self(bytes)),
            Ok(Err(rejection)) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(ErrorResponse::body_too_large())
            }
            Ok(Err(_)) => Err(ErrorResponse::invalid_request("The body could not be read")),
            Err(_) => Err(ErrorResponse::request_timeout()),
        }
    }
}

/// The parameters of a token request (RFC 6749 section 3.2): in the body alone, each at most once. Only
/// `resource` may be repeated (RFC 8707 section 2). A parameter without a value counts as absent; parameters
/// that are not known are ignored.
#[derive(Debug)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    pub(crate) fn parse(headers: &HeaderMap, body: &[u8]) -> Result<Self, ErrorResponse> {
        if !is_form(headers) {
            return Err(ErrorResponse::invalid_request(
                "The body must be of type application/x-www-form-urlencoded",
            ));
        }
        let parameters: Vec<_> = form_urlencoded::parse(body).into_owned().collect();
        let mut seen = BTreeSet::new();
        if !parameters.iter().all(|(name, _)| name == "resource" || seen.insert(name)) {
            return Err(ErrorResponse::invalid_request("A parameter is repeated"));
        }
        Ok(Self(parameters))
    }

    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    pub(crate) fn values(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next()).map(str::trim);
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
}
