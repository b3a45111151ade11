//! The guards of functions that answer a request.

use std::mem::MaybeUninit;

use scopegate_core::{HttpResponse, Rejection, ResourceServer};

use crate::argument::{ArgumentError, required};
use crate::guard::guard;
use crate::request::{Request, View};
use crate::response::Response;
use crate::server::Server;
use crate::status::{
    self, SCOPEGATE_NOT_OURS, SCOPEGATE_NULL_ARGUMENT, SCOPEGATE_OK, SCOPEGATE_PANIC, Status,
};

/// Why a request may not pass.
pub(crate) enum Stop {
    Refused(Box<Rejection>),
    Wrong(ArgumentError),
}

impl From<Box<Rejection>> for Stop {
    fn from(rejection: Box<Rejection>) -> Stop {
        Stop::Refused(rejection)
    }
}

impl From<ArgumentError> for Stop {
    fn from(error: ArgumentError) -> Stop {
        Stop::Wrong(error)
    }
}

/// The guard of functions that refuse with an answer. A panic in `judge` is answered like a fault of the program.
///
/// # Safety
///
/// As [`View::read`].
pub(crate) unsafe fn decided(
    entry: &str,
    server: Option<&Server>,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
    judge: impl FnOnce(&ResourceServer, &scopegate_core::Request<'_>) -> Result<Status, Stop>,
) -> Status {
    let Some(answer) = answer else { return SCOPEGATE_NULL_ARGUMENT };
    // SAFETY: by the same contract.
    let fault = |detail: &str| unsafe { faulty(server, request, detail) };
    let verdict = guard(
        entry,
        || Err((SCOPEGATE_PANIC, fault(&panic_in(entry)))),
        || {
            let wrong = |error: ArgumentError| (error.status, fault(&error.detail));
            let server = required(server, "server").map_err(wrong)?;
            // SAFETY: by the same contract.
            let view = unsafe { View::read(request) }.map_err(wrong)?;
            view.lend(|request| judge(&server.core, request)).map_err(|stop| match stop {
                Stop::Refused(rejection) => {
                    (status::of(rejection.reason()), Response::of_rejection(&rejection, view.method()))
                }
                Stop::Wrong(error) => wrong(error),
            })
        },
    );
    match verdict {
        Ok(status) => status,
        Err((status, response)) => {
            answer.write(Some(response));
            status
        }
    }
}

/// The guard of functions that may have a document to send. A panic in `find` is answered too, with the status of a
/// document: whatever a program does next, this request is over.
///
/// # Safety
///
/// As [`View::read`].
pub(crate) unsafe fn document(
    entry: &str,
    server: Option<&Server>,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
    find: impl FnOnce(&ResourceServer, &View<'_>) -> Option<HttpResponse>,
) -> Status {
    let Some(answer) = answer else { return SCOPEGATE_NULL_ARGUMENT };
    let found = guard(
        entry,
        // SAFETY: by the same contract.
        || Ok(Some(unsafe { faulty(server, request, &panic_in(entry)) })),
        || {
            let server = required(server, "server")?;
            // SAFETY: by the same contract.
            let view = unsafe { View::read(request) }?;
            let document = find(&server.core, &view);
            Ok(document.map(|document| Response::of_document(&document, view.method())))
        },
    );
    match found {
        Ok(Some(response)) => {
            answer.write(Some(response));
            SCOPEGATE_OK
        }
        Ok(None) => SCOPEGATE_NOT_OURS,
        Err(ArgumentError { status, .. }) => status,
    }
}

fn panic_in(entry: &str) -> String {
    format!("a panic in {entry} was caught")
}

/// The answer where no verdict was reached.
///
/// # Safety
///
/// As [`View::read`].
unsafe fn faulty(server: Option<&Server>, request: *const Request, detail: &str) -> Box<Response> {
    let last_resort = || Response::of_rejection(&Rejection::internal(detail), "");
    guard("", last_resort, || {
        let Some(server) = server else { return last_resort() };
        // SAFETY: by the same contract.
        let view = unsafe { View::read(request) }.unwrap_or_default();
        let rejection = view.lend(|request| server.core.internal_error(detail, request));
        Response::of_rejection(&rejection, view.method())
    })
}
