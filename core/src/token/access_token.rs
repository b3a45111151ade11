//! What a valid token says.

use std::fmt;
use std::sync::Arc;

/// A verified access token: what it says, typed, in the same fields in every language. Cloning shares it.
///
/// It never holds the token itself, because MCP forbids passing it on. Its `Debug` form shows no claim.
#[derive(Clone)]
pub struct AccessToken(Arc<Fields>);

pub(crate) struct Fields {
    pub(crate) issuer: String,
    pub(crate) subject: Option<String>,
    pub(crate) client_id: Option<String>,
    pub(crate) scopes: Vec<String>,
    pub(crate) effective_scopes: Vec<String>,
    pub(crate) audience: Vec<String>,
    pub(crate) resource: String,
    pub(crate) expires_at: i64,
    pub(crate) issued_at: Option<i64>,
    pub(crate) token_id: Option<String>,
    pub(crate) principal: Option<String>,
    pub(crate) claims: String,
}

impl AccessToken {
    pub(crate) fn new(fields: Fields) -> Self {
        AccessToken(Arc::new(fields))
    }

    /// Who issued it: a configured issuer (`iss`).
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Whom it speaks for (`sub`). A client that speaks for itself may be named here too (RFC 9068 section 2.2).
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The client it was issued to: the first of `client_id_claims` that is present.
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// The granted scopes in the token's order, without duplicates, with `scope_prefix`.
    pub fn scopes(&self) -> &[String] {
        &self.0.scopes
    }

    /// The granted scopes, then those that they imply, sorted by bytes. For hosts that compare without hierarchy.
    pub fn effective_scopes(&self) -> &[String] {
        &self.0.effective_scopes
    }

    /// Whom it is for (`aud`); empty when another claim stood in for it.
    pub fn audience(&self) -> &[String] {
        &self.0.audience
    }

    /// The resource that accepted it, as configured.
    pub fn resource(&self) -> &str {
        &self.0.resource
    }

    /// When it expires (`exp`), in seconds since 1970, rounded down. The leeway is not added.
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// When it was issued (`iat`), in seconds since 1970, rounded up.
    pub fn issued_at(&self) -> Option<i64> {
        self.0.issued_at
    }

    /// Its identifier (`jti`). Unique only together with the issuer.
    pub fn token_id(&self) -> Option<&str> {
        self.0.token_id.as_deref()
    }

    /// Issuer, a blank, then subject, or client where there is no subject: the key for sessions and stored state.
    pub fn principal(&self) -> Option<&str> {
        self.0.principal.as_deref()
    }

    /// All claims: the JSON object exactly as it was signed.
    pub fn claims_json(&self) -> &str {
        &self.0.claims
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").finish_non_exhaustive()
    }
}
