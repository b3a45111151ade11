//! Refusals and configuration mistakes as the exceptions that are written in Python, and panics as refusals.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyTuple, PyType};
use scopegate_core::{ConfigError, HttpResponse, Rejection};

/// `(status, headers, body)`, as `scopegate.HttpResponse` takes them.
pub(crate) type ResponseParts<'py> = (u16, Bound<'py, PyAny>, Bound<'py, PyBytes>);

/// The `Rejected` of a rejection: made here, raised by whoever asked for the decision.
pub(crate) fn rejected<'py>(py: Python<'py>, rejection: &Rejection) -> PyResult<Bound<'py, PyAny>> {
    static REJECTED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = REJECTED.import(py, "scopegate._errors", "Rejected")?;
    let (status, headers, body) = response_parts(py, rejection.response())?;
    class.call1((rejection.reason().name(), rejection.code(), status, headers, body, rejection.detail()))
}

pub(crate) fn response_parts<'py>(py: Python<'py>, response: &HttpResponse) -> PyResult<ResponseParts<'py>> {
    let headers = PyTuple::new(py, response.headers.iter().map(|(name, value)| (*name, value.as_str())))?;
    Ok((response.status, headers.into_any(), PyBytes::new(py, &response.body)))
}

/// The `ConfigError` that names every mistake.
pub(crate) fn config_error(py: Python<'_>, error: &ConfigError) -> PyErr {
    static CONFIG_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let mistakes: Vec<(&str, &str)> =
        error.mistakes().iter().map(|mistake| (mistake.path.as_str(), mistake.message.as_str())).collect();
    let made = CONFIG_ERROR
        .import(py, "scopegate._errors", "ConfigError")
        .and_then(|class| class.call1((mistakes,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// Runs `work`; a panic in it is `None`. PyO3 would raise it as `PanicException`, which `except Exception` misses and
/// which ends an event loop.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
