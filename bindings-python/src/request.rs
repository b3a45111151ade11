//! Python arguments -> what the core needs to know of a request.

use std::ops::Deref;

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBytes, PyDict, PyInt, PyList, PyString, PyTuple};
use scopegate_core::{CallId, McpCall, PastedRequest, Request as CoreRequest};

/// One request, taken out of Python's lists once and judged as often as needed. Its texts are Python's own, which never
/// change.
#[pyclass(frozen, module = "scopegate._scopegate")]
#[derive(Default)]
pub(crate) struct Request {
    pub(crate) method: Text,
    pub(crate) target: Text,
    pub(crate) authorization: Lines,
    pub(crate) origin: Lines,
    pub(crate) access_control_request_method: Lines,
    pub(crate) access_control_request_headers: Lines,
    pub(crate) protocol_version: Lines,
    pub(crate) mcp_method: Lines,
    pub(crate) mcp_name: Lines,
    pub(crate) scopes: Vec<PyBackedStr>,
    pub(crate) body: Option<Py<PyBytes>>,
    pub(crate) calls: Option<Calls>,
    pub(crate) now: Option<i64>,
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
    fn with_scopes(&self, py: Python<'_>, scopes: Vec<PyBackedStr>) -> Self {
        Request { scopes, ..self.copied(py) }
    }
}

impl Request {
    fn copied(&self, py: Python<'_>) -> Self {
        Request {
            method: self.method.copied(py),
            target: self.target.copied(py),
            authorization: self.authorization.copied(py),
            origin: self.origin.copied(py),
            access_control_request_method: self.access_control_request_method.copied(py),
            access_control_request_headers: self.access_control_request_headers.copied(py),
            protocol_version: self.protocol_version.copied(py),
            mcp_method: self.mcp_method.copied(py),
            mcp_name: self.mcp_name.copied(py),
            scopes: self.scopes.iter().map(|scope| scope.clone_ref(py)).collect(),
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
        check_calls(self.body.is_some(), self.calls.is_some())
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
            "calls" => self.calls = value.extract()?,
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
        let lent = Lent {
            method: &self.method,
            target: &self.target,
            authorization: self.authorization.slices(py),
            origin: self.origin.slices(py),
            protocol_version: self.protocol_version.slices(py),
            mcp_method: self.mcp_method.slices(py),
            mcp_name: self.mcp_name.slices(py),
            scopes: &self.scopes,
            body: self.body.as_ref().map(|body| body.as_bytes(py)),
            calls: self.calls.as_ref(),
            now: self.now,
        };
        lent.to_core(|request| {
            let method = self.access_control_request_method.slices(py);
            let headers = self.access_control_request_headers.slices(py);
            let request = request.access_control_request_method(method.first().copied());
            judge(&request.access_control_request_headers(headers.first().copied()))
        })
    }
}

/// The arguments of one call, judged in that call: nothing is taken out of them but where it is.
pub(crate) struct Arguments<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) authorization: LentLines<'a>,
    pub(crate) origin: LentLines<'a>,
    pub(crate) protocol_version: LentLines<'a>,
    pub(crate) mcp_method: LentLines<'a>,
    pub(crate) mcp_name: LentLines<'a>,
    pub(crate) scopes: Vec<PyBackedStr>,
    pub(crate) body: Option<&'a [u8]>,
    pub(crate) calls: Option<Calls>,
    pub(crate) now: Option<i64>,
}

impl Arguments<'_> {
    /// Lends them to the core in its own form.
    pub(crate) fn lend<R>(&self, py: Python<'_>, judge: impl FnOnce(&CoreRequest<'_>) -> R) -> PyResult<R> {
        check_calls(self.body.is_some(), self.calls.is_some())?;
        let lent = Lent {
            method: self.method,
            target: self.target,
            authorization: self.authorization.slices(py),
            origin: self.origin.slices(py),
            protocol_version: self.protocol_version.slices(py),
            mcp_method: self.mcp_method.slices(py),
            mcp_name: self.mcp_name.slices(py),
            scopes: &self.scopes,
            body: self.body,
            calls: self.calls.as_ref(),
            now: self.now,
        };
        Ok(lent.to_core(|request| judge(&request)))
    }
}

