//! The native module of the Python package `scopegate`. It converts arguments and results, and decides nothing.

#[cfg(panic = "abort")]
compile_error!(
    "a panic must unwind, so that it becomes a refusal: remove panic = \"abort\" from the profile"
);

mod authorizer;
mod refusal;
mod request;
mod server;
mod testing;
mod token;

#[pyo3::pymodule(gil_used = false)]
mod _scopegate {
    use pyo3::prelude::*;
    use pyo3::types::PyDict;

    #[pymodule_export]
    use super::authorizer::Authorizer;
    #[pymodule_export]
    use super::request::Request;
    #[pymodule_export]
    use super::server::{KeyRequest, NeedBody, Server};
    #[pymodule_export]
    use super::testing::Issuer;
    #[pymodule_export]
    use super::token::AccessToken;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        crate::refusal::find_exceptions(module.py())?;
        crate::token::json_loads(module.py()).map(drop)
    }

    /// The names of the variables that `Server.from_variables` reads.
    #[pyfunction]
    fn environment() -> Vec<&'static str> {
        scopegate_core::ENVIRONMENT.to_vec()
    }

    /// What was pasted of a request, as the arguments of `explain`.
    #[pyfunction]
    fn pasted<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyDict>> {
        crate::request::pasted(py, text)
    }

    /// Every reason of the core: name and number.
    #[pyfunction]
    fn reasons() -> Vec<(&'static str, u16)> {
        scopegate_core::Reason::ALL.iter().map(|reason| (reason.name(), reason.code())).collect()
    }
}
