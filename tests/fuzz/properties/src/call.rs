//! A body and the headers that describe it, with a policy and a token that was verified before.
//!
//! What the core takes a body for shows in what policies say of it. It must be what every other JSON reader takes it for.

use std::fmt;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scopegate_core::{AccessToken, CallId, McpCall, Reason, Rejection, Request, ResourceServer};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::answer;
use crate::fields::Fields;
use crate::issuer;

/// Input: the lines of MCP-Protocol-Version, Mcp-Method and Mcp-Name, and the body.
pub fn holds_for(input: &[u8]) {
    let mut fields = Fields::of(input);
    let (versions, methods, names) = (fields.list(), fields.list(), fields.list());
    let body = fields.rest();
    let bare = Request::new("POST", "/mcp").body(body);
    let routed = bare.protocol_version(&versions).mcp_method(&methods).mcp_name(&names);
    let plain = judge(&LENIENT, &bare);
    let with_headers = judge(&LENIENT, &routed);
    match (&plain, &with_headers) {
        (Err(plain), Err(routed)) => assert_eq!(plain.response(), routed.response()),
        (Err(_), Ok(())) => panic!("headers let a call through"),
        (Ok(()), Err(refusal)) => {
            assert_eq!((refusal.reason(), code_of(refusal)), (Reason::MalformedCall, -32020));
        }
        (Ok(()), Ok(())) => {}
    }
    match plain {
        Err(refusal) => is_refused_rightly(&refusal, body),
        Ok(()) => {
            let call = agreed_reading(body);
            if with_headers.is_ok() {
                headers_repeat(call.as_ref(), &versions, &methods, &names);
            }
            is_read_as(call.as_ref(), &bare);
        }
    }
}

static TOKEN: LazyLock<AccessToken> = LazyLock::new(|| issuer::verified("granted"));
/// Lets every readable call through.
static LENIENT: LazyLock<ResourceServer> =
    LazyLock::new(|| policy(json!({"default": [], "max_body_bytes": MAX_BODY_BYTES})));
/// Lets none through.
static STERN: LazyLock<ResourceServer> =
    LazyLock::new(|| policy(json!({"default": "deny", "methods": {"*": "deny"}})));

const MAX_BODY_BYTES: usize = 3000;

fn policy(policy: Value) -> ResourceServer {
    issuer::server(json!({"policy": policy}))
}

fn judge(server: &ResourceServer, request: &Request<'_>) -> Result<(), Box<Rejection>> {
    let judged = server.require(&TOKEN, request);
    if let Err(rejection) = &judged {
        answer::is_in_the_table(rejection);
    }
    judged
}

fn code_of(rejection: &Rejection) -> i64 {
    let body: Value = serde_json::from_slice(&rejection.response().body).expect("JSON");
    body["error"]["code"].as_i64().unwrap_or_default()
}

fn is_refused_rightly(refusal: &Rejection, body: &[u8]) {
    // Read as text: bytes that are none are skipped over otherwise.
    let is_json =
        std::str::from_utf8(body).is_ok_and(|body| serde_json::from_str::<IgnoredAny>(body).is_ok());
    match (refusal.reason(), code_of(refusal)) {
        (Reason::CallTooLarge, -32600) => assert!(body.len() > MAX_BODY_BYTES),
        (Reason::MalformedCall, -32600) => assert!(is_json, "no JSON is called no request"),
        // What IgnoredAny skips over may still be a string that is no text.
        (Reason::MalformedCall, -32700) => assert!(!is_json || body.contains(&b'\\'), "JSON is called none"),
        other => panic!("{other:?}"),
    }
}

/// A call as some reader finds it. `id` is the echo that is due to it.
#[derive(Clone, Debug, PartialEq)]
struct Call {
    method: String,
    name: Option<String>,
    id: Option<Value>,
}

/// What readers find in a body that was let through, whichever of equal members they take. None for no call at all.
fn agreed_reading(body: &[u8]) -> Option<Call> {
    if body.is_empty() {
        return None;
    }
    let members: Members<'_> = serde_json::from_slice(body).expect("an accepted body is a JSON object");
    let readings = [first, last, last_in_any_case].map(|find| reading(&members, find));
    assert!(readings.iter().all(|reading| *reading == readings[0]), "{readings:?}");
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let method = value.get("method").and_then(Value::as_str);
        assert_eq!(method, readings[0].as_ref().map(|call| call.method.as_str()));
        assert_eq!(value["jsonrpc"], "2.0");
    }
    readings[0].clone()
}

type Find = for<'m, 'a> fn(&'m Members<'a>, &str) -> Option<&'a RawValue>;

fn first<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    members.0.iter().find(|(member, _)| member == name).map(|(_, value)| *value)
}

fn last<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    members.0.iter().rev().find(|(member, _)| member == name).map(|(_, value)| *value)
}

