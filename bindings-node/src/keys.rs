//! Fetching keys without the event loop: on Node's pool, for hosts that want no thread of ours.

use std::cell::RefCell;

use napi::bindgen_prelude::{AsyncTask, External};
use napi::{Env, Error, Result, Task};
use napi_derive::napi;
use scopegate_core::{KeyRequest, ResourceServer};

use crate::outcome::Mistake;
use crate::panics::{caught, point};
use crate::server::Server;

/// A request that waits for keys. It counts as one until its decision is made, not until it is collected.
pub(crate) struct Keys(RefCell<Option<KeyRequest>>);

impl Keys {
    pub(crate) fn new(wanted: KeyRequest) -> Self {
        Keys(RefCell::new(Some(wanted)))
    }

    /// The request, once.
    pub(crate) fn take(&self) -> Result<KeyRequest> {
        self.0.borrow_mut().take().ok_or_else(|| Error::from_reason("these keys were waited for already"))
    }

    pub(crate) fn lend(&self) -> Result<KeyRequest> {
        self.0.borrow().clone().ok_or_else(|| Error::from_reason("these keys were waited for already"))
    }
}

/// The issuers whose keys are not to be had, and why.
pub(crate) type Failures = Vec<(String, String)>;

/// Fetches the keys, on the calling thread or as long as it waits. What came of it shows in the decision that follows.
pub(crate) fn refresh_keys(server: &ResourceServer, wanted: &KeyRequest) -> Failures {
    point("refresh");
    let _ = server.refresh(wanted);
    Vec::new()
}

/// Fetches the keys of every issuer.
pub(crate) fn warm_up_keys(server: &ResourceServer) -> Failures {
    let failed = server.warm_up().err();
    let each = failed.iter().flat_map(|errors| errors.iter());
    each.map(|(issuer, error)| (issuer.to_owned(), error.to_string())).collect()
}

pub(crate) fn mistakes(failed: Failures) -> Vec<Mistake> {
    failed.into_iter().map(|(path, message)| Mistake { path, message }).collect()
}

/// Fetches the keys on a thread of the pool. Resolves whatever happened: that shows in the decision that follows.
#[napi(catch_unwind)]
pub(crate) fn refresh(server: &External<Server>, keys: &External<Keys>) -> Result<AsyncTask<OnPool>> {
    caught(|| {
        Ok(AsyncTask::new(OnPool { server: ResourceServer::clone(server), wanted: Some(keys.lend()?) }))
    })
}

/// Starts a fetch on a thread of the core and returns at once.
#[napi(catch_unwind)]
pub(crate) fn start_refresh(server: &External<Server>, keys: &External<Keys>) -> Result<()> {
    caught(|| {
        server.start_refresh(&keys.lend()?);
        Ok(())
    })
}

/// Fetches the keys of every issuer on a thread of the pool. Resolves with those that failed: the issuer, and why.
#[napi(catch_unwind)]
pub(crate) fn warm_up(server: &External<Server>) -> Result<AsyncTask<OnPool>> {
    caught(|| Ok(AsyncTask::new(OnPool { server: ResourceServer::clone(server), wanted: None })))
}

/// One fetch of one source, or of every source.
pub(crate) struct OnPool {
    server: ResourceServer,
    wanted: Option<KeyRequest>,
}

impl Task for OnPool {
    type Output = Failures;
    type JsValue = Vec<Mistake>;

    fn compute(&mut self) -> Result<Failures> {
        caught(|| match &self.wanted {
            Some(wanted) => Ok(refresh_keys(&self.server, wanted)),
            None => Ok(warm_up_keys(&self.server)),
        })
    }

    fn resolve(&mut self, _: Env, failed: Failures) -> Result<Vec<Mistake>> {
        Ok(mistakes(failed))
    }
}
