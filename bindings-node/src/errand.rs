//! Fetching keys on a thread of our own, while JavaScript asks now and then whether it has ended.
//!
//! Node.js ends neither the process nor a worker before its pool has done what it began, so a fetch there would hold
//! the end up for as long as a key server hangs. A ThreadsafeFunction would not: but in some versions of Node.js it is
//! freed when its worker ends, while our thread may still call it.

use std::cell::RefCell;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

use napi::bindgen_prelude::External;
use napi::{Error, Result};
use napi_derive::napi;
use scopegate_core::ResourceServer;

use crate::keys::{Failures, Keys, mistakes, refresh_keys, warm_up_keys};
use crate::outcome::Mistake;
use crate::panics::{PANICKED, caught};
use crate::server::Server;

/// What a thread will say when it has ended.
pub(crate) struct Errand(RefCell<Receiver<Failures>>);

impl Errand {
    /// The thread outlives a JavaScript thread that ends before it, and ends with the process.
    fn run(work: impl FnOnce() -> Failures + Send + 'static) -> Result<Self> {
        let (sender, receiver) = channel();
        let thread = thread::Builder::new().name("scopegate-wait".to_owned());
        let started = thread.spawn(move || drop(sender.send(work())));
        match started {
            Ok(_) => Ok(Errand(RefCell::new(receiver))),
            Err(_) => Err(Error::from_reason("no thread could be started")),
        }
    }
}

/// Fetches the keys. Ends whatever happened: that shows in the decision that follows.
#[napi(catch_unwind)]
pub(crate) fn refresh_errand(server: &External<Server>, keys: &External<Keys>) -> Result<External<Errand>> {
    caught(|| {
        let (server, wanted) = (ResourceServer::clone(server), keys.lend()?);
        Ok(External::new(Errand::run(move || refresh_keys(&server, &wanted))?))
    })
}

/// Fetches the keys of every issuer. Ends with those that failed.
#[napi(catch_unwind)]
pub(crate) fn warm_up_errand(server: &External<Server>) -> Result<External<Errand>> {
    caught(|| {
        let server = ResourceServer::clone(server);
        Ok(External::new(Errand::run(move || warm_up_keys(&server))?))
    })
}

/// What an errand has to say, once, and nothing before it has ended.
#[napi(catch_unwind)]
pub(crate) fn errand_result(errand: &External<Errand>) -> Result<Option<Vec<Mistake>>> {
    caught(|| match errand.0.borrow().try_recv() {
        Ok(failed) => Ok(Some(mistakes(failed))),
        Err(TryRecvError::Empty) => Ok(None),
        Err(TryRecvError::Disconnected) => Err(Error::from_reason(PANICKED)),
    })
}
