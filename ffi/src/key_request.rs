//! Keys that a decision waits for, and how a program fetches them.

use std::mem::MaybeUninit;

use crate::argument::required;
use crate::error::{Error, Failure, reported};
use crate::guard::{guard, read};
use crate::server::Server;
use crate::status::{SCOPEGATE_KEYS_UNAVAILABLE, SCOPEGATE_OK, Status};

/// Keys that a decision waits for. It is unchangeable, any thread may use it, and it may outlive its server. Free it
/// after `scopegate_server_check_after`, since until then it counts as one of `keys.max_waiters`.
pub struct KeyRequest(pub(crate) scopegate_core::KeyRequest);

/// Fetches the keys that a check asked for. *Blocks* until they are there, at most for
/// `scopegate_key_request_longest_wait_ms`; concurrent calls share one fetch; returns at once if the keys came
/// meanwhile or a fetch may not start now.
///
/// `SCOPEGATE_OK`, or `SCOPEGATE_KEYS_UNAVAILABLE` with `error`, which may be NULL: whatever comes of the fetch,
/// `scopegate_server_check_after` tells what it means for the request.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_refresh(
    server: Option<&Server>,
    wanted: Option<&KeyRequest>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_refresh", error, || {
        let server = required(server, "server")?;
        let wanted = required(wanted, "wanted")?;
        let fetched = server.core.refresh(&wanted.0);
        fetched.map_err(|error| Failure::new(SCOPEGATE_KEYS_UNAVAILABLE, "keys", error))?;
        Ok(SCOPEGATE_OK)
    })
}

/// Starts `scopegate_server_refresh` on a thread of the library and does not wait. For programs that never wait:
/// `scopegate_server_check_after` then decides by the keys that are held.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_start_refresh(
    server: Option<&Server>,
    wanted: Option<&KeyRequest>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_start_refresh", error, || {
        let server = required(server, "server")?;
        server.core.start_refresh(&required(wanted, "wanted")?.0);
        Ok(SCOPEGATE_OK)
    })
}

/// Fetches the keys of every issuer of which no usable ones are held, four issuers at a time, and the authorization
/// server's metadata where that is served. *Blocks* until they are there or cannot be had. For the start of a program;
/// without it the first request of each issuer waits instead.
///
/// `SCOPEGATE_OK`, or `SCOPEGATE_KEYS_UNAVAILABLE` with `error`, which names each issuer whose keys or metadata are missing
/// and may be NULL. The server is usable either way.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_warm_up(
    server: Option<&Server>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    reported("scopegate_server_warm_up", error, || {
        required(server, "server")?.core.warm_up()?;
        Ok(SCOPEGATE_OK)
    })
}

/// Which issuer's keys these are, counted from 0: a program needs no more than one refresh for each at a time.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_key_request_source(wanted: Option<&KeyRequest>) -> usize {
    read("scopegate_key_request_source", wanted, 0, |wanted| wanted.0.source())
}

/// The longest that `scopegate_server_refresh` blocks for them, in milliseconds.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_key_request_longest_wait_ms(wanted: Option<&KeyRequest>) -> i64 {
    read("scopegate_key_request_longest_wait_ms", wanted, 0, |wanted| {
        i64::try_from(wanted.0.longest_wait().as_millis()).unwrap_or(i64::MAX)
    })
}

/// Frees it. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_key_request_free(wanted: Option<Box<KeyRequest>>) {
    guard("scopegate_key_request_free", || (), || drop(wanted));
}
