//! Python arguments -> what the core needs to know of a request.

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};
use scopegate_core::{CallId, McpCall, PastedRequest, Request as CoreRequest};

/// One request, copied out of Python once and judged as often as needed.
#[pyclass(frozen, module = "scopegate._scopegate")]
#[derive(Default)]
pub(crate) struct Request {
    method: String,
    target: String,
    authorization: Lines,
    origin: Lines,
    access_control_request_method: Lines,
    access_control_request_headers: Lines,
    protocol_version: Lines,
    mcp_method: Lines,
    mcp_name: Lines,
    scopes: Vec<String>,
    body: Option<Py<PyBytes>>,
    calls: Option<Vec<McpCall<'static>>>,
    now: Option<i64>,
}

#[pymethods]
impl Request {
    #[new]
    #[pyo3(signature = (**details))]
    fn new(details: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let mut request = Request::default();
        details.map_or(Ok(()), |details| request.add(details))?;
        Ok(request)
    }

    /// The same request with its body, once that was read.
    fn with_body(&self, py: Python<'_>, body: Py<PyBytes>) -> Self {
        Request { body: Some(body), calls: None, ..self.copied(py) }
    }

    /// The same request with other scopes of its own.
    fn with_scopes(&self, py: Python<'_>, scopes: Vec<String>) -> Self {
        Request { scopes, ..self.copied(py) }
    }
}

impl Request {
    fn copied(&self, py: Python<'_>) -> Self {
        Request {
            method: self.method.clone(),
            target: self.target.clone(),
            authorization: self.authorization.clone(),
            origin: self.origin.clone(),
            access_control_request_method: self.access_control_request_method.clone(),
            access_control_request_headers: self.access_control_request_headers.clone(),
            protocol_version: self.protocol_version.clone(),
            mcp_method: self.mcp_method.clone(),
            mcp_name: self.mcp_name.clone(),
            scopes: self.scopes.clone(),
            body: self.body.as_ref().map(|body| body.clone_ref(py)),
            calls: self.calls.clone(),
            now: self.now,
        }
    }

    /// A request with these `Authorization` lines, and what else is known of it by the names of the members.
    pub(crate) fn with_details(
        authorization: &Bound<'_, PyAny>,
        details: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        let mut request = Request { authorization: authorization.extract()?, ..Request::default() };
        request.add(details)?;
        Ok(request)
    }

    fn add(&mut self, details: &Bound<'_, PyDict>) -> PyResult<()> {
        for (name, value) in details {
            let name = name.cast::<PyString>()?.to_str()?;
            self.set(name, &value).map_err(|error| {
                match error.is_instance_of::<PyTypeError>(details.py()) {
                    true => PyTypeError::new_err(format!("argument '{name}': {}", error.value(details.py()))),
                    false => error,
                }
            })?;
        }
        if self.body.is_some() && self.calls.is_some() {
            return Err(PyValueError::new_err("pass body= or calls=, not both"));
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &Bound<'_, PyAny>) -> PyResult<()> {
        match name {
            "method" => self.method = value.extract()?,
            "target" => self.target = value.extract()?,
            "authorization" => self.authorization = value.extract()?,
            "origin" => self.origin = value.extract()?,
            "access_control_request_method" => self.access_control_request_method = value.extract()?,
            "access_control_request_headers" => self.access_control_request_headers = value.extract()?,
            "protocol_version" => self.protocol_version = value.extract()?,
            "mcp_method" => self.mcp_method = value.extract()?,
            "mcp_name" => self.mcp_name = value.extract()?,
            "scopes" => self.scopes = value.extract()?,
            "body" => self.body = value.extract()?,
            "calls" => {
                let calls: Option<Vec<Call>> = value.extract()?;
                self.calls = calls.map(|calls| calls.into_iter().map(|call| call.0).collect());
            }
            "now" => self.now = value.extract()?,
            _ => return Err(PyTypeError::new_err("an unexpected keyword argument")),
        }
        Ok(())
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Lends the request to the core in its own form.
    pub(crate) fn lend<R>(&self, py: Python<'_>, judge: impl FnOnce(&CoreRequest<'_>) -> R) -> R {
        let authorization = self.authorization.slices();
        let origin = self.origin.slices();
        let protocol_version = self.protocol_version.slices();
        let mcp_method = self.mcp_method.slices();
        let mcp_name = self.mcp_name.slices();
        let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        let mut request = CoreRequest::new(&self.method, &self.target)
            .authorization(&authorization)
            .origin(&origin)
            .access_control_request_method(self.access_control_request_method.first())
            .access_control_request_headers(self.access_control_request_headers.first())
            .protocol_version(&protocol_version)
            .mcp_method(&mcp_method)
            .mcp_name(&mcp_name)
            .scopes(&scopes)
            .verify_aside(let_others_run);
        if let Some(body) = &self.body {
            request = request.body(body.as_bytes(py));
        }
        if let Some(calls) = &self.calls {
            request = request.calls(calls);
        }
        if let Some(now) = self.now {
            request = request.now(now);
        }
        judge(&request)
    }
}

/// Lets other threads of Python run meanwhile.
fn let_others_run(work: &mut (dyn FnMut() + Send)) {
    Python::attach(|py| py.detach(work));
}

/// The values of a header's field lines: one value, a list or tuple of values, or `None`.
#[derive(Clone, Default)]
pub(crate) struct Lines(Vec<Vec<u8>>);

impl Lines {
    fn slices(&self) -> Vec<&[u8]> {
        self.0.iter().map(Vec::as_slice).collect()
    }

