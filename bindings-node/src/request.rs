//! What JavaScript knows of a request -> what the core needs to know.

use napi::bindgen_prelude::{Either, Uint8Array, Uint8ArraySlice};
use napi::{Error, Result};
use napi_derive::napi;
use scopegate_core::{CallId, KeptToken, McpCall, PastedRequest, Request as CoreRequest};
use smallvec::SmallVec;

/// A request as `lib/layout.js` laid it out: the time, then each text as the number of its field, its length and its bytes.
/// Numbers are those of this machine's order of bytes.
#[derive(Default)]
pub(crate) struct Request<'a> {
    now: Option<i64>,
    method: &'a str,
    target: &'a str,
    authorization: Lines<'a>,
    origin: Lines<'a>,
    access_control_request_method: Lines<'a>,
    access_control_request_headers: Lines<'a>,
    protocol_version: Lines<'a>,
    mcp_method: Lines<'a>,
    mcp_name: Lines<'a>,
    scopes: Vec<&'a str>,
}

/// The lines of a header, which usually has one.
type Lines<'a> = SmallVec<[&'a [u8]; 1]>;

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
        let mut request = Request { now: layout.time()?, ..Request::default() };
        while !layout.0.is_empty() {
            let (field, bytes) = (layout.word()?, layout.bytes()?);
            match field {
                0 => request.method = text(bytes)?,
                1 => request.target = text(bytes)?,
                2 => request.authorization.push(bytes),
                3 => request.origin.push(bytes),
                4 => request.access_control_request_method.push(bytes),
                5 => request.access_control_request_headers.push(bytes),
                6 => request.protocol_version.push(bytes),
                7 => request.mcp_method.push(bytes),
                8 => request.mcp_name.push(bytes),
                9 => request.scopes.push(text(bytes)?),
                OF_A_TOKEN..=TOKEN_SCOPE => {}
                _ => return Err(misread()),
            }
        }
        Ok(request)
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

/// The numbers of the fields of a token.
const OF_A_TOKEN: u32 = 10;
const TOKEN_SCOPE: u32 = 14;

/// The token that was laid out with a request, as `lib/access-token.js` kept it and vouches for it.
pub(crate) fn kept_token(layout: &[u8]) -> Result<KeptToken<'_>> {
    let mut layout = Layout(layout);
    layout.time()?;
    let mut token = KeptToken { issuer: "", subject: None, client_id: None, token_id: None, scope: "" };
    let mut is_whole = false;
    while !layout.0.is_empty() {
        let (field, bytes) = (layout.word()?, layout.bytes()?);
        match field {
            OF_A_TOKEN => token.issuer = text(bytes)?,
            11 => token.subject = Some(text(bytes)?),
            12 => token.client_id = Some(text(bytes)?),
            13 => token.token_id = Some(text(bytes)?),
            TOKEN_SCOPE => (token.scope, is_whole) = (text(bytes)?, true),
            _ => {}
        }
    }
    if is_whole { Ok(token) } else { Err(misread()) }
}

/// What is not read yet.
struct Layout<'a>(&'a [u8]);

impl<'a> Layout<'a> {
    /// NaN is no time.
    fn time(&mut self) -> Result<Option<i64>> {
        let seconds = f64::from_ne_bytes(self.number()?);
        Ok((!seconds.is_nan()).then_some(seconds as i64))
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        let length = usize::try_from(self.word()?).map_err(|_| misread())?;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or_else(misread)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn word(&mut self) -> Result<u32> {
        Ok(u32::from_ne_bytes(self.number()?))
    }

    fn number<const BYTES: usize>(&mut self) -> Result<[u8; BYTES]> {
        let (number, rest) = self.0.split_first_chunk().ok_or_else(misread)?;
        self.0 = rest;
        Ok(*number)
    }
}

fn text(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| misread())
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
