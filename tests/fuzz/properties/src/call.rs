//! A body and the headers that describe it, with a policy and a token that was verified before.
//!
//! What the core takes a body for shows in what policies say of it. It must be what every other JSON reader takes it for.

use std::collections::HashMap;
use std::fmt;
use std::sync::{LazyLock, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scopegate_core::{
    AccessToken, CallId, CallKind, KeptToken, McpCall, Reason, Rejection, Request, ResourceServer,
};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::answer;
use crate::fields::Fields;
use crate::issuer;
use crate::outcome::{self, Outcome};

/// Input: the lines of MCP-Protocol-Version, Mcp-Method and Mcp-Name, and the body.
pub fn holds_for(input: &[u8]) {
    let mut fields = Fields::of(input);
    let headers = Headers { versions: fields.list(), methods: fields.list(), names: fields.list() };
    let body = fields.rest();
    let bare = Request::new("POST", "/mcp").body(body);
    let routed = headers.of(bare);
    let plain = judge(&LENIENT, &bare);
    let with_headers = judge(&LENIENT, &routed);
    match (&plain, &with_headers) {
        (Err(_), Ok(())) => panic!("headers let a call through"),
        (Err(plain), Err(routed)) if plain.reason() == Reason::MalformedCall => {
            assert_eq!(plain.response(), routed.response());
        }
        (Ok(()), Err(refusal)) => {
            let code = if body.trim_ascii_start().starts_with(b"[") { -32600 } else { -32020 };
            assert_eq!((refusal.reason(), code_of(refusal)), (Reason::MalformedCall, code));
        }
        _ => {}
    }
    match plain {
        Err(refusal) => is_refused_rightly(&refusal, body),
        Ok(()) => {
            let _of_scopes = judge(&VERIFIED, &bare);
            let message = agreed_reading(body);
            if with_headers.is_ok() {
                headers_repeat(&message, &headers);
                headers_stand_for(&headers, body);
            }
            is_read_as(&message, &bare);
        }
    }
}

/// The lines of the routing headers.
struct Headers<'a> {
    versions: Vec<&'a [u8]>,
    methods: Vec<&'a [u8]>,
    names: Vec<&'a [u8]>,
}

impl<'a> Headers<'a> {
    fn of(&'a self, request: Request<'a>) -> Request<'a> {
        request.protocol_version(&self.versions).mcp_method(&self.methods).mcp_name(&self.names)
    }
}

static TOKEN: LazyLock<AccessToken> = LazyLock::new(|| issuer::verified("granted"));
/// What a host keeps of it.
static KEPT: LazyLock<KeptToken<'static>> = LazyLock::new(|| KeptToken {
    issuer: TOKEN.issuer(),
    subject: TOKEN.subject(),
    client_id: TOKEN.client_id(),
    token_id: TOKEN.token_id(),
    scope: "granted",
});
/// Lets every readable call through.
static LENIENT: LazyLock<ResourceServer> =
    LazyLock::new(|| policy(json!({"default": [], "max_body_bytes": MAX_BODY_BYTES})));
/// Lets none through.
static STERN: LazyLock<ResourceServer> =
    LazyLock::new(|| policy(json!({"default": "deny", "methods": {"*": "deny"}})));

/// Lets some through, and takes verified headers for the body.
static VERIFIED: LazyLock<ResourceServer> = LazyLock::new(|| {
    policy(json!({
        "default": "deny", "headers_verified": true, "methods": {"tools/list": [], "tasks/*": ["only"]},
        "tools": {"weather": [], "erase": ["only"]}, "prompts": {"*": ["granted"]}, "resources": {"file:///a/*": []},
    }))
});

const MAX_BODY_BYTES: usize = 3000;

fn policy(policy: Value) -> ResourceServer {
    issuer::server(json!({"policy": policy}))
}

fn judge(server: &ResourceServer, request: &Request<'_>) -> Result<(), Box<Rejection>> {
    let judged = server.require(&TOKEN, request);
    if let Err(rejection) = &judged {
        answer::is_in_the_table(rejection);
    }
    let of_kept = server.require_kept(&KEPT, request);
    let response_to_kept = of_kept.as_ref().map_err(|refusal| refusal.response());
    assert_eq!(response_to_kept, judged.as_ref().map_err(|refusal| refusal.response()));
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
        // A URI that can be read in more than one way.
        (Reason::PolicyDenied, _) => {
            let names_a_resource =
                |call: &Call| call.names.iter().any(|(kind, _)| *kind == CallKind::Resource);
            assert!(agreed_reading(body).calls.iter().any(names_a_resource), "{refusal}");
        }
        other => panic!("{other:?}"),
    }
}

/// A body as some reader finds it.
#[derive(Clone, Debug, PartialEq)]
struct Message {
    calls: Vec<Call>,
    is_batch: bool,
}

/// A call in it. `id` is the echo that is due to it.
#[derive(Clone, Debug, PartialEq)]
struct Call {
    method: String,
    names: Vec<(CallKind, String)>,
    id: Option<Value>,
}