    fn first(&self) -> Option<&[u8]> {
        self.0.first().map(Vec::as_slice)
    }
}

impl<'py> FromPyObject<'_, 'py> for Lines {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Lines::default());
        }
        if let Some(line) = line(&value) {
            return Ok(Lines(vec![line]));
        }
        let lines: Option<Vec<Vec<u8>>> = if let Ok(list) = value.cast::<PyList>() {
            list.iter().map(|item| line(&item)).collect()
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            tuple.iter().map(|item| line(&item)).collect()
        } else {
            None
        };
        // The value itself may be a token, so the message does not show it.
        lines.map(Lines).ok_or_else(|| PyTypeError::new_err("expected str, bytes, a list of these, or None"))
    }
}

/// The bytes of one field value. Servers decode field values as ISO 8859-1 (PEP 3333), so text goes back that way.
fn line(value: &Bound<'_, PyAny>) -> Option<Vec<u8>> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Some(bytes.as_bytes().to_vec());
    }
    let text = value.cast::<PyString>().ok()?.to_string_lossy();
    if text.is_ascii() {
        return Some(text.as_bytes().to_vec());
    }
    let latin: Result<Vec<u8>, _> = text.chars().map(|char| u8::try_from(u32::from(char))).collect();
    Some(latin.unwrap_or_else(|_| text.as_bytes().to_vec()))
}

/// A call that the host's own parser read: `(method, name, id)`.
pub(crate) struct Call(McpCall<'static>);

impl<'py> FromPyObject<'_, 'py> for Call {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let (method, name, id): (String, Option<String>, Bound<'py, PyAny>) = value.extract()?;
        let mut call = McpCall::new(method);
        if let Some(name) = name {
            call = call.name(name);
        }
        if let Some(id) = call_id(&id) {
            call = call.id(id);
        }
        Ok(Call(call))
    }
}

/// `bool` is an `int` in Python and not in JSON; whatever else cannot be an id counts as unknown.
fn call_id(value: &Bound<'_, PyAny>) -> Option<CallId> {
    if value.is_exact_instance_of::<PyInt>() {
        return value.extract().ok().map(CallId::Number);
    }
    value.cast::<PyString>().ok()?.extract().ok().map(CallId::Text)
}

/// What was pasted of a request, as keyword arguments; what there was not is left out.
pub(crate) fn pasted<'py>(py: Python<'py>, text: &[u8]) -> PyResult<Bound<'py, PyDict>> {
    let pasted = PastedRequest::read(text);
    let found = PyDict::new(py);
    for (name, value) in [("method", pasted.method), ("target", pasted.target)] {
        value.map_or(Ok(()), |value| found.set_item(name, value))?;
    }
    for (name, lines) in [
        ("authorization", pasted.authorization),
        ("origin", pasted.origin),
        ("protocol_version", pasted.protocol_version),
        ("mcp_method", pasted.mcp_method),
        ("mcp_name", pasted.mcp_name),
    ] {
        found.set_item(name, lines.iter().map(|line| PyBytes::new(py, line)).collect::<Vec<_>>())?;
    }
    if let Some(body) = pasted.body {
        found.set_item("body", PyBytes::new(py, &body))?;
    }
    Ok(found)
}
