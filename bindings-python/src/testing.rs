//! An issuer in memory, for the tests of servers.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The core's issuer in memory, as `scopegate.testing.Issuer` holds it.
#[pyclass(frozen, module = "scopegate._scopegate")]
pub(crate) struct Issuer(scopegate_core::testing::Issuer);

#[pymethods]
impl Issuer {
    #[new]
    fn new(resource: &str) -> Self {
        Issuer(scopegate_core::testing::Issuer::new(resource))
    }

    #[getter]
    fn issuer(&self) -> &str {
        self.0.issuer()
    }

    /// An entry for `authorization_servers`, as JSON.
    fn server(&self) -> String {
        self.0.server()
    }

    /// A token with these claims, a JSON object.
    fn mint(&self, claims: &str) -> PyResult<String> {
        let claims =
            serde_json::from_str(claims).map_err(|error| PyValueError::new_err(error.to_string()))?;
        Ok(self.0.mint(&claims))
    }

    /// Signs with a new key from now on.
    fn rotate(&self) {
        self.0.rotate();
    }
}
