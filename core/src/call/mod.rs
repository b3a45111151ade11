//! The MCP call in a request: JSON-RPC body and routing headers -> method, names, id.
//!
//! A call is allowed because of what we read here, and acted on because of what the server behind reads. So a body
//! that two JSON parsers could read as two different calls is refused, whichever of them would be right.

mod body;
mod error;
mod members;
mod routing;

use std::borrow::Cow;

pub(crate) use body::{read, read_id};
pub(crate) use error::CallError;
pub(crate) use routing::check_routing;

/// One JSON-RPC request or notification of MCP, as a host's own body parser read it.
///
/// Hand in exactly what the server behind acts on: policy and server must read the same object.
///
/// ```
/// use scopegate_core::{CallId, McpCall};
/// let call = McpCall::new("tools/call").name("weather").id(CallId::Number(7));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct McpCall<'a> {
    pub(crate) method: Cow<'a, str>,
    pub(crate) name: Option<Cow<'a, str>>,
    pub(crate) id: Option<CallId>,
}

impl<'a> McpCall<'a> {
    /// A call of this method, without name and id.
    pub fn new(method: impl Into<Cow<'a, str>>) -> Self {
        McpCall { method: method.into(), name: None, id: None }
    }

    /// What the call is about: `params.name` of `tools/call` and `prompts/get`, `params.uri` of `resources/read`,
    /// `resources/subscribe` and `resources/unsubscribe`.
    ///
    /// These methods are refused without it ([`Reason::MalformedCall`](crate::Reason::MalformedCall)); on others it
    /// is not looked at.
    pub fn name(mut self, name: impl Into<Cow<'a, str>>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// The id, which a refusal for scope or policy echoes. Left out for a notification, and for an id that
    /// [`CallId`] cannot hold.
    pub fn id(mut self, id: CallId) -> Self {
        self.id = Some(id);
        self
    }
}

/// A JSON-RPC id that a refusal may echo. An id outside these bounds, or of another JSON type, counts as unknown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CallId {
    /// An integer within ±2^53, written without fraction or exponent.
    Number(i64),
    /// A string of at most 256 bytes.
    Text(String),
}

impl CallId {
    /// The id as JSON, the same bytes for every spelling that the client may have chosen.
    pub(crate) fn to_json(&self) -> String {
        match self {
            CallId::Number(number) => number.to_string(),
            CallId::Text(text) => serde_json::Value::from(text.as_str()).to_string(),
        }
    }

    fn within_bounds(self) -> Option<CallId> {
        let fits = match &self {
            CallId::Number(number) => number.unsigned_abs() <= MAX_ID_NUMBER,
            CallId::Text(text) => text.len() <= MAX_ID_BYTES,
        };
        fits.then_some(self)
    }
}

/// The kinds of thing that a call names.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum CallKind {
    /// A tool, by `tools/call`.
    Tool,
    /// A prompt, by `prompts/get`.
    Prompt,
    /// A resource, by `resources/read`.
    Resource,
}

impl CallKind {
    /// The kind of this name: `tools`, `prompts` or `resources`.
    pub fn from_name(name: &str) -> Option<Self> {
        [CallKind::Tool, CallKind::Prompt, CallKind::Resource].into_iter().find(|kind| kind.name() == name)
    }

    /// The name of the kind, as the policy's maps and MCP's list methods have it.
    pub fn name(self) -> &'static str {
        match self {
            CallKind::Tool => "tools",
            CallKind::Prompt => "prompts",
            CallKind::Resource => "resources",
        }
    }

    /// The method that uses a thing of this kind.
    pub(crate) fn method(self) -> &'static str {
        match self {
            CallKind::Tool => "tools/call",
            CallKind::Prompt => "prompts/get",
            CallKind::Resource => "resources/read",
        }
    }
}

/// What a body holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Message<'a> {
    /// No body.
    None,
    /// One request or notification.
    Call(McpCall<'a>),
    /// A result or an error, which answers a request of the server's. It calls nothing.
    Response,
}

impl Message<'_> {
    /// The id of the call, when it is known.
    pub(crate) fn id(&self) -> Option<&CallId> {
        match self {
            Message::Call(call) => call.id.as_ref(),
            Message::None | Message::Response => None,
        }
    }
}

/// Takes over the calls of a host whose own parser ran first.
pub(crate) fn from_calls<'a>(calls: &'a [McpCall<'_>]) -> Result<Message<'a>, CallError> {
    let call = match calls {
        [] => return Ok(Message::None),
        [call] => call,
        _ => return Err(CallError::NotARequest("the body holds more than one call")),
    };
    let method = Cow::Borrowed(without_nul(&call.method)?);
    let name = match (name_member(&method), &call.name) {
        (Some(_), None) => return Err(CallError::NotARequest(NO_NAME)),
        (Some(_), Some(name)) => Some(Cow::Borrowed(without_nul(name)?)),
        (None, _) => None,
    };
    Ok(Message::Call(McpCall { method, name, id: call.id.clone().and_then(CallId::within_bounds) }))
}

const MAX_ID_NUMBER: u64 = 1 << 53;
const MAX_ID_BYTES: usize = 256;
const NO_NAME: &str = "the call does not name its tool, prompt or resource by a string";

/// Whether this method is a notification's: they have a prefix of their own in MCP.
pub(crate) fn is_notification(method: &str) -> bool {
    method.starts_with("notifications/")
}

/// The member of `params` that says what a call is about.
enum NameMember {
    Name,
    Uri,
}

fn name_member(method: &str) -> Option<NameMember> {
    match method {
        "tools/call" | "prompts/get" => Some(NameMember::Name),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Some(NameMember::Uri),
        _ => None,
    }
}

fn without_nul(text: &str) -> Result<&str, CallError> {
    if text.contains('\0') {
        return Err(CallError::NotARequest("a name holds U+0000"));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::body::tests::{read_text, tool_call};
    use super::*;

    #[test]
    fn calls_of_the_hosts_parser_are_held_to_the_same_rules() {
        let weather = McpCall::new("tools/call").name("weather").id(CallId::Number(7));
        let calls = [weather.clone()];
        assert_eq!(from_calls(&calls), read_text(&tool_call("")));
        assert_eq!(from_calls(&[]), Ok(Message::None));
        for refused in [
            vec![weather.clone(), weather],
            vec![McpCall::new("tools/call")],
            vec![McpCall::new("resources/read")],
            vec![McpCall::new("tools/call").name("a\0")],
            vec![McpCall::new("ping\0")],
        ] {
            assert!(matches!(from_calls(&refused), Err(CallError::NotARequest(_))), "{refused:?}");
        }
        let named_for_nothing = [McpCall::new("tools/list").name("weather").id(CallId::Number(i64::MIN))];
        assert_eq!(from_calls(&named_for_nothing), Ok(Message::Call(McpCall::new("tools/list"))));
    }

    #[test]
    fn kinds_have_the_names_of_the_policys_maps() {
        for (name, kind) in
            [("tools", CallKind::Tool), ("prompts", CallKind::Prompt), ("resources", CallKind::Resource)]
        {
            assert_eq!(CallKind::from_name(name), Some(kind));
            assert_eq!(kind.name(), name);
        }
        assert_eq!(CallKind::from_name("tool"), None);
    }
}
