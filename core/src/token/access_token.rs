//! What a valid token says.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::claims::Claims;
use super::memory::{COUNTS, Owned, allocation};
use crate::scope::ScopeSet;

/// A verified access token: what it says, typed, in the same fields in every language. Cloning shares it.
///
/// It never holds the token itself, because MCP forbids passing it on. Its `Debug` form shows no claim.
#[derive(Clone)]
pub struct AccessToken(Arc<Numbered>);

struct Numbered {
    verification: u64,
    fields: Fields,
}

pub(crate) struct Fields {
    pub(crate) issuer: String,
    pub(crate) claims: Claims,
    /// Where it differs from the granted scopes.
    pub(crate) effective_scopes: Option<Vec<String>>,
    pub(crate) resource: String,
    pub(crate) principal: Option<String>,
    /// The payload as signed.
    pub(crate) payload: String,
}

impl AccessToken {
    pub(crate) fn new(fields: Fields) -> Self {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let verification = LAST.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        AccessToken(Arc::new(Numbered { verification, fields }))
    }

    /// The number of the verification that it came from: from 1 on, never the same again in this process. Clones share
    /// it, and so do all answers from one entry of verified tokens. Who keeps something beside a token, such as an object
    /// made of it, knows by it alone that the token is the same.
    pub fn verification(&self) -> u64 {
        self.0.verification
    }

    /// What it was judged by, to be judged again.
    pub(crate) fn claims(&self) -> &Claims {
        &self.0.fields.claims
    }

    /// Who issued it: a configured issuer (`iss`).
    pub fn issuer(&self) -> &str {
        &self.0.fields.issuer
    }

    /// Whom it speaks for (`sub`). A client that speaks for itself may be named here too (RFC 9068 section 2.2).
    pub fn subject(&self) -> Option<&str> {
        self.0.fields.claims.subject.as_deref()
    }

    /// The client it was issued to: the first of `client_id_claims` that is present.
    pub fn client_id(&self) -> Option<&str> {
        self.0.fields.claims.client_id.as_deref()
    }

    /// The granted scopes in the token's order, without duplicates, with `scope_prefix`.
    pub fn scopes(&self) -> &[String] {
        self.0.fields.claims.scopes.as_ref().map_or(&[], ScopeSet::as_slice)
    }

    /// The granted scopes, then those that they imply, sorted by bytes. For hosts that compare without hierarchy.
    pub fn effective_scopes(&self) -> &[String] {
        self.0.fields.effective_scopes.as_deref().unwrap_or_else(|| self.scopes())
    }

    /// Whom it is for (`aud`); empty when another claim stood in for it.
    pub fn audience(&self) -> &[String] {
        self.0.fields.claims.audience.as_deref().unwrap_or_default()
    }

    /// The resource that accepted it, as configured.
    pub fn resource(&self) -> &str {
        &self.0.fields.resource
    }

    /// When it expires (`exp`), in seconds since 1970, rounded down. The leeway is not added.
    pub fn expires_at(&self) -> i64 {
        self.0.fields.claims.expires_at.unwrap_or_default()
    }

    /// When it was issued (`iat`), in seconds since 1970, rounded up.
    pub fn issued_at(&self) -> Option<i64> {
        self.0.fields.claims.issued_at
    }

    /// Its identifier (`jti`). Unique only together with the issuer.
    pub fn token_id(&self) -> Option<&str> {
        self.0.fields.claims.token_id.as_deref()
    }

    /// Issuer, a blank, then subject, or client where there is no subject: the key for sessions and stored state.
    pub fn principal(&self) -> Option<&str> {
        self.0.fields.principal.as_deref()
    }

    /// All claims: the JSON object exactly as it was signed.
    pub fn claims_json(&self) -> &str {
        &self.0.fields.payload
    }
}

/// What an access token said that was verified, in memory of a host that let go of the [`AccessToken`] itself: such as one
/// whose garbage collector tells too late that nobody uses it.
///
/// The host vouches for every member. It is good for [`ResourceServer::require_kept`](crate::ResourceServer::require_kept)
/// and [`ResourceServer::allowed_kept`](crate::ResourceServer::allowed_kept), and never becomes an [`AccessToken`]. Its
/// `Debug` form shows no claim.
#[derive(Clone, Copy)]
pub struct KeptToken<'a> {
    /// [`AccessToken::issuer`].
    pub issuer: &'a str,
    /// [`AccessToken::subject`].
    pub subject: Option<&'a str>,
    /// [`AccessToken::client_id`].
    pub client_id: Option<&'a str>,
    /// [`AccessToken::token_id`].
    pub token_id: Option<&'a str>,
    /// [`AccessToken::scopes`], with single blanks between them; empty when there are none.
    pub scope: &'a str,
}

impl KeptToken<'_> {
    /// For a decision on it; it is never handed out.
    pub(crate) fn restored(&self) -> AccessToken {
        let fields = Fields {
            issuer: self.issuer.to_owned(),
            claims: Claims::kept(self),
            effective_scopes: None,
            resource: String::new(),
            principal: None,
            payload: String::new(),
        };
        AccessToken(Arc::new(Numbered { verification: 0, fields }))
    }
}

impl fmt::Debug for KeptToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptToken").finish_non_exhaustive()
    }
}

impl Owned for AccessToken {
    fn owned(&self) -> usize {
        let fields = &self.0.fields;
        let texts = fields.issuer.owned() + fields.resource.owned() + fields.payload.owned();
        let rest = fields.claims.owned() + fields.effective_scopes.owned() + fields.principal.owned();
        allocation(COUNTS + size_of::<Numbered>()) + texts + rest
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken").finish_non_exhaustive()
    }
}