/// A request whose texts are Python's, for as long as the core looks at it.
struct Lent<'a> {
    method: &'a str,
    target: &'a str,
    authorization: Slices<'a>,
    origin: Slices<'a>,
    protocol_version: Slices<'a>,
    mcp_method: Slices<'a>,
    mcp_name: Slices<'a>,
    scopes: &'a [PyBackedStr],
    body: Option<&'a [u8]>,
    calls: Option<&'a Calls>,
    now: Option<i64>,
}

impl Lent<'_> {
    fn to_core<R>(&self, judge: impl FnOnce(CoreRequest<'_>) -> R) -> R {
        let scopes: Vec<&str> = self.scopes.iter().map(PyBackedStr::as_str).collect();
        let mut request = CoreRequest::new(self.method, self.target)
            .authorization(&self.authorization)
            .origin(&self.origin)
            .protocol_version(&self.protocol_version)
            .mcp_method(&self.mcp_method)
            .mcp_name(&self.mcp_name)
            .scopes(&scopes)
            .verify_aside(let_others_run);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        if let Some(calls) = self.calls {
            request = request.calls(&calls.0);
        }
        if let Some(now) = self.now {
            request = request.now(now);
        }
        judge(request)
    }
}

/// Refuses what has its calls twice.
fn check_calls(has_body: bool, has_calls: bool) -> PyResult<()> {
    if has_body && has_calls {
        return Err(PyValueError::new_err("pass body= or calls=, not both"));
    }
    Ok(())
}

/// Lets other threads of Python run meanwhile.
fn let_others_run(work: &mut (dyn FnMut() + Send)) {
    Python::attach(|py| py.detach(work));
}

/// A text of Python's, or none.
#[derive(Default)]
pub(crate) struct Text(Option<PyBackedStr>);

