//! Which path is answered by what.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::map_response;
use axum::routing::{any, get, post};

use crate::error::ErrorResponse;
use crate::request::{AtIssuer, MAX_BODY_BYTES};
use crate::server::ServerState;
use crate::{admin, discovery, token};

pub(crate) fn router(state: Arc<ServerState>) -> Router {
    Router::new()
        .merge(discovery_routes())
        .route("/{id}/authorize", any(authorization_endpoint))
        .route("/{id}/token", post(token::token))
        .route("/{id}/admin/rotate", post(admin::rotate))
        .route("/{id}/admin/keys", post(admin::set_keys_available))
        .fallback(async || ErrorResponse::not_found())
        .method_not_allowed_fallback(async || ErrorResponse::method_not_allowed())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(state)
}

/// The metadata at every path where clients look for it: RFC 8414 section 3.1, OpenID Connect Discovery 1.0
/// section 4, and both names in the place of the other.
fn discovery_routes() -> Router<Arc<ServerState>> {
    let metadata = || get(discovery::metadata).options(discovery::preflight);
    Router::new()
        .route("/.well-known/oauth-authorization-server/{id}", metadata())
        .route("/.well-known/openid-configuration/{id}", metadata())
        .route("/{id}/.well-known/oauth-authorization-server", metadata())
        .route("/{id}/.well-known/openid-configuration", metadata())
        .route("/{id}/jwks", get(discovery::jwk_set).options(discovery::preflight))
        .layer(map_response(discovery::allow_any_origin))
}

async fn authorization_endpoint(_: AtIssuer) -> ErrorResponse {
    ErrorResponse::authorization_code_not_implemented()
}
