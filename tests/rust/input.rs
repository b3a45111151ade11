//! The request of a vector as the core takes it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scopegate_core::{CallId, McpCall, Request};
use serde_json::Value;

use crate::{VectorCall, VectorRequest};

/// Owns what a [`Request`] borrows.
pub struct Input<'a> {
    request: &'a VectorRequest,
    now: Option<i64>,
    authorization: Vec<Vec<u8>>,
    origin: Vec<Vec<u8>>,
    asked_method: Option<Vec<u8>>,
    asked_headers: Option<Vec<u8>>,
    protocol_version: Vec<Vec<u8>>,
    mcp_method: Vec<Vec<u8>>,
    mcp_name: Vec<Vec<u8>>,
    body: Option<Vec<u8>>,
}

impl<'a> Input<'a> {
    /// The request of a case, judged at `now`.
    pub fn new(request: &'a VectorRequest, now: Option<i64>) -> Self {
        let decoded = request.body_base64.as_ref().map(|body| STANDARD.decode(body).expect("base64"));
        Input {
            request,
            now,
            authorization: lines(&request.authorization),
            origin: lines(&request.origin),
            asked_method: request.access_control_request_method.as_deref().map(bytes),
            asked_headers: request.access_control_request_headers.as_deref().map(bytes),
            protocol_version: lines(&request.protocol_version),
            mcp_method: lines(&request.mcp_method),
            mcp_name: lines(&request.mcp_name),
            body: decoded.or_else(|| request.body.as_ref().map(|body| body.clone().into_bytes())),
        }
    }

    /// Lends it in the core's form.
    pub fn with<T>(&self, call: impl FnOnce(&Request<'_>) -> T) -> T {
        let authorization = slices(&self.authorization);
        let origin = slices(&self.origin);
        let protocol_version = slices(&self.protocol_version);
        let mcp_method = slices(&self.mcp_method);
        let mcp_name = slices(&self.mcp_name);
        let scopes: Vec<&str> = self.request.scopes.iter().map(String::as_str).collect();
        let calls: Option<Vec<McpCall<'_>>> =
            self.request.calls.as_ref().map(|calls| calls.iter().map(mcp_call).collect());
        let mut request = Request::new(&self.request.method, &self.request.target)
            .authorization(&authorization)
            .origin(&origin)
            .access_control_request_method(self.asked_method.as_deref())
            .access_control_request_headers(self.asked_headers.as_deref())
            .protocol_version(&protocol_version)
            .mcp_method(&mcp_method)
            .mcp_name(&mcp_name)
            .scopes(&scopes);
        if let Some(body) = &self.body {
            request = request.body(body);
        }
        if let Some(calls) = &calls {
            request = request.calls(calls);
        }
        if let Some(now) = self.now {
            request = request.now(now);
        }
        call(&request)
    }
}

fn mcp_call(call: &VectorCall) -> McpCall<'_> {
    let mut built = McpCall::new(call.method.as_str());
    if let Some(name) = &call.name {
        built = built.name(name.as_str());
    }
    match &call.id {
        Some(Value::Number(number)) => built.id(CallId::Number(number.as_i64().expect("an integer"))),
        Some(Value::String(text)) => built.id(CallId::Text(text.clone())),
        _ => built,
    }
}

fn slices(lines: &[Vec<u8>]) -> Vec<&[u8]> {
    lines.iter().map(Vec::as_slice).collect()
}

fn lines(lines: &[String]) -> Vec<Vec<u8>> {
    lines.iter().map(|line| bytes(line)).collect()
}

/// Characters are bytes (Latin-1).
fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(u32::from(character)).expect("Latin-1")).collect()
}
