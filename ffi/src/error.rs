//! Why a server could not be made, or keys not be fetched.

use std::fmt;
use std::mem::MaybeUninit;

use scopegate_core::{ConfigError, FetchErrors};

use crate::argument::ArgumentError;
use crate::guard::{guard, read};
use crate::status::{SCOPEGATE_INVALID_ARGUMENT, SCOPEGATE_KEYS_UNAVAILABLE, SCOPEGATE_PANIC, Status};
use crate::string::{Place, Str, Texts};

/// Why something could not be done: one or more mistakes, each with its place. It is unchangeable, and any thread may
/// read it.
pub struct Error {
    texts: Texts,
    message: Place,
    mistakes: Vec<Mistake>,
}

struct Mistake {
    path: Place,
    message: Place,
}

/// A failed call: its status and what is to be said of it.
pub(crate) struct Failure {
    status: Status,
    error: Box<Error>,
}

impl Error {
    fn new(mistakes: &[(&str, &str)]) -> Box<Error> {
        let mut texts = Texts::default();
        let lines: Vec<String> =
            mistakes.iter().map(|(path, message)| format!("{path}: {message}")).collect();
        let message = texts.add(lines.join("\n"));
        let mistakes = mistakes
            .iter()
            .map(|(path, message)| Mistake { path: texts.add(path), message: texts.add(message) })
            .collect();
        Box::new(Error { texts, message, mistakes })
    }
}

impl Failure {
    pub(crate) fn new(status: Status, path: &str, message: impl fmt::Display) -> Failure {
        Failure { status, error: Error::new(&[(path, &message.to_string())]) }
    }
}

impl From<ArgumentError> for Failure {
    fn from(error: ArgumentError) -> Failure {
        let (name, expected) = error.detail.split_once(": ").unwrap_or((".", &error.detail));
        Failure::new(error.status, name, expected)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        let mistakes = error.mistakes().iter();
        let mistakes: Vec<_> = mistakes.map(|mistake| (&*mistake.path, &*mistake.message)).collect();
        Failure { status: SCOPEGATE_INVALID_ARGUMENT, error: Error::new(&mistakes) }
    }
}

impl From<FetchErrors> for Failure {
    fn from(errors: FetchErrors) -> Failure {
        let errors: Vec<_> = errors.iter().map(|(issuer, error)| (issuer, error.to_string())).collect();
        let mistakes: Vec<_> = errors.iter().map(|(issuer, error)| (*issuer, &**error)).collect();
        Failure { status: SCOPEGATE_KEYS_UNAVAILABLE, error: Error::new(&mistakes) }
    }
}

/// The guard of functions that say what went wrong in an error. The place for it may be NULL.
pub(crate) fn reported(
    entry: &str,
    place: Option<&mut MaybeUninit<Option<Box<Error>>>>,
    body: impl FnOnce() -> Result<Status, Failure>,
) -> Status {
    let panicked = || Err(Failure::new(SCOPEGATE_PANIC, entry, "a panic was caught"));
    match guard(entry, panicked, body) {
        Ok(status) => status,
        Err(failure) => {
            if let Some(place) = place {
                place.write(Some(failure.error));
            }
            failure.status
        }
    }
}

/// Everything that went wrong, one line for each mistake: `path: message`. For a person to read; it holds no token.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_error_message(error: Option<&Error>) -> Str {
    read("scopegate_error_message", error, Str::NONE, |error| error.texts.lend(error.message))
}

/// How many mistakes there are, at least one.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_error_count(error: Option<&Error>) -> usize {
    read("scopegate_error_count", error, 0, |error| error.mistakes.len())
}

/// Where a mistake is: the field of the configuration, such as "authorization_servers[0].issuer" ("." for the whole
/// document), the issuer whose keys could not be fetched, or the argument of the call. `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_error_path_at(error: Option<&Error>, index: usize) -> Str {
    read("scopegate_error_path_at", error, Str::NONE, |error| {
        error.texts.lend_some(error.mistakes.get(index).map(|mistake| mistake.path))
    })
}

/// What is expected there, or what happened. `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_error_message_at(error: Option<&Error>, index: usize) -> Str {
    read("scopegate_error_message_at", error, Str::NONE, |error| {
        error.texts.lend_some(error.mistakes.get(index).map(|mistake| mistake.message))
    })
}

/// Frees an error and everything that it lent. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_error_free(error: Option<Box<Error>>) {
    guard("scopegate_error_free", || (), || drop(error));
}
