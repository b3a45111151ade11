//! What a calling program can get wrong.

use std::borrow::Cow;

use crate::status::{SCOPEGATE_INVALID_ARGUMENT, SCOPEGATE_NULL_ARGUMENT, Status};

/// An argument that is not what it must be: the status, and a sentence that names it.
#[derive(Debug)]
pub(crate) struct ArgumentError {
    pub(crate) status: Status,
    pub(crate) detail: Cow<'static, str>,
}

impl ArgumentError {
    pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        ArgumentError { status: SCOPEGATE_INVALID_ARGUMENT, detail: detail.into() }
    }
}

/// The argument, unless it is NULL.
pub(crate) fn required<T>(argument: Option<T>, name: &str) -> Result<T, ArgumentError> {
    argument.ok_or_else(|| ArgumentError {
        status: SCOPEGATE_NULL_ARGUMENT,
        detail: format!("{name}: expected a pointer, not NULL").into(),
    })
}
