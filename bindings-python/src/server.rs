//! The resource server, as `scopegate.ResourceServer` holds it.

use std::collections::BTreeMap;

use pyo3::exceptions::{PyConnectionError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};
use scopegate_core::{
    CallKind, Check, ConfigError, KeyControlError, KeyRequest as CoreKeyRequest, Rejection,
    Request as CoreRequest, ResourceServer,
};

use crate::refusal::{
    ResponseParts, caught, config_error, key_control_error, raised, rejected, response_parts,
};
use crate::request::Request;
use crate::token::AccessToken;

/// The core's resource server. Every decision comes back as an object, so that the Python class can log a refusal
/// before it raises it.
#[pyclass(frozen, module = "scopegate._scopegate")]
pub(crate) struct Server(ResourceServer);

/// The keys that a decision lacks: fetch them with `refresh`, then decide again with `check_after`.
#[pyclass(frozen, module = "scopegate._scopegate")]
pub(crate) struct KeyRequest(CoreKeyRequest);

/// The token is good, and the body is needed to decide on.
#[pyclass(frozen, module = "scopegate._scopegate")]
pub(crate) struct NeedBody {
    /// The most bytes that the core reads; one more is enough to be refused.
    #[pyo3(get)]
    limit: usize,
}

const BODY_MISSING: &str = "expected the body, which decides: pass body= or calls=";

#[pymethods]
impl Server {
    #[new]
    fn new(py: Python<'_>, config: &str) -> PyResult<Self> {
        opened(py, caught(|| ResourceServer::from_json(config)))
    }

    /// A server with the configuration of these variables and, before them, these members.
    #[staticmethod]
    fn from_variables(py: Python<'_>, variables: BTreeMap<String, String>, members: &str) -> PyResult<Self> {
        opened(py, caught(|| ResourceServer::from_variables(&variables, members)))
    }

    /// The server that this one would be with these changes. Other threads run while they are checked.
    fn derive(&self, py: Python<'_>, changes: &str) -> PyResult<Self> {
        opened(py, py.detach(|| caught(|| self.0.derive_from_json(changes))))
    }

    /// A server that also asks for what is declared, and the report as JSON.
    fn declare(&self, py: Python<'_>, offered: &str) -> PyResult<(Server, String)> {
        match self.guard(py, || self.0.declare_from_json(offered))? {
            Ok((server, report)) => Ok((Server(server), report.to_json())),
            Err(error) => Err(config_error(py, &error)),
        }
    }

