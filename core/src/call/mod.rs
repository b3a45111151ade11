//! The MCP calls in a request: JSON-RPC body and routing headers -> methods, names, ids.
//!
//! A call is allowed because of what we read here, and acted on because of what the server behind reads. So a body
//! that two JSON parsers could read as two different calls is refused, whichever of them would be right.

mod body;
mod error;
mod full;
pub(crate) mod members;
pub(crate) mod resource_uri;
mod routing;

use std::borrow::Cow;

pub(crate) use body::{read, read_id};
pub(crate) use error::CallError;
pub use full::FullCall;
pub(crate) use full::in_full;
pub(crate) use routing::{check_routing, from_headers};

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
    pub(crate) names: Vec<Named<'a>>,
    pub(crate) id: Option<CallId>,
}

/// A thing that a call names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Named<'a> {
    pub(crate) kind: CallKind,
    pub(crate) name: Cow<'a, str>,
}

impl<'a> McpCall<'a> {
    /// A call of this method, without name and id.
    pub fn new(method: impl Into<Cow<'a, str>>) -> Self {
        McpCall { method: method.into(), names: Vec::new(), id: None }
    }

    /// What the call is about: `params.name` of `tools/call` and `prompts/get`, `params.uri` of `resources/read`,
    /// `resources/subscribe` and `resources/unsubscribe`.
    ///
    /// These methods are refused without it ([`Reason::MalformedCall`](crate::Reason::MalformedCall)); on others it
    /// is not looked at.
    pub fn name(self, name: impl Into<Cow<'a, str>>) -> Self {
        match naming(&self.method) {
            Naming::Name(kind) | Naming::Uri(kind) => self.naming(kind, name.into()),
            Naming::Reference | Naming::Filter | Naming::Nothing => self,
        }
    }

    /// The prompt that `completion/complete` refers to: `params.ref.name` of a `ref/prompt`.
    ///
    /// That method is refused unless it has exactly one prompt or resource; on others this is not looked at.
    pub fn prompt(self, name: impl Into<Cow<'a, str>>) -> Self {
        match naming(&self.method) {
            Naming::Reference => self.naming(CallKind::Prompt, name.into()),
            _ => self,
        }
    }

    /// A resource: `params.ref.uri` of a `ref/resource` of `completion/complete`, or one of
    /// `params.notifications.resourceSubscriptions` of `subscriptions/listen`, which has 1 to 1,000: a listen filter
    /// without resources is for [`Request::body`](crate::Request::body).
    ///
    /// On other methods this is not looked at.
    pub fn resource(self, uri: impl Into<Cow<'a, str>>) -> Self {
        match naming(&self.method) {
            Naming::Reference | Naming::Filter => self.naming(CallKind::Resource, uri.into()),
            _ => self,
        }
    }

