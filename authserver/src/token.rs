//! The token endpoint (RFC 6749 section 3.2) with the client credentials grant (section 4.4).

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Serialize;

use crate::client_authentication::authenticate;
use crate::error::ErrorResponse;
use crate::issuer::Issuer;
use crate::request::{AtIssuer, Body, Form};
use crate::resource::Resource;
use crate::response::json_response;
use crate::server::ServerState;

/// RFC 6749 section 5.1.
#[derive(Serialize)]
struct TokenResponse {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

pub(crate) async fn token(
    State(state): State<Arc<ServerState>>,
    AtIssuer(issuer): AtIssuer,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, ErrorResponse> {
    let form = Form::parse(&headers, &body)?;
    let client = authenticate(state.clients(), &headers, &form)?;
    match form.value("grant_type") {
        Some("client_credentials") => {}
        Some(_) => return Err(ErrorResponse::unsupported_grant_type()),
        None => return Err(ErrorResponse::invalid_request("grant_type is missing")),
    }
    check_target(issuer.resource(), &form)?;
    let scopes = client.grant(&issuer.resource().id)?.scopes(form.value("scope"))?;
    Ok(json_response(StatusCode::OK, &issue(&issuer, &client.id, &scopes)?))
}

/// Without `resource` the token is for the resource of the issuer (RFC 9068 section 3). Several values, which
/// RFC 8707 allows, must all name that resource: a token has one audience.
fn check_target(resource: &Resource, form: &Form) -> Result<(), ErrorResponse> {
    if form.values("resource").all(|indicator| resource.is_named(indicator)) {
        Ok(())
    } else {
        Err(ErrorResponse::invalid_target())
    }
}

fn issue(issuer: &Issuer, client_id: &str, scopes: &[&str]) -> Result<TokenResponse, ErrorResponse> {
    Ok(TokenResponse {
        access_token: issuer.issue(client_id, scopes)?,
        token_type: "Bearer",
        expires_in: issuer.resource().token_lifetime_seconds,
        scope: scopes.join(" "),
    })
}