    /// `AccessToken`, `Rejected`, `KeyRequest` or `NeedBody`. Never blocks.
    fn check<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        self.decide(py, request, |request| self.0.check(request))
    }

    /// As `check`, for a request whose body is not asked for: `AccessToken`, `Rejected` or `KeyRequest`.
    fn check_once<'py>(
        &self,
        py: Python<'py>,
        authorization: &Bound<'py, PyAny>,
        details: &Bound<'py, PyDict>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let request = Request::with_details(authorization, details)?;
        self.decide(py, &request, |request| self.with_body(request, self.0.check(request)))
    }

    /// As `check`, after `refresh` returned: no `KeyRequest` again.
    fn check_after<'py>(
        &self,
        py: Python<'py>,
        request: &Request,
        keys: &KeyRequest,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.decide(py, request, |request| self.0.check_after(request, &keys.0))
    }

    /// As `check`, fetching missing keys. Other threads run while this one waits.
    fn authorize<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        self.decide(py, request, |request| self.fetching(py, request))
    }

    /// Fetches the keys; blocks, and lets other threads run. What happened shows in `check_after`.
    fn refresh(&self, py: Python<'_>, keys: &KeyRequest) {
        py.detach(|| caught(|| self.0.refresh(&keys.0)));
    }

    /// Starts that fetch on a thread of the core and returns at once.
    fn start_refresh(&self, keys: &KeyRequest) {
        caught(|| self.0.start_refresh(&keys.0));
    }

    /// The refusal for a fault of the calling program.
    fn internal_error<'py>(
        &self,
        py: Python<'py>,
        request: &Request,
        detail: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        request.lend(py, |request| rejected(py, &self.0.internal_error(detail, request)))
    }

    /// The refusal of a request whose body decides and was not handed in.
    fn body_missing<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        request.lend(py, |request| rejected(py, &self.0.internal_error(BODY_MISSING, request)))
    }

    /// `None`, or the `Rejected` of a token that does not meet the request's need.
    fn require<'py>(
        &self,
        py: Python<'py>,
        token: &AccessToken,
        request: &Request,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        request.lend(py, |request| match caught(|| self.0.require(&token.0, request)) {
            Some(Ok(())) => Ok(None),
            Some(Err(rejection)) => rejected(py, &rejection).map(Some),
            None => rejected(py, &self.panicked(request)).map(Some),
        })
    }

    /// The calls in the request's body as `(method, name, params)`, the last as JSON, or the `Rejected` of a body that cannot
    /// be read.
    fn calls<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        request.lend(py, |request| match caught(|| self.0.calls(request)) {
            Some(Ok(calls)) => {
                let calls = calls.iter().map(|call| (&*call.method, call.name.as_deref(), call.params));
                Ok(PyList::new(py, calls.collect::<Vec<_>>())?.into_any())
            }
            Some(Err(rejection)) => rejected(py, &rejection),
            None => rejected(py, &self.panicked(request)),
        })
    }

    /// Why a request would be accepted or refused, as JSON and as text.
    fn explain(
        &self,
        py: Python<'_>,
        authorization: &Bound<'_, PyAny>,
        details: &Bound<'_, PyDict>,
    ) -> PyResult<(String, String)> {
        let request = Request::with_details(authorization, details)?;
        let explanation = self.guard(py, || request.lend(py, |request| self.0.explain(request)))?;
        Ok((explanation.to_json(), explanation.to_string()))
    }

    fn allowed(&self, py: Python<'_>, token: &AccessToken, kind: &str, name: &str) -> PyResult<bool> {
        let kind = CallKind::from_name(kind)
            .ok_or_else(|| PyValueError::new_err("kind: expected \"tools\", \"prompts\" or \"resources\""))?;
        self.guard(py, || self.0.allowed(&token.0, kind, name))
    }

    fn well_known<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Option<ResponseParts<'py>>> {
        let response = self.guard(py, || request.lend(py, |request| self.0.well_known(request)))?;
        response.map(|response| response_parts(py, &response)).transpose()
    }

    /// The answer for metadata that nobody serves, or `None` for every other path.
    fn not_found<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Option<ResponseParts<'py>>> {
        let ours = self.guard(py, || self.0.is_metadata_path(request.target()))?;
        ours.then(|| response_parts(py, &self.0.not_found())).transpose()
    }

    /// The answer to a probe, or `None` for another method than GET and HEAD.
    fn health_response<'py>(
        &self,
        py: Python<'py>,
        request: &Request,
    ) -> PyResult<Option<ResponseParts<'py>>> {
        let response = self.guard(py, || request.lend(py, |request| self.0.health_response(request)))?;
        response.map(|response| response_parts(py, &response)).transpose()
    }

    /// The answer to a scraper, or `None` likewise.
    fn metrics_response<'py>(
        &self,
        py: Python<'py>,
        request: &Request,
    ) -> PyResult<Option<ResponseParts<'py>>> {
        let response = self.guard(py, || request.lend(py, |request| self.0.metrics_response(request)))?;
        response.map(|response| response_parts(py, &response)).transpose()
    }

    /// Fetches the keys of every issuer; blocks, and lets other threads run.
    fn warm_up(&self, py: Python<'_>) -> PyResult<()> {
        let fetched = self.guard(py, || py.detach(|| self.0.warm_up()))?;
        fetched.map_err(|errors| PyConnectionError::new_err(errors.to_string()))
    }

    fn distrust_key(&self, py: Python<'_>, issuer: &str, kid: &str) -> PyResult<()> {
        self.control(py, || self.0.distrust_key(issuer, kid))
    }

    /// Other threads run while the key set is read.
    fn replace_keys(&self, py: Python<'_>, issuer: &str, jwks: &str) -> PyResult<()> {
        self.control(py, || py.detach(|| self.0.replace_keys(issuer, jwks)))
    }

    fn resume(&self, py: Python<'_>, issuer: &str) -> PyResult<()> {
        self.control(py, || self.0.resume(issuer))
    }

    fn export_keys(&self, py: Python<'_>) -> PyResult<String> {
        self.guard(py, || self.0.export_keys())
    }

    fn stats(&self, py: Python<'_>) -> PyResult<String> {
        self.guard(py, || self.0.stats().to_json())
    }

    fn metrics(&self, py: Python<'_>) -> PyResult<String> {
        self.guard(py, || self.0.stats().to_prometheus())
    }

    /// Other threads run while the lines are written.
    fn drain_events(&self, py: Python<'_>) -> PyResult<String> {
        self.guard(py, || py.detach(|| self.0.drain_events_as_lines()))
    }

    fn health(&self, py: Python<'_>) -> PyResult<String> {
        self.guard(py, || self.0.health().to_json())
    }

    fn warnings(&self) -> Vec<String> {
        self.0.warnings().to_vec()
    }

    #[getter]
    fn metadata_url(&self) -> &str {
        self.0.metadata_url()
    }

    /// The paths at which `well_known` serves a document.
    #[getter]
    fn well_known_paths(&self) -> Vec<&str> {
        self.0.well_known_paths()
    }

    #[getter]
    fn resource(&self) -> &str {
        self.0.resource().as_str()
    }

    #[getter]
    fn hostname(&self) -> &str {
        self.0.resource().hostname()
    }

    #[getter]
    fn origin(&self) -> String {
        self.0.resource().origin()
    }

    #[getter]
    fn path(&self) -> &str {
        self.0.resource().path()
    }

    #[getter]
    fn has_policy(&self) -> bool {
        self.0.has_policy()
    }

    #[getter]
    fn body_limit(&self) -> usize {
        self.0.body_limit()
    }

    #[getter]
    fn leeway_seconds(&self) -> i64 {
        self.0.leeway_seconds()
    }

    /// `cors_origins`, then `allowed_origins`.
    #[getter]
    fn configured_origins(&self) -> Vec<String> {
        [self.0.cors_origins(), self.0.allowed_origins().unwrap_or_default()].concat()
    }

    /// Panics where the core would, so that a test sees what becomes of it.
    #[cfg(debug_assertions)]
    #[pyo3(name = "_panic_for_test")]
    fn panic_for_test<'py>(&self, py: Python<'py>, request: &Request) -> PyResult<Bound<'py, PyAny>> {
        self.decide(py, request, |_| panic!("asked for by a test"))
    }
}