/// What readers find in a body that was let through, whichever of equal members they take.
fn agreed_reading(body: &[u8]) -> Message {
    if body.is_empty() {
        return Message { calls: Vec::new(), is_batch: false };
    }
    let is_batch = body.trim_ascii_start().starts_with(b"[");
    let messages: Vec<&RawValue> = match is_batch {
        true => serde_json::from_slice(body).expect("an accepted batch is a JSON array"),
        false => vec![serde_json::from_slice(body).expect("an accepted body is JSON")],
    };
    assert!(!messages.is_empty() && messages.len() <= 100);
    let calls = messages.into_iter().filter_map(|message| {
        let members: Members<'_> =
            serde_json::from_str(message.get()).expect("an accepted message is an object");
        let readings = [first, last, last_in_any_case].map(|find| reading(&members, find));
        assert!(readings.iter().all(|reading| *reading == readings[0]), "{readings:?}");
        if let Ok(value) = serde_json::from_str::<Value>(message.get()) {
            let method = value.get("method").and_then(Value::as_str);
            assert_eq!(method, readings[0].as_ref().map(|call| call.method.as_str()));
            assert_eq!(value["jsonrpc"], "2.0");
        }
        readings[0].clone()
    });
    Message { calls: calls.collect(), is_batch }
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
    let of_params = |member: &str| {
        let params = find(members, "params").expect("a call that names something has params");
        let params: Members<'_> = serde_json::from_str(params.get()).expect("params are an object");
        find(&params, member)
    };
    let named =
        |raw: Option<&RawValue>| text(raw.expect("a name")).expect("a name that is let through is a string");
    let names = match method.as_str() {
        "tools/call" => vec![(CallKind::Tool, named(of_params("name")))],
        "prompts/get" => vec![(CallKind::Prompt, named(of_params("name")))],
        "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
            vec![(CallKind::Resource, named(of_params("uri")))]
        }
        "completion/complete" => {
            let reference = of_params("ref").expect("a completion refers to something");
            let reference: Members<'_> = serde_json::from_str(reference.get()).expect("ref is an object");
            match named(find(&reference, "type")).as_str() {
                "ref/prompt" => vec![(CallKind::Prompt, named(find(&reference, "name")))],
                "ref/resource" => vec![(CallKind::Resource, named(find(&reference, "uri")))],
                other => panic!("{other} is let through"),
            }
        }
        "subscriptions/listen" => {
            let filter = of_params("notifications").expect("a filter");
            let filter: Members<'_> = serde_json::from_str(filter.get()).expect("a filter is an object");
            let uris = find(&filter, "resourceSubscriptions");
            let uris: Vec<String> =
                uris.map_or(Vec::new(), |uris| serde_json::from_str(uris.get()).expect("strings"));
            uris.into_iter().map(|uri| (CallKind::Resource, uri)).collect()
        }
        _ => Vec::new(),
    };
    Some(Call { method, names, id: find(members, "id").and_then(|id| echo(id.get())) })
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

/// What policies that name the calls say of them, and of the same calls as a host's own parser would hand them in.
fn is_read_as(message: &Message, request: &Request<'_>) {
    let refused = judge(&STERN, request);
    if message.calls.is_empty() {
        return assert!(refused.is_ok(), "what calls nothing is refused");
    }
    let refused = refused.expect_err("a call gets past a policy that denies all");
    let body: Value = serde_json::from_slice(&refused.response().body).expect("JSON");
    let id = message.calls[0].id.as_ref().filter(|_| !message.is_batch);
    assert_eq!((refused.reason(), body.get("id")), (Reason::PolicyDenied, id));
    // A listen filter that names nothing cannot be handed in.
    if !message.calls.iter().any(|call| call.method == "subscriptions/listen" && call.names.is_empty()) {
        let calls: Vec<McpCall<'_>> =
            message.calls.iter().map(|call| call.handed_in(message.is_batch)).collect();
        let handed_in = Request::new("POST", "/mcp").calls(&calls);
        let as_calls = judge(&STERN, &handed_in).expect_err("the same calls in another form are let through");
        assert_eq!(as_calls.response(), refused.response());
        assert!(judge(&LENIENT, &handed_in).is_ok());
    }
    let methods: Vec<&str> = message.calls.iter().map(|call| call.method.as_str()).collect();
    is_needed(json!({"default": []}), "methods", &methods, request);
    if let [Call { names, .. }] = &message.calls[..] {
        for (kind, map) in
            [(CallKind::Tool, "tools"), (CallKind::Prompt, "prompts"), (CallKind::Resource, "resources")]
        {
            let names = names.iter().filter(|(named, _)| *named == kind).map(|(_, name)| name.as_str());
            let names: Vec<&str> = names.collect();
            if !names.is_empty() {
                is_needed(json!({"default": "deny"}), map, &names, request);
            }
        }
    }
}

