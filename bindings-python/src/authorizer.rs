//! The call that hosts make for every request.

use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyDict, PyTuple};

use crate::request::{Arguments, Calls, LentLines};
use crate::server::Server;
use crate::token::AccessToken;

/// What `scopegate.ResourceServer` inherits: a function of Python around the call would take as long as what the
/// call itself does beside its decision.
#[pyclass(frozen, subclass, module = "scopegate._scopegate")]
pub(crate) struct Authorizer(OnceLock<Py<Server>>);

#[pymethods]
impl Authorizer {
    /// The arguments are for `__init__` of the class that inherits this one.
    #[new]
    #[pyo3(signature = (*_arguments, **_members))]
    fn new(_arguments: &Bound<'_, PyTuple>, _members: Option<&Bound<'_, PyDict>>) -> Self {
        Authorizer(OnceLock::new())
    }

    /// What the token of a request says, once everything about it was checked.
    ///
    /// ``authorization`` holds the value of **every** ``Authorization`` line: two lines are refused. Missing keys are
    /// fetched, at most once, which blocks for ``http.timeout_seconds`` at the longest; other threads run meanwhile.
    /// A configuration with a ``policy`` needs ``body`` or ``calls``. The keywords are those of ``RequestDetails``.
    ///
    /// Raises ``Rejected``.
    #[pyo3(signature = (
        authorization, *, method="", target="", scopes=Vec::new(), body=None, calls=None, origin=LentLines::None,
        protocol_version=LentLines::None, mcp_method=LentLines::None, mcp_name=LentLines::None, now=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "the keywords are Python's")]
    fn authorize(
        &self,
        py: Python<'_>,
        authorization: LentLines<'_>,
        method: &str,
        target: &str,
        scopes: Vec<PyBackedStr>,
        body: Option<&[u8]>,
        calls: Option<Calls>,
        origin: LentLines<'_>,
        protocol_version: LentLines<'_>,
        mcp_method: LentLines<'_>,
        mcp_name: LentLines<'_>,
        now: Option<i64>,
    ) -> PyResult<AccessToken> {
        let server = self.server()?;
        let request = Arguments {
            method,
            target,
            authorization,
            origin,
            protocol_version,
            mcp_method,
            mcp_name,
            scopes,
            body,
            calls,
            now,
        };
        request.lend(py, |request| server.authorized(py, request))?
    }

    /// Decides by this server from now on. Once.
    fn _serve(&self, server: Py<Server>) -> PyResult<()> {
        self.0.set(server).map_err(|_| PyRuntimeError::new_err("there is a resource server already"))
    }
}

impl Authorizer {
    fn server(&self) -> PyResult<&Server> {
        let server = self.0.get().map(Py::get);
        server.ok_or_else(|| PyRuntimeError::new_err("expected ResourceServer.__init__ to have been called"))
    }
}
