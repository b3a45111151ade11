//! What JavaScript knows of a request -> what the core needs to know.

use napi::bindgen_prelude::{Either, Uint8Array, Uint8ArraySlice};
use napi::{Error, Result};
use napi_derive::napi;
use scopegate_core::{CallId, McpCall, PastedRequest, Request as CoreRequest};

/// A request as `lib/layout.js` laid it out: the time, then each text as its length and its bytes, and each list as its
/// length and its texts. Numbers are those of this machine's order of bytes.
pub(crate) struct Request<'a> {
    now: Option<i64>,
    method: &'a str,
    target: &'a str,
    authorization: Vec<&'a [u8]>,
    origin: Vec<&'a [u8]>,
    access_control_request_method: Vec<&'a [u8]>,
    access_control_request_headers: Vec<&'a [u8]>,
    protocol_version: Vec<&'a [u8]>,
    mcp_method: Vec<&'a [u8]>,
    mcp_name: Vec<&'a [u8]>,
    scopes: Vec<&'a str>,
}

/// A call that the host's own parser read.
#[napi(object, object_to_js = false)]
pub(crate) struct Call {
    pub method: String,
    pub name: Option<String>,
    pub id: Option<Either<String, i64>>,
}

/// What was pasted of a request, as the members of its details. Each character of a line is a byte.
#[napi(object, object_from_js = false)]
pub(crate) struct Pasted {
    pub method: Option<String>,
    pub target: Option<String>,
    pub authorization: Vec<String>,
    pub origin: Vec<String>,
    pub protocol_version: Vec<String>,
    pub mcp_method: Vec<String>,
    pub mcp_name: Vec<String>,
    pub body: Option<Uint8Array>,
}

/// What was pasted of a request.
#[napi(catch_unwind)]
pub(crate) fn pasted(text: Uint8Array) -> Pasted {
    let pasted = PastedRequest::read(&text);
    let latin1 = |lines: Vec<Vec<u8>>| -> Vec<String> {
        lines.iter().map(|line| line.iter().copied().map(char::from).collect()).collect()
    };
    Pasted {
        method: pasted.method,
        target: pasted.target,
        authorization: latin1(pasted.authorization),
        origin: latin1(pasted.origin),
        protocol_version: latin1(pasted.protocol_version),
        mcp_method: latin1(pasted.mcp_method),
        mcp_name: latin1(pasted.mcp_name),
        body: pasted.body.map(Uint8Array::from),
    }
}

/// The whole body, lent for the length of a call.
pub(crate) type Body<'a> = Option<Uint8ArraySlice<'a>>;

impl<'a> Request<'a> {
    pub(crate) fn read(layout: &'a [u8]) -> Result<Request<'a>> {
        let mut layout = Layout(layout);
        let request = Request {
            now: layout.time()?,
            method: layout.text()?,
            target: layout.text()?,
            authorization: layout.list(Layout::bytes)?,
            origin: layout.list(Layout::bytes)?,
            access_control_request_method: layout.list(Layout::bytes)?,
            access_control_request_headers: layout.list(Layout::bytes)?,
            protocol_version: layout.list(Layout::bytes)?,
            mcp_method: layout.list(Layout::bytes)?,
            mcp_name: layout.list(Layout::bytes)?,
            scopes: layout.list(Layout::text)?,
        };
        if layout.0.is_empty() { Ok(request) } else { Err(misread()) }
    }

    /// Lends the request to the core in its own form.
    pub(crate) fn lend<R>(
        &self,
        body: &Body<'_>,
        calls: Option<&[Call]>,
        judge: impl FnOnce(&CoreRequest<'_>) -> R,
    ) -> R {
        let calls: Option<Vec<McpCall<'_>>> = calls.map(|calls| calls.iter().map(Call::lend).collect());
        let mut request = CoreRequest::new(self.method, self.target)
            .authorization(&self.authorization)
            .origin(&self.origin)
            .access_control_request_method(self.access_control_request_method.first().copied())
            .access_control_request_headers(self.access_control_request_headers.first().copied())
            .protocol_version(&self.protocol_version)
            .mcp_method(&self.mcp_method)
            .mcp_name(&self.mcp_name)
            .scopes(&self.scopes);
        if let Some(body) = body {
            request = request.body(body);
        }
        if let Some(calls) = &calls {
            request = request.calls(calls);
        }
        if let Some(now) = self.now {
            request = request.now(now);
        }
        judge(&request)
    }
}

/// What is not read yet.
struct Layout<'a>(&'a [u8]);

impl<'a> Layout<'a> {
    /// NaN is no time.
    fn time(&mut self) -> Result<Option<i64>> {
        let seconds = f64::from_ne_bytes(self.number()?);
        Ok((!seconds.is_nan()).then_some(seconds as i64))
    }

    fn text(&mut self) -> Result<&'a str> {
        std::str::from_utf8(self.bytes()?).map_err(|_| misread())
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = self.length()?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(misread)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn list<T>(&mut self, item: fn(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        (0..self.length()?).map(|_| item(self)).collect()
    }

    fn length(&mut self) -> Result<usize> {
        usize::try_from(u32::from_ne_bytes(self.number()?)).map_err(|_| misread())
    }

    fn number<const BYTES: usize>(&mut self) -> Result<[u8; BYTES]> {
        let (number, rest) = self.0.split_first_chunk().ok_or_else(misread)?;
        self.0 = rest;
        Ok(*number)
    }
}

fn misread() -> Error {
    Error::from_reason("a request that was not laid out as expected")
}

impl Call {
    fn lend(&self) -> McpCall<'_> {
        let mut call = McpCall::new(self.method.as_str());
        if let Some(name) = &self.name {
            call = call.name(name.as_str());
        }
        match &self.id {
            Some(Either::A(text)) => call.id(CallId::Text(text.clone())),
            Some(Either::B(number)) => call.id(CallId::Number(*number)),
            None => call,
        }
    }
}
