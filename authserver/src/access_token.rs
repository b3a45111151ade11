//! The claims of an access token (RFC 9068 section 2.2).

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::error::IssuerError;
use crate::keys::KeyError;
use crate::resource::Resource;

const TOKEN_ID_BYTES: usize = 16;

#[derive(Debug, Serialize)]
pub(crate) struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    iat: u64,
    exp: u64,
    jti: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    scope: String,
}

impl<'a> Claims<'a> {
    /// A token that a client got for itself: with no user involved the client is the subject.
    pub(crate) fn for_client(
        issuer: &'a str,
        resource: &'a Resource,
        client_id: &'a str,
        scopes: &[&str],
    ) -> Result<Self, IssuerError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| IssuerError::Clock)?.as_secs();
        Ok(Self {
            iss: issuer,
            sub: client_id,
            aud: &resource.identifier,
            client_id,
            iat: now,
            exp: now.saturating_add(resource.token_lifetime_seconds),
            jti: token_id()?,
            scope: scopes.join(" "),
        })
    }
}

fn token_id() -> Result<String, KeyError> {
    let mut bytes = [0; TOKEN_ID_BYTES];
    rand::fill(&mut bytes).map_err(|_| KeyError)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
