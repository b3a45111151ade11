//! What a valid token says.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyTuple;

/// What a valid access token says. Made by `ResourceServer` alone, and unchangeable.
///
/// It never holds the token itself: MCP forbids passing a client's token on.
#[pyclass(frozen, module = "scopegate")]
pub(crate) struct AccessToken(pub(crate) scopegate_core::AccessToken);

#[pymethods]
impl AccessToken {
    /// The authorization server that issued the token (`iss`).
    #[getter]
    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    /// The user the token speaks for (`sub`); unique for one issuer only.
    #[getter]
    fn subject(&self) -> Option<&str> {
        self.0.subject()
    }

    /// The client the token was issued to, from the first claim of `client_id_claims` that is present.
    #[getter]
    fn client_id(&self) -> Option<&str> {
        self.0.client_id()
    }

    /// The scopes in the token, in its order, after `scope_prefix`.
    #[getter]
    fn scopes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.scopes())
    }

    /// `scopes`, then those that they imply.
    #[getter]
    fn effective_scopes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.effective_scopes())
    }

    /// Whom the token is for (`aud`), as a tuple even when the claim is one string.
    #[getter]
    fn audience<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.audience())
    }

    /// The configured resource that accepted the token.
    #[getter]
    fn resource(&self) -> &str {
        self.0.resource()
    }

    /// When the token expires (`exp`), in seconds since 1970. The leeway is not in it.
    #[getter]
    fn expires_at(&self) -> i64 {
        self.0.expires_at()
    }

    /// When the token was issued (`iat`), in seconds since 1970.
    #[getter]
    fn issued_at(&self) -> Option<i64> {
        self.0.issued_at()
    }

    /// The token's identifier (`jti`).
    #[getter]
    fn token_id(&self) -> Option<&str> {
        self.0.token_id()
    }

    /// The key for sessions and stored state: the issuer, a blank, then the subject, or else the client.
    #[getter]
    fn principal(&self) -> Option<&str> {
        self.0.principal()
    }

    /// The payload as the issuer signed it, parsed anew at each access. Of the claims that have no attribute here,
    /// only those in `required_claims` were checked.
    #[getter]
    fn claims<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        json_loads(py)?.call1((self.0.claims_json(),))
    }

    /// The payload's text, for comparing languages.
    #[getter]
    fn _claims_json(&self) -> &str {
        self.0.claims_json()
    }
}

/// `json.loads`. Found once when the module is imported: a child that is forked while a thread looks for it would wait for
/// that thread for ever.
pub(crate) fn json_loads(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "json", "loads")
}
