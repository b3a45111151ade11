//! What an operator does about keys.

use napi::Result;
use napi::bindgen_prelude::External;
use napi_derive::napi;
use scopegate_core::KeyControlError;

use crate::outcome::Mistake;
use crate::panics::{caught, point};
use crate::server::Server;

/// Distrusts a key. The argument that is wrong, if one is.
#[napi(catch_unwind)]
pub(crate) fn distrust_key(
    server: &External<Server>,
    issuer: String,
    kid: String,
) -> Result<Option<Mistake>> {
    caught(|| {
        point("distrust_key");
        Ok(mistake(server.distrust_key(&issuer, &kid)))
    })
}

/// Puts these keys in the place of an issuer's. The argument that is wrong, if one is.
#[napi(catch_unwind)]
pub(crate) fn replace_keys(
    server: &External<Server>,
    issuer: String,
    jwks: String,
) -> Result<Option<Mistake>> {
    caught(|| Ok(mistake(server.replace_keys(&issuer, &jwks))))
}

/// Ends `replace_keys`. The argument that is wrong, if one is.
#[napi(catch_unwind)]
pub(crate) fn resume(server: &External<Server>, issuer: String) -> Result<Option<Mistake>> {
    caught(|| Ok(mistake(server.resume(&issuer))))
}

/// The key sets that are held, as JSON.
#[napi(catch_unwind)]
pub(crate) fn export_keys(server: &External<Server>) -> Result<String> {
    caught(|| Ok(server.export_keys()))
}

fn mistake(result: std::result::Result<(), KeyControlError>) -> Option<Mistake> {
    let error = result.err()?;
    let argument = match &error {
        KeyControlError::UnknownIssuer => "issuer",
        KeyControlError::InvalidKid => "kid",
        KeyControlError::InvalidKeySet(_) => "jwks",
        _ => "keys",
    };
    Some(Mistake { path: argument.to_owned(), message: error.to_string() })
}
