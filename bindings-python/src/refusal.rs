//! Refusals and configuration mistakes as the exceptions that are written in Python, and panics as refusals.

use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyTuple, PyType};
use scopegate_core::{ConfigError, HttpResponse, KeyControlError, Rejection};

/// `(status, headers, body)`, as `scopegate.HttpResponse` takes them.
pub(crate) type ResponseParts<'py> = (u16, Bound<'py, PyAny>, Bound<'py, PyBytes>);

static REJECTED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static CONFIG_ERROR: PyOnceLock<Py<PyType>> = PyOnceLock::new();
static LOG_REFUSAL: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Finds what is written in Python once, before there are threads: a child that is forked while a thread looks for it would
/// wait for that thread for ever.
pub(crate) fn find_exceptions(py: Python<'_>) -> PyResult<()> {
    rejected_class(py)?;
    config_error_class(py)?;
    log_refusal(py)?;
    Ok(())
}

fn rejected_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    REJECTED.import(py, "scopegate._errors", "Rejected")
}

fn config_error_class(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    CONFIG_ERROR.import(py, "scopegate._errors", "ConfigError")
}

fn log_refusal(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    LOG_REFUSAL.import(py, "scopegate._log", "log_refusal")
}

/// The `Rejected` of a rejection: made here, raised by whoever asked for the decision.
pub(crate) fn rejected<'py>(py: Python<'py>, rejection: &Rejection) -> PyResult<Bound<'py, PyAny>> {
    let class = rejected_class(py)?;
    let (status, headers, body) = response_parts(py, rejection.response())?;
    class.call1((rejection.reason().name(), rejection.code(), status, headers, body, rejection.detail()))
}

/// The same, logged and raised.
pub(crate) fn raised(py: Python<'_>, rejection: &Rejection) -> PyErr {
    let logged = rejected(py, rejection).and_then(|refusal| {
        log_refusal(py)?.call1((&refusal,))?;
        Ok(refusal)
    });
    logged.map_or_else(|error| error, PyErr::from_value)
}

pub(crate) fn response_parts<'py>(py: Python<'py>, response: &HttpResponse) -> PyResult<ResponseParts<'py>> {
    let headers = PyTuple::new(py, response.headers.iter().map(|(name, value)| (*name, value.as_str())))?;
    Ok((response.status, headers.into_any(), PyBytes::new(py, &response.body)))
}

/// The `ConfigError` that names every mistake.
pub(crate) fn config_error(py: Python<'_>, error: &ConfigError) -> PyErr {
    let mistakes: Vec<(&str, &str)> =
        error.mistakes().iter().map(|mistake| (mistake.path.as_str(), mistake.message.as_str())).collect();
    let made = config_error_class(py).and_then(|class| class.call1((mistakes,)));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// The `ValueError` that names the argument, and what is expected there.
pub(crate) fn key_control_error(error: &KeyControlError) -> PyErr {
    let argument = match error {
        KeyControlError::UnknownIssuer => "issuer: ",
        KeyControlError::InvalidKid => "kid: ",
        KeyControlError::InvalidKeySet(_) => "jwks: ",
        _ => "",
    };
    PyValueError::new_err(format!("{argument}{error}"))
}

/// Runs `work`; a panic in it is `None`. PyO3 would raise it as `PanicException`, which `except Exception` misses and
/// which ends an event loop.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
