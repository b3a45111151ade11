//! Administration over HTTP: rotates keys and takes an issuer's documents offline. It exists only when the
//! configuration has an `admin_secret`.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use crate::error::ErrorResponse;
use crate::request::{AtIssuer, Body};
use crate::response::json_response;
use crate::server::ServerState;
use crate::strict_json;

/// Proof that the request carries the administration secret as a Bearer credential.
pub(crate) struct Administrator;

impl FromRequestParts<Arc<ServerState>> for Administrator {
    type Rejection = ErrorResponse;

    async fn from_request_parts(parts: &mut Parts, state: &Arc<ServerState>) -> Result<Self, ErrorResponse> {
        let secret = state.admin_secret().ok_or(ErrorResponse::not_found())?;
        let line = parts.headers.get(header::AUTHORIZATION).and_then(|line| line.to_str().ok());
        let presented = line.and_then(|line| line.split_once(' '));
        match presented {
            Some((scheme, presented))
                if scheme.eq_ignore_ascii_case("Bearer") && secret.matches(presented.trim()) =>
            {
                Ok(Self)
            }
            _ => Err(ErrorResponse::administrator_required()),
        }
    }
}

#[derive(Serialize)]
struct Rotated {
    /// The key identifiers of the key set; the first one signs.
    kids: Vec<String>,
}

pub(crate) async fn rotate(
    Administrator: Administrator,
    AtIssuer(issuer): AtIssuer,
    Body(body): Body,
) -> Result<Response, ErrorResponse> {
    let overlap = flag(&body, "overlap")?;
    let kids = tokio::task::spawn_blocking(move || issuer.rotate(overlap))
        .await
        .map_err(|_| ErrorResponse::server_error())?
        .map_err(|_| ErrorResponse::server_error())?;
    Ok(json_response(StatusCode::OK, &Rotated { kids }))
}

#[derive(Serialize)]
struct KeyAvailability {
    available: bool,
}

pub(crate) async fn set_keys_available(
    Administrator: Administrator,
    AtIssuer(issuer): AtIssuer,
    Body(body): Body,
) -> Result<Response, ErrorResponse> {
    let available = flag(&body, "available")?;
    issuer.set_keys_available(available);
    Ok(json_response(StatusCode::OK, &KeyAvailability { available }))
}

/// The value of a JSON object with this member alone.
fn flag(body: &[u8], name: &str) -> Result<bool, ErrorResponse> {
    let members = strict_json::parse(body).ok().and_then(|value| value.as_object().cloned());
    members
        .filter(|members| members.len() == 1)
        .and_then(|members| members.get(name)?.as_bool())
        .ok_or(ErrorResponse::invalid_request("The body must be a JSON object with one boolean member"))
}
