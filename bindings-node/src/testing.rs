//! An issuer in memory, for the tests of servers.

use napi::bindgen_prelude::External;
use napi::{Error, Result};
use napi_derive::napi;
use scopegate_core::testing::Issuer;

use crate::panics::caught;

/// An issuer whose tokens are for this resource.
#[napi(catch_unwind)]
pub(crate) fn issuer(resource: String) -> Result<External<Issuer>> {
    caught(|| Ok(External::new(Issuer::new(&resource))))
}

/// The `iss` of its tokens.
#[napi(catch_unwind)]
pub(crate) fn issuer_name(issuer: &External<Issuer>) -> Result<String> {
    caught(|| Ok(issuer.issuer().to_owned()))
}

/// An entry for `authorization_servers`, as JSON.
#[napi(catch_unwind)]
pub(crate) fn issuer_server(issuer: &External<Issuer>) -> Result<String> {
    caught(|| Ok(issuer.server()))
}

/// A token with these claims, a JSON object.
#[napi(catch_unwind)]
pub(crate) fn mint(issuer: &External<Issuer>, claims: String) -> Result<String> {
    caught(|| {
        let claims =
            serde_json::from_str(&claims).map_err(|_| Error::from_reason("claims: expected an object"))?;
        Ok(issuer.mint(&claims))
    })
}

/// Signs with a new key from now on.
#[napi(catch_unwind)]
pub(crate) fn rotate(issuer: &External<Issuer>) -> Result<()> {
    caught(|| {
        issuer.rotate();
        Ok(())
    })
}
