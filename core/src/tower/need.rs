//! Scopes that depend on the call: what the function of a layer is asked, and what is made of its answer.

use std::borrow::Cow;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::call::FullCall;
use crate::rejection::Rejection;
use crate::request::Request;
use crate::resource_server::ResourceServer;
use crate::token::access_token::AccessToken;

/// Gives the scopes that a call needs beside those of the configuration.
pub(super) type ScopesOf =
    dyn Fn(&FullCall<'_>, &AccessToken) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> + Send + Sync;

/// Asks the function for each call that the policy allows, and checks the token for all that it said. `request` has the
/// body that was read.
pub(super) fn require_of_calls(
    gate: &ResourceServer,
    request: &Request<'_>,
    token: &AccessToken,
    scopes_of: &ScopesOf,
) -> Result<(), Box<Rejection>> {
    gate.require(token, request)?; // where headers decided, the policy has not seen the body
    let mut calls = gate.calls(request)?;
    if calls.is_empty() {
        calls.push(FullCall { method: Cow::Borrowed(""), name: None, params: None });
    }
    let mut needed: Vec<String> = request.scopes.iter().map(|&scope| scope.to_owned()).collect();
    let fixed = needed.len();
    for call in &calls {
        let asked = catch_unwind(AssertUnwindSafe(|| scopes_of(call, token)));
        // What went wrong is told without its text, which may hold arguments or claims.
        let fault = |what| Box::new(gate.internal_error(what, request));
        let scopes = asked.map_err(|_| fault("scopes_of: the function panicked"))?;
        for scope in scopes.map_err(|_| fault("scopes_of: the function failed"))? {
            if !needed.contains(&scope) {
                needed.push(scope);
            }
        }
    }
    if needed.len() == fixed {
        return Ok(());
    }
    let needed: Vec<&str> = needed.iter().map(String::as_str).collect();
    gate.require(token, &request.scopes(&needed))
}
