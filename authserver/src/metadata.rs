//! Authorization server metadata (RFC 8414 section 2).

use serde::Serialize;

use crate::resource::Resource;

/// The document of one issuer. It names the authorization endpoint, the code response type and S256 although
/// that endpoint answers 501 for now: clients refuse a document without them.
#[derive(Debug, Serialize)]
pub(crate) struct Metadata<'a> {
    issuer: &'a str,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    scopes_supported: &'a [String],
    response_types_supported: [&'static str; 1],
    grant_types_supported: [&'static str; 1],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    code_challenge_methods_supported: [&'static str; 1],
    /// RFC 9728 section 4.
    protected_resources: [&'a str; 1],
}

impl<'a> Metadata<'a> {
    pub(crate) fn new(issuer: &'a str, resource: &'a Resource) -> Self {
        Self {
            issuer,
            authorization_endpoint: format!("{issuer}/authorize"),
            token_endpoint: format!("{issuer}/token"),
            jwks_uri: format!("{issuer}/jwks"),
            scopes_supported: &resource.scopes,
            response_types_supported: ["code"],
            grant_types_supported: ["client_credentials"],
            token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
            code_challenge_methods_supported: ["S256"],
            protected_resources: [&resource.identifier],
        }
    }
}