    fn naming(mut self, kind: CallKind, name: Cow<'a, str>) -> Self {
        self.names.push(Named { kind, name });
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
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
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

    /// One of this kind: `tool`, `prompt` or `resource`.
    pub fn singular(self) -> &'static str {
        match self {
            CallKind::Tool => "tool",
            CallKind::Prompt => "prompt",
            CallKind::Resource => "resource",
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
    /// The requests and notifications of a batch. The responses in it are left out.
    Batch(Vec<McpCall<'a>>),
}

impl<'a> Message<'a> {
    /// The id of the call, when it is known. A batch has none.
    pub(crate) fn id(&self) -> Option<&CallId> {
        match self {
            Message::Call(call) => call.id.as_ref(),
            Message::None | Message::Response | Message::Batch(_) => None,
        }
    }

    /// Every call in the body.
    pub(crate) fn calls(&self) -> &[McpCall<'a>] {
        match self {
            Message::Call(call) => std::slice::from_ref(call),
            Message::Batch(calls) => calls,
            Message::None | Message::Response => &[],
        }
    }
}

/// A body with what is in it, or why that cannot be told. The tower layer makes it.
pub(crate) struct ReadBody<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) message: Result<Message<'a>, CallError>,
}

impl<'a> ReadBody<'a> {
    /// Reads a whole body of at most `limit` bytes.
    #[cfg(feature = "tower")]
    pub(crate) fn of(bytes: &'a [u8], limit: usize) -> Self {
        ReadBody { bytes, message: read(bytes, limit) }
    }
}

/// Takes over the calls of a host whose own parser ran first.
pub(crate) fn from_calls<'a>(calls: &'a [McpCall<'_>]) -> Result<Message<'a>, CallError> {
    match calls {
        [] => Ok(Message::None),
        [call] => handed_in(call).map(Message::Call),
        _ if calls.len() > MAX_BATCH => Err(CallError::NotARequest(LONG_BATCH)),
        _ => calls.iter().map(handed_in).collect::<Result<_, _>>().and_then(batch_of),
    }
}

/// A batch that does not name too much.
fn batch_of(calls: Vec<McpCall<'_>>) -> Result<Message<'_>, CallError> {
    let names: usize = calls.iter().map(|call| call.names.len()).sum();
    if names > MAX_NAMES {
        return Err(CallError::NotARequest(MANY_NAMES));
    }
    Ok(Message::Batch(calls))
}

fn handed_in<'a>(call: &'a McpCall<'_>) -> Result<McpCall<'a>, CallError> {
    let method = Cow::Borrowed(without_nul(&call.method)?);
    let is_complete = match naming(&method) {
        Naming::Name(_) | Naming::Uri(_) | Naming::Reference => call.names.len() == 1,
        // A host that cannot say which resources it is about must not seem to say that there are none.
        Naming::Filter => !call.names.is_empty(),
        Naming::Nothing => true,
    };
    if !is_complete {
        return Err(CallError::NotARequest(NO_NAME));
    }
    if call.names.len() > MAX_NAMES {
        return Err(CallError::NotARequest(MANY_NAMES));
    }
    let names = call.names.iter().map(|named| {
        without_nul(&named.name).map(|name| Named { kind: named.kind, name: Cow::Borrowed(name) })
    });
    let names = names.collect::<Result<_, _>>()?;
    Ok(McpCall { method, names, id: call.id.clone().and_then(CallId::within_bounds) })
}

const MAX_ID_NUMBER: u64 = 1 << 53;
const MAX_ID_BYTES: usize = 256;
/// The most messages in a batch, the limit of the official TypeScript server.
const MAX_BATCH: usize = 100;
/// The most things that one body names: what it needs is added up name by name.
const MAX_NAMES: usize = 1000;
const LONG_BATCH: &str = "the batch has more than 100 messages";
const MANY_NAMES: &str = "the body names more than 1000 things";
const NO_NAME: &str = "the call does not name its tool, prompt or resource by a string";

/// Whether this method is a notification's: they have a prefix of their own in MCP.
pub(crate) fn is_notification(method: &str) -> bool {
    method.starts_with("notifications/")
}

/// How a method says what it is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Naming {
    /// By `params.name`.
    Name(CallKind),
    /// By `params.uri`.
    Uri(CallKind),
    /// By `params.ref`, a prompt or a resource.
    Reference,
    /// By the list `params.notifications.resourceSubscriptions`.
    Filter,
    /// Not at all.
    Nothing,
}

pub(crate) fn naming(method: &str) -> Naming {
    match method {
        "tools/call" => Naming::Name(CallKind::Tool),
        "prompts/get" => Naming::Name(CallKind::Prompt),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Naming::Uri(CallKind::Resource),
        "completion/complete" => Naming::Reference,
        "subscriptions/listen" => Naming::Filter,
        _ => Naming::Nothing,
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
        let listen = McpCall::new("subscriptions/listen");
        let complete = McpCall::new("completion/complete");
        assert_eq!(from_calls(std::slice::from_ref(&weather)), read_text(&tool_call("")));
        assert_eq!(from_calls(&[]), Ok(Message::None));
        for taken in [
            vec![weather.clone(), McpCall::new("ping")],
            vec![McpCall::new("ping"); 100],
            vec![listen.clone().resource("a:b"), complete.clone().prompt("a")],
        ] {
            assert_eq!(from_calls(&taken), Ok(Message::Batch(taken.clone())));
        }
        let hundred = (0..100).fold(listen.clone(), |listen, at| listen.resource(format!("a:{at}")));
        for taken in [
            listen.clone().resource("a:b").resource("a:c"),
            complete.clone().prompt("a"),
            complete.clone().resource("a:{b}"),
            hundred.clone(),
        ] {
            assert_eq!(from_calls(std::slice::from_ref(&taken)), Ok(Message::Call(taken.clone())));
        }
        for refused in [
            vec![weather.clone(), McpCall::new("tools/call")],
            vec![McpCall::new("ping"); 101],
            vec![hundred.clone(); 11],
            vec![(0..1001).fold(listen.clone(), |listen, _| listen.resource("a:b"))],
            vec![McpCall::new("tools/call")],
            vec![weather.name("twice")],
            vec![McpCall::new("resources/read")],
            vec![McpCall::new("tools/call").prompt("a").resource("b")],
            vec![listen.clone()],
            vec![listen.clone().name("a:b")],
            vec![complete.clone()],
            vec![complete.clone().name("a")],
            vec![complete.prompt("a").resource("a:b")],
            vec![McpCall::new("tools/call").name("a\0")],
            vec![McpCall::new("subscriptions/listen").resource("a:\0")],
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