impl Text {
    fn copied(&self, py: Python<'_>) -> Self {
        Text(self.0.as_ref().map(|text| text.clone_ref(py)))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

impl FromPyObject<'_, '_> for Text {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        Ok(Text(Some(value.extract()?)))
    }
}

/// The values of a header's field lines: one value, a list or tuple of values, or `None`.
#[derive(Default)]
pub(crate) enum Lines {
    #[default]
    None,
    One(Line),
    Many(Vec<Line>),
}

/// The bytes of one field value.
pub(crate) enum Line {
    Bytes(Py<PyBytes>),
    Ascii(PyBackedStr),
    Decoded(Vec<u8>),
}

/// The same in the arguments of a call: what is one line stays where it is.
#[derive(Default)]
pub(crate) enum LentLines<'a> {
    #[default]
    None,
    One(&'a [u8]),
    Taken(Lines),
}

/// The lines in the core's form.
enum Slices<'a> {
    None,
    One([&'a [u8]; 1]),
    Many(Vec<&'a [u8]>),
}

impl<'a> Deref for Slices<'a> {
    type Target = [&'a [u8]];

    fn deref(&self) -> &Self::Target {
        match self {
            Slices::None => &[],
            Slices::One(line) => line,
            Slices::Many(lines) => lines,
        }
    }
}

impl Lines {
    fn slices<'a>(&'a self, py: Python<'a>) -> Slices<'a> {
        match self {
            Lines::None => Slices::None,
            Lines::One(line) => Slices::One([line.bytes(py)]),
            Lines::Many(lines) => Slices::Many(lines.iter().map(|line| line.bytes(py)).collect()),
        }
    }

    fn copied(&self, py: Python<'_>) -> Self {
        match self {
            Lines::None => Lines::None,
            Lines::One(line) => Lines::One(line.copied(py)),
            Lines::Many(lines) => Lines::Many(lines.iter().map(|line| line.copied(py)).collect()),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Lines {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if value.is_none() {
            return Ok(Lines::None);
        }
        if let Some(line) = Line::read(&value) {
            return Ok(Lines::One(line));
        }
        let lines: Option<Vec<Line>> = if let Ok(list) = value.cast::<PyList>() {
            list.iter().map(|item| Line::read(&item)).collect()
        } else if let Ok(tuple) = value.cast::<PyTuple>() {
            tuple.iter().map(|item| Line::read(&item)).collect()
        } else {
            None
        };
        // The value itself may be a token, so the message does not show it.
        lines
            .map(Lines::Many)
            .ok_or_else(|| PyTypeError::new_err("expected str, bytes, a list of these, or None"))
    }
}

impl LentLines<'_> {
    fn slices<'a>(&'a self, py: Python<'a>) -> Slices<'a> {
        match self {
            LentLines::None => Slices::None,
            LentLines::One(line) => Slices::One([line]),
            LentLines::Taken(lines) => lines.slices(py),
        }
    }
}

impl<'a, 'py> FromPyObject<'a, 'py> for LentLines<'a> {
    type Error = PyErr;

    fn extract(value: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(text) = value.cast::<PyString>() {
            return match value.extract::<&'a str>() {
                Ok(utf8) if is_ascii(&text, utf8) => Ok(LentLines::One(utf8.as_bytes())),
                _ => value.extract().map(LentLines::Taken),
            };
        }
        if value.is_instance_of::<PyBytes>() {
            return Ok(LentLines::One(value.extract()?));
        }
        value.extract().map(LentLines::Taken)
    }
}

/// A character is a byte in ASCII alone.
fn is_ascii(text: &Bound<'_, PyString>, utf8: &str) -> bool {
    text.code_point_len().is_ok_and(|length| length == utf8.len())
}

impl Line {
    /// Servers decode field values as ISO 8859-1 (PEP 3333), so text goes back that way.
    fn read(value: &Bound<'_, PyAny>) -> Option<Line> {
        let Ok(text) = value.cast::<PyString>() else {
            return value.cast::<PyBytes>().ok().map(|bytes| Line::Bytes(bytes.clone().unbind()));
        };
        match PyBackedStr::try_from(text.clone()) {
            Ok(utf8) if is_ascii(text, &utf8) => Some(Line::Ascii(utf8)),
            _ => Some(Line::Decoded(latin(&text.to_string_lossy()))),
        }
    }

    fn bytes<'a>(&'a self, py: Python<'a>) -> &'a [u8] {
        match self {
            Line::Bytes(bytes) => bytes.as_bytes(py),
            Line::Ascii(text) => text.as_bytes(),
            Line::Decoded(bytes) => bytes,
        }
    }

    fn copied(&self, py: Python<'_>) -> Self {
        match self {
            Line::Bytes(bytes) => Line::Bytes(bytes.clone_ref(py)),
            Line::Ascii(text) => Line::Ascii(text.clone_ref(py)),
            Line::Decoded(bytes) => Line::Decoded(bytes.clone()),
        }
    }
}

fn latin(text: &str) -> Vec<u8> {
    let latin: Result<Vec<u8>, _> = text.chars().map(|char| u8::try_from(u32::from(char))).collect();
    latin.unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// The calls that the host's own parser read.
#[derive(Clone)]
pub(crate) struct Calls(Vec<McpCall<'static>>);

impl FromPyObject<'_, '_> for Calls {
    type Error = PyErr;

    fn extract(value: Borrowed<'_, '_, PyAny>) -> PyResult<Self> {
        let calls: Vec<Call> = value.extract()?;
        Ok(Calls(calls.into_iter().map(|call| call.0).collect()))
    }
}

/// One of them: `(method, name, id)`.
struct Call(McpCall<'static>);

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
