//! What JavaScript knows of a request -> what the core needs to know.

use napi::bindgen_prelude::{Either, Uint8ArraySlice};
use napi_derive::napi;
use scopegate_core::{CallId, McpCall, Request as CoreRequest};

/// A request; `lib/request.js` makes it. Each header is the list of its field lines.
#[napi(object, object_to_js = false)]
pub(crate) struct Request {
    pub method: String,
    pub target: String,
    pub authorization: Vec<String>,
    pub origin: Vec<String>,
    pub access_control_request_method: Option<String>,
    pub access_control_request_headers: Option<String>,
    pub protocol_version: Vec<String>,
    pub mcp_method: Vec<String>,
    pub mcp_name: Vec<String>,
    pub scopes: Vec<String>,
    pub calls: Option<Vec<Call>>,
    /// Seconds since 1970.
    pub now: Option<i64>,
}

/// A call that the host's own parser read.
#[napi(object, object_to_js = false)]
pub(crate) struct Call {
    pub method: String,
    pub name: Option<String>,
    pub id: Option<Either<String, i64>>,
}

/// The whole body, lent for the length of a call.
pub(crate) type Body<'a> = Option<Uint8ArraySlice<'a>>;

impl Request {
    /// Lends the request to the core in its own form.
    pub(crate) fn lend<R>(&self, body: &Body<'_>, judge: impl FnOnce(&CoreRequest<'_>) -> R) -> R {
        let authorization = Lines::new(&self.authorization);
        let origin = Lines::new(&self.origin);
        let asked_method = self.access_control_request_method.as_deref().map(bytes);
        let asked_headers = self.access_control_request_headers.as_deref().map(bytes);
        let protocol_version = Lines::new(&self.protocol_version);
        let mcp_method = Lines::new(&self.mcp_method);
        let mcp_name = Lines::new(&self.mcp_name);
        let (authorization, origin) = (authorization.slices(), origin.slices());
        let protocol_version = protocol_version.slices();
        let (mcp_method, mcp_name) = (mcp_method.slices(), mcp_name.slices());
        let scopes: Vec<&str> = self.scopes.iter().map(String::as_str).collect();
        let calls: Option<Vec<McpCall<'_>>> =
            self.calls.as_ref().map(|calls| calls.iter().map(Call::lend).collect());
        let mut request = CoreRequest::new(&self.method, &self.target)
            .authorization(&authorization)
            .origin(&origin)
            .access_control_request_method(asked_method.as_deref())
            .access_control_request_headers(asked_headers.as_deref())
            .protocol_version(&protocol_version)
            .mcp_method(&mcp_method)
            .mcp_name(&mcp_name)
            .scopes(&scopes);
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

/// The field lines of one header, as bytes.
struct Lines(Vec<Vec<u8>>);

impl Lines {
    fn new(lines: &[String]) -> Self {
        Lines(lines.iter().map(|line| bytes(line)).collect())
    }

    fn slices(&self) -> Vec<&[u8]> {
        self.0.iter().map(Vec::as_slice).collect()
    }
}

/// The bytes of one field value. Node.js and fetch decode field values as ISO 8859-1, so text goes back that way.
fn bytes(text: &str) -> Vec<u8> {
    if text.is_ascii() {
        return text.as_bytes().to_vec();
    }
    let latin: Result<Vec<u8>, _> = text.chars().map(|char| u8::try_from(u32::from(char))).collect();
    latin.unwrap_or_else(|_| text.as_bytes().to_vec())
}