/// As Go's `encoding/json` does.
fn last_in_any_case<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    let is_named =
        |member: &str| member.to_lowercase() == name || member.to_uppercase() == name.to_uppercase();
    members.0.iter().rev().find(|(member, _)| is_named(member)).map(|(_, value)| *value)
}

fn reading(members: &Members<'_>, find: Find) -> Option<Call> {
    let method = text(find(members, "method")?).expect("a method that is let through is a string");
    let named_by = match method.as_str() {
        "tools/call" | "prompts/get" => Some("name"),
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => Some("uri"),
        _ => None,
    };
    let name = named_by.map(|member| {
        let params = find(members, "params").expect("a call that names something has params");
        let params: Members<'_> = serde_json::from_str(params.get()).expect("params are an object");
        text(find(&params, member).expect("a name")).expect("a name that is let through is a string")
    });
    Some(Call { method, name, id: find(members, "id").and_then(|id| echo(id.get())) })
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

/// The id that a refusal echoes.
fn echo(raw: &str) -> Option<Value> {
    if let Ok(text) = serde_json::from_str::<String>(raw) {
        return Some(Value::from(text)).filter(|text| text.as_str().is_some_and(|text| text.len() <= 256));
    }
    let digits = raw.strip_prefix('-').unwrap_or(raw);
    let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit()) && raw != "-0";
    let number = raw.parse::<i64>().ok().filter(|number| is_integer && number.unsigned_abs() <= 1 << 53);
    number.map(Value::from)
}

/// What policies that name the call say of it, and of the same call as a host's own parser would hand it in.
fn is_read_as(call: Option<&Call>, request: &Request<'_>) {
    let refused = judge(&STERN, request);
    let Some(Call { method, name, id }) = call else {
        return assert!(refused.is_ok(), "what calls nothing is refused");
    };
    let refused = refused.expect_err("a call gets past a policy that denies all");
    let body: Value = serde_json::from_slice(&refused.response().body).expect("JSON");
    assert_eq!((refused.reason(), body.get("id")), (Reason::PolicyDenied, id.as_ref()));
    let mut handed_in = McpCall::new(method.as_str());
    if let Some(name) = name {
        handed_in = handed_in.name(name.as_str());
    }
    match id {
        Some(Value::String(text)) => handed_in = handed_in.id(CallId::Text(text.clone())),
        Some(number) => handed_in = handed_in.id(CallId::Number(number.as_i64().expect("an integer"))),
        None => {}
    }
    let calls = [handed_in];
    let handed_in = Request::new("POST", "/mcp").calls(&calls);
    let as_calls = judge(&STERN, &handed_in).expect_err("the same call in another form is let through");
    assert_eq!(as_calls.response(), refused.response());
    needs_what_is_said_of(json!({"methods": {method: ["only"]}}), method, request);
    if let ("tools/call", Some(name)) = (method.as_str(), name) {
        needs_what_is_said_of(json!({"tools": {name: ["only"]}}), name, request);
    }
}

fn needs_what_is_said_of(mut policy: Value, name: &str, request: &Request<'_>) {
    // A star is no part of a name in a policy.
    if name.contains('*') || name.is_empty() {
        return;
    }
    policy["default"] = json!("deny");
    let server = self::policy(policy);
    let refusal = judge(&server, request).expect_err("the scope is not granted");
    let body: Value = serde_json::from_slice(&refusal.response().body).expect("JSON");
    let error = body["error"].as_object().map_or(&body, |error| &error["data"]);
    assert_eq!((refusal.reason(), &error["scope"]), (Reason::InsufficientScope, &json!("only")));
}

/// On versions with routing headers, those that let a call through name it.
fn headers_repeat(call: Option<&Call>, versions: &[&[u8]], methods: &[&[u8]], names: &[&[u8]]) {
    let [version] = versions else { return };
    let version = String::from_utf8_lossy(version.trim_ascii());
    let is_date = version.len() == 10
        && version
            .char_indices()
            .all(|(at, char)| if at == 4 || at == 7 { char == '-' } else { char.is_ascii_digit() });
    if !is_date || &*version < "2026-07-28" {
        return;
    }
    let Some(Call { method, name, .. }) = call else {
        return assert!(methods.is_empty() && names.is_empty(), "headers name a call that is not there");
    };
    match methods {
        [line] => assert_eq!(line.trim_ascii(), method.as_bytes()),
        lines => assert!(lines.is_empty() && method.starts_with("notifications/")),
    }
    if matches!(method.as_str(), "tools/call" | "prompts/get" | "resources/read") {
        let [line] = names else { panic!("a name is not given once") };
        let line = line.trim_ascii();
        let encoded = line.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
        let decoded = encoded.map(|text| STANDARD.decode(text).expect("base64"));
        assert_eq!(decoded.as_deref().unwrap_or(line), name.as_deref().unwrap_or_default().as_bytes());
    }
}

/// The members of an object as they stand there.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}