impl Call {
    fn handed_in(&self, is_batch: bool) -> McpCall<'_> {
        let named = |call: McpCall<'static>, (kind, name): &(CallKind, String)| match (&*self.method, kind) {
            ("completion/complete", CallKind::Prompt) => call.prompt(name.clone()),
            ("completion/complete" | "subscriptions/listen", _) => call.resource(name.clone()),
            _ => call.name(name.clone()),
        };
        let call = self.names.iter().fold(McpCall::new(self.method.clone()), named);
        match &self.id {
            None => call,
            Some(_) if is_batch => call,
            Some(Value::String(text)) => call.id(CallId::Text(text.clone())),
            Some(number) => call.id(CallId::Number(number.as_i64().expect("an integer"))),
        }
    }
}

/// A policy with a scope for each of these names has the request need them all, in their order.
fn is_needed(mut policy: Value, map: &str, names: &[&str], request: &Request<'_>) {
    // A star is no part of a name in a policy.
    if names.len() > 8 || names.iter().any(|name| name.contains('*') || name.is_empty()) {
        return;
    }
    let mut distinct = names.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let scope =
        |name: &str| format!("s{}", distinct.iter().position(|other| *other == name).unwrap_or_default());
    policy[map] = distinct.iter().map(|name| ((*name).to_owned(), json!([scope(name)]))).collect();
    let Some(server) = remembered(policy) else {
        // Not the form in which URIs are compared; every URI has a place under *.
        assert_eq!(map, "resources");
        let refusal = judge(&ALL_RESOURCES, request).expect_err("the scope is not granted");
        return assert_eq!(refusal.reason(), Reason::InsufficientScope);
    };
    let refusal = judge(&server, request).expect_err("the scope is not granted");
    let body: Value = serde_json::from_slice(&refusal.response().body).expect("JSON");
    let error = body["error"].as_object().map_or(&body, |error| &error["data"]);
    let mut need: Vec<String> = Vec::new();
    for name in names {
        if !need.contains(&scope(name)) {
            need.push(scope(name));
        }
    }
    assert_eq!((refusal.reason(), &error["scope"]), (Reason::InsufficientScope, &json!(need.join(" "))));
}

/// A server with this policy. The same names come often, and making one takes longer than all else.
fn remembered(policy: Value) -> Option<ResourceServer> {
    static MADE: LazyLock<Mutex<HashMap<String, Option<ResourceServer>>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().expect("no other thread panicked");
    if made.len() > 500 {
        made.clear();
    }
    let config = policy.to_string();
    made.entry(config).or_insert_with(|| issuer::keyless_server(json!({"policy": policy}))).clone()
}

static ALL_RESOURCES: LazyLock<ResourceServer> =
    LazyLock::new(|| policy(json!({"default": "deny", "resources": {"*": ["only"]}})));

/// On versions with routing headers, those that let a call through name it.
fn headers_repeat(message: &Message, headers: &Headers<'_>) {
    let [version] = headers.versions[..] else { return };
    let version = String::from_utf8_lossy(version.trim_ascii());
    let is_date = version.len() == 10
        && version
            .char_indices()
            .all(|(at, char)| if at == 4 || at == 7 { char == '-' } else { char.is_ascii_digit() });
    if !is_date || &*version < "2026-07-28" {
        return;
    }
    assert!(!message.is_batch, "a version without batches has one");
    let [Call { method, names, .. }] = &message.calls[..] else {
        return assert!(
            headers.methods.is_empty() && headers.names.is_empty(),
            "headers name what is not there"
        );
    };
    match headers.methods[..] {
        [line] => assert_eq!(line.trim_ascii(), method.as_bytes()),
        ref lines => assert!(lines.is_empty() && method.starts_with("notifications/")),
    }
    if matches!(method.as_str(), "tools/call" | "prompts/get" | "resources/read") {
        let [line] = headers.names[..] else { panic!("a name is not given once") };
        let line = line.trim_ascii();
        let encoded = line.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?="));
        let decoded = encoded.map(|text| STANDARD.decode(text).expect("base64"));
        assert_eq!(decoded.as_deref().unwrap_or(line), names[0].1.as_bytes());
    }
}

/// Headers that repeat the body and are taken for it have it judged as it would be itself.
fn headers_stand_for(headers: &Headers<'_>, body: &[u8]) {
    let lines = [TOKEN_LINE.as_bytes()];
    // A GET: the refusal of a POST has the body's id.
    let unread = headers.of(Request::new("GET", "/mcp").authorization(&lines).now(issuer::NOW));
    let by_headers = outcome::explained(&VERIFIED, &unread);
    let read = outcome::explained(&VERIFIED, &unread.body(body));
    if !matches!(by_headers, Outcome::NeedBody(_)) {
        assert_eq!(by_headers, read);
    }
}

static TOKEN_LINE: LazyLock<String> = LazyLock::new(|| format!("Bearer {}", issuer::good_token("granted")));

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
