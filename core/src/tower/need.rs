//! Scopes that depend on the call: what the function of a layer is asked, and what is made of its answer.

use std::borrow::Cow;
use std::error::Error;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use crate::call::FullCall;
use crate::rejection::Rejection;
use crate::request::Request;
use crate::resource_server::ResourceServer;
use crate::token::access_token::AccessToken;

/// The scopes that a call needs beside those of the configuration, or why they are not known.
pub type ScopesNeeded = Result<Vec<String>, Box<dyn Error + Send + Sync>>;

/// The same, from a function that may wait.
pub type ScopesNeededLater<'a> = Pin<Box<dyn Future<Output = ScopesNeeded> + Send + 'a>>;

type Now = dyn Fn(&FullCall<'_>, &AccessToken) -> ScopesNeeded + Send + Sync;
type Later = dyn for<'a> Fn(&'a FullCall<'a>, &'a AccessToken) -> ScopesNeededLater<'a> + Send + Sync;

/// The function of a layer.
#[derive(Clone)]
pub(super) enum ScopesOf {
    Now(Arc<Now>),
    Later(Arc<Later>),
}

/// It panicked.
struct Panicked;

impl ScopesOf {
    async fn ask(&self, call: &FullCall<'_>, token: &AccessToken) -> Result<ScopesNeeded, Panicked> {
        match self {
            ScopesOf::Now(asked) => guarded(|| asked(call, token)),
            ScopesOf::Later(asked) => {
                let mut answer = guarded(|| asked(call, token))?;
                poll_fn(|context| match guarded(|| answer.as_mut().poll(context)) {
                    Ok(Poll::Pending) => Poll::Pending,
                    Ok(Poll::Ready(scopes)) => Poll::Ready(Ok(scopes)),
                    Err(panicked) => Poll::Ready(Err(panicked)),
                })
                .await
            }
        }
    }
}

fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Panicked)
}

/// Asks the function for each call that the policy allows, and checks the token for all that it said. `request` has the
/// body that was read.
pub(super) async fn require_of_calls(
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
        // What went wrong is told without its text, which may hold arguments or claims.
        let fault = |what| Box::new(gate.internal_error(what, request));
        let asked = scopes_of.ask(call, token).await;
        let scopes = asked.map_err(|Panicked| fault("scopes_of: the function panicked"))?;
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