#[pymethods]
impl KeyRequest {
    /// The number of the key source: one fetch at a time is enough for each.
    #[getter]
    fn source(&self) -> usize {
        self.0.source()
    }

    /// The longest that this request may wait, in seconds.
    #[getter]
    fn longest_wait(&self) -> f64 {
        self.0.longest_wait().as_secs_f64()
    }
}

/// The server, or why there is none; `None` after a panic.
fn opened(py: Python<'_>, made: Option<Result<ResourceServer, ConfigError>>) -> PyResult<Server> {
    match made {
        Some(Ok(server)) => Ok(Server(server)),
        Some(Err(error)) => Err(config_error(py, &error)),
        None => Err(PyRuntimeError::new_err("internal error while the configuration was read")),
    }
}

impl Server {
    /// The decision as a Python object; a panic is a refusal like any other.
    fn decide<'py>(
        &self,
        py: Python<'py>,
        request: &Request,
        judge: impl FnOnce(&CoreRequest<'_>) -> Check,
    ) -> PyResult<Bound<'py, PyAny>> {
        request.lend(py, |request| match caught(|| judge(request)) {
            Some(Check::Done(Ok(token))) => Ok(Bound::new(py, AccessToken(token))?.into_any()),
            Some(Check::Done(Err(rejection))) => rejected(py, &rejection),
            Some(Check::NeedKeys(keys)) => Ok(Bound::new(py, KeyRequest(keys))?.into_any()),
            Some(Check::NeedBody { limit }) => Ok(Bound::new(py, NeedBody { limit })?.into_any()),
            None => rejected(py, &self.panicked(request)),
        })
    }

    /// For `Authorizer`: the token, or the `Rejected` that was logged.
    pub(crate) fn authorized(&self, py: Python<'_>, request: &CoreRequest<'_>) -> PyResult<AccessToken> {
        let decided = caught(|| match self.with_body(request, self.fetching(py, request)) {
            Check::Done(decided) => decided,
            _ => Err(Box::new(self.0.internal_error("keys were asked for twice", request))),
        });
        let decided = decided.unwrap_or_else(|| Err(Box::new(self.panicked(request))));
        decided.map(AccessToken).map_err(|rejection| raised(py, &rejection))
    }

    fn fetching(&self, py: Python<'_>, request: &CoreRequest<'_>) -> Check {
        self.0.check_fetching(request, |wanted| {
            // What happened to the fetch shows in the decision that follows.
            let _ = py.detach(|| self.0.refresh(wanted));
        })
    }

    fn with_body(&self, request: &CoreRequest<'_>, check: Check) -> Check {
        match check {
            Check::NeedBody { .. } => {
                Check::Done(Err(Box::new(self.0.internal_error(BODY_MISSING, request))))
            }
            check => check,
        }
    }

    /// For calls that answer with something else than a decision: a panic raises the refusal.
    fn guard<T>(&self, py: Python<'_>, work: impl FnOnce() -> T) -> PyResult<T> {
        match caught(work) {
            Some(result) => Ok(result),
            None => Err(PyErr::from_value(rejected(py, &self.panicked(&CoreRequest::default()))?)),
        }
    }

    fn control(&self, py: Python<'_>, work: impl FnOnce() -> Result<(), KeyControlError>) -> PyResult<()> {
        self.guard(py, work)?.map_err(|error| key_control_error(&error))
    }

    fn panicked(&self, request: &CoreRequest<'_>) -> Rejection {
        self.0.internal_error("a panic was caught; its message is on standard error", request)
    }
}
