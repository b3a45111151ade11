//! The call that hosts make for every request.

use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::request::{Calls, Lines, Request, Text};
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
        authorization, *, scopes=Vec::new(), now=None, method=Text::default(), target=Text::default(), body=None,
        calls=None, origin=Lines::None, protocol_version=Lines::None, mcp_method=Lines::None, mcp_name=Lines::None
    ))]
    #[expect(clippy::too_many_arguments, reason = "the keywords are Python's")]
    fn authorize(
        &self,
        py: Python<'_>,
        authorization: Lines,
        scopes: Vec<PyBackedStr>,
        now: Option<i64>,
        method: Text,
        target: Text,
        body: Option<Py<PyBytes>>,
        calls: Option<Calls>,
        origin: Lines,
        protocol_version: Lines,
        mcp_method: Lines,
        mcp_name: Lines,
    ) -> PyResult<AccessToken> {
        let request = Request {
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
            ..Request::default()
        };
        request.check_body()?;
        self.server()?.authorized(py, &request)
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
