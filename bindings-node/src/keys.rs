//! Fetching keys without the event loop.

use std::cell::RefCell;

use napi::bindgen_prelude::{AsyncTask, External};
use napi::{Env, Error, Result, Task};
use napi_derive::napi;
use scopegate_core::{KeyRequest, ResourceServer};

use crate::outcome::Mistake;
use crate::panics::{caught, point};

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

    fn lend(&self) -> Result<KeyRequest> {
        self.0.borrow().clone().ok_or_else(|| Error::from_reason("these keys were waited for already"))
    }
}

/// Fetches the keys on a thread of the pool. Resolves whatever happened: that shows in the decision that follows.
#[napi(catch_unwind)]
pub(crate) fn refresh(
    server: &External<ResourceServer>,
    keys: &External<Keys>,
) -> Result<AsyncTask<Refresh>> {
    caught(|| Ok(AsyncTask::new(Refresh { server: (**server).clone(), wanted: keys.lend()? })))
}

/// Starts that fetch on a thread of the core and returns at once.
#[napi(catch_unwind)]
pub(crate) fn start_refresh(server: &External<ResourceServer>, keys: &External<Keys>) -> Result<()> {
    caught(|| {
        server.start_refresh(&keys.lend()?);
        Ok(())
    })
}

/// Fetches the keys of every issuer on a thread of the pool. Resolves with those that failed: the issuer, and why.
#[napi(catch_unwind)]
pub(crate) fn warm_up(server: &External<ResourceServer>) -> Result<AsyncTask<WarmUp>> {
    caught(|| Ok(AsyncTask::new(WarmUp((**server).clone()))))
}

/// One fetch of one source.
pub(crate) struct Refresh {
    server: ResourceServer,
    wanted: KeyRequest,
}

impl Task for Refresh {
    type Output = ();
    type JsValue = ();

    fn compute(&mut self) -> Result<()> {
        caught(|| {
            point("refresh");
            let _ = self.server.refresh(&self.wanted);
            Ok(())
        })
    }

    fn resolve(&mut self, _: Env, (): ()) -> Result<()> {
        Ok(())
    }
}

/// One fetch of every source.
pub(crate) struct WarmUp(ResourceServer);

impl Task for WarmUp {
    type Output = Vec<(String, String)>;
    type JsValue = Vec<Mistake>;

    fn compute(&mut self) -> Result<Self::Output> {
        caught(|| match self.0.warm_up() {
            Ok(()) => Ok(Vec::new()),
            Err(errors) => {
                Ok(errors.iter().map(|(issuer, error)| (issuer.to_owned(), error.to_string())).collect())
            }
        })
    }

    fn resolve(&mut self, _: Env, failed: Self::Output) -> Result<Vec<Mistake>> {
        Ok(failed.into_iter().map(|(path, message)| Mistake { path, message }).collect())
    }
}
