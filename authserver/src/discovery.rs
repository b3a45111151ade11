//! Metadata and key set: what anybody may read, scripts in browsers included.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::error::ErrorResponse;
use crate::issuer::Issuer;
use crate::request::AtIssuer;
use crate::response::json_response;

pub(crate) async fn metadata(AtIssuer(issuer): AtIssuer) -> Result<Response, ErrorResponse> {
    document(&issuer, &issuer.metadata())
}

pub(crate) async fn jwk_set(AtIssuer(issuer): AtIssuer) -> Result<Response, ErrorResponse> {
    document(&issuer, &issuer.jwk_set())
}

/// Answers a CORS preflight: clients send `MCP-Protocol-Version` with discovery requests.
pub(crate) async fn preflight() -> impl IntoResponse {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "*, Authorization, MCP-Protocol-Version"),
        (header::ACCESS_CONTROL_MAX_AGE, "86400"),
    ];
    (StatusCode::NO_CONTENT, headers)
}

/// Opens every response of the discovery routes, refusals included, to scripts of any origin.
pub(crate) async fn allow_any_origin(mut response: Response) -> Response {
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}

fn document(issuer: &Issuer, document: &impl Serialize) -> Result<Response, ErrorResponse> {
    if !issuer.keys_available() {
        return Err(ErrorResponse::temporarily_unavailable());
    }
    let max_age = format!("public, max-age={}", issuer.resource().max_age_seconds);
    let max_age = HeaderValue::try_from(max_age).map_err(|_| ErrorResponse::server_error())?;
    let mut response = json_response(StatusCode::OK, document);
    response.headers_mut().insert(header::CACHE_CONTROL, max_age);
    Ok(response)
}
