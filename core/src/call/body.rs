//! The JSON-RPC body -> its calls.

use std::borrow::Cow;

use memchr::memchr2;
use serde_json::value::RawValue;

use super::members::{Elements, Members, decode, string};
use super::{
    CallError, CallId, CallKind, LONG_BATCH, MANY_NAMES, MAX_BATCH, MAX_NAMES, McpCall, Message, NO_NAME,
    Named, Naming, batch_of, naming,
};

/// The deepest nesting of objects and arrays in a body, the outermost included.
pub(super) const MAX_DEPTH: usize = 64;
pub(super) const JSON_BLANKS: [char; 4] = [' ', '\t', '\n', '\r'];

/// Reads a whole body of at most `limit` bytes.
///
/// Refuses what parsers read differently: a member that appears twice at the top level, in `params`, in `params.ref` or
/// in a listen filter (the last wins, or the first), one of our names in another case there (Go's `encoding/json`
/// matches it), `__proto__` there (in JavaScript, copying the object turns its members into inherited ones), U+0000 in
/// a name (C strings end there), invalid UTF-8, a byte order mark, a lone surrogate in a string that we decode, trailing
/// bytes, more than 64 levels. Each message of a batch is read as strictly as a single one.
///
/// Below those levels nothing is looked at but the JSON grammar: arguments are the tool's business.
pub(crate) fn read(body: &[u8], limit: usize) -> Result<Message<'_>, CallError> {
    if body.len() > limit {
        return Err(CallError::TooLarge);
    }
    if body.is_empty() {
        return Ok(Message::None);
    }
    let text = std::str::from_utf8(body).map_err(|_| CallError::NotJson)?.trim_matches(JSON_BLANKS);
    match text.as_bytes().first() {
        Some(b'{') => {
            let members = Members::of(text, MESSAGE_MEMBERS)?;
            refuse_depth(text)?;
            message(members)
        }
        Some(b'[') => {
            let elements = Elements::of(text, MAX_BATCH)?;
            refuse_depth(text)?;
            batch(elements)
        }
        _ => {
            serde_json::from_str::<&RawValue>(text).map_err(|_| CallError::NotJson)?;
            Err(CallError::NotARequest("the body is neither a JSON object nor a batch of them"))
        }
    }
}

pub(super) const MESSAGE_MEMBERS: [&str; 6] = ["jsonrpc", "method", "params", "id", "result", "error"];

/// A request, a notification or a response.
fn message<'a>(members: Members<'a, 6>) -> Result<Message<'a>, CallError> {
    let [jsonrpc, method, params, id, result, error] = members.unambiguous()?;
    let version = string(jsonrpc, "jsonrpc is not a string")?;
    if version != "2.0" {
        return Err(CallError::NotARequest("jsonrpc is not \"2.0\""));
    }
    match (method, result.or(error)) {
        (None, None) => Err(CallError::NotARequest("a message has neither method nor result nor error")),
        (None, Some(_)) => Ok(Message::Response),
        (Some(_), Some(_)) => {
            Err(CallError::NotARequest("a message has both a method and a result or error"))
        }
        (Some(_), None) => call(string(method, "method is not a string")?, params, id).map(Message::Call),
    }
}

fn batch<'a>(elements: Elements<'a>) -> Result<Message<'a>, CallError> {
    let elements = elements.all().ok_or(CallError::NotARequest(LONG_BATCH))?;
    if elements.is_empty() {
        return Err(CallError::NotARequest("the batch is empty"));
    }
    let mut calls = Vec::new();
    for element in elements {
        if !element.starts_with('{') {
            return Err(CallError::NotARequest("the batch holds something other than messages"));
        }
        if let Message::Call(call) = message(Members::of(element, MESSAGE_MEMBERS)?)? {
            calls.push(call);
        }
    }
    batch_of(calls)
}

fn refuse_depth(text: &str) -> Result<(), CallError> {
    if is_deeper_than(MAX_DEPTH, text) {
        return Err(CallError::NotARequest("the body is nested deeper than 64 levels"));
    }
    Ok(())
}

/// The id of the call in a body, for a refusal that the policy has no part in. None for a body that is not one
/// readable call.
pub(crate) fn read_id(body: &[u8], limit: usize) -> Option<CallId> {
    match read(body, limit) {
        Ok(Message::Call(call)) => call.id,
        _ => None,
    }
}

/// One call, from its decoded method and the raw texts of `params` and `id`.
fn call<'a>(
    method: Cow<'a, str>,
    params: Option<&'a str>,
    id: Option<&'a str>,
) -> Result<McpCall<'a>, CallError> {
    let [name, uri, reference, filter] = match params {
        None => [None; 4],
        Some(params) => object(params, ["name", "uri", "ref", "notifications"], "params is not an object")?,
    };
    let reference = match reference {
        Some(text) if text.starts_with('{') => Some(object(text, ["type", "name", "uri"], NO_REFERENCE)?),
        _ => None,
    };
    let names = match naming(&method) {
        Naming::Name(kind) => vec![Named { kind, name: string(name, NO_NAME)? }],
        Naming::Uri(kind) => vec![Named { kind, name: string(uri, NO_NAME)? }],
        Naming::Reference => vec![referred(reference)?],
        Naming::Filter => filtered(filter)?,
        Naming::Nothing => Vec::new(),
    };
    Ok(McpCall { method, names, id: call_id(id)? })
}

const NO_REFERENCE: &str = "ref is not a ref/prompt with a name or a ref/resource with a uri";
const NO_FILTER: &str = "notifications is not an object, or its resourceSubscriptions not a list of strings";

/// What a `ref` refers to. Its type alone says which of the members counts, as it does for the SDKs.
fn referred(reference: Option<[Option<&str>; 3]>) -> Result<Named<'_>, CallError> {
    let [kind, name, uri] = reference.ok_or(CallError::NotARequest(NO_REFERENCE))?;
    match &*string(kind, NO_REFERENCE)? {
        "ref/prompt" => Ok(Named { kind: CallKind::Prompt, name: string(name, NO_REFERENCE)? }),
        "ref/resource" => Ok(Named { kind: CallKind::Resource, name: string(uri, NO_REFERENCE)? }),
        _ => Err(CallError::NotARequest(NO_REFERENCE)),
    }
}

/// The resources that a listen filter names.
fn filtered(filter: Option<&str>) -> Result<Vec<Named<'_>>, CallError> {
    let filter = filter.ok_or(CallError::NotARequest(NO_FILTER))?;
    let [uris, python_name] = object(filter, ["resourceSubscriptions", "resource_subscriptions"], NO_FILTER)?;
    if python_name.is_some() {
        // The Python server's types take their own spelling of a member too.
        return Err(CallError::NotARequest("a listen filter has a member resource_subscriptions"));
    }
    let Some(uris) = uris else { return Ok(Vec::new()) };
    if !uris.starts_with('[') {
        return Err(CallError::NotARequest(NO_FILTER));
    }
    let uris = Elements::of(uris, MAX_NAMES)?.all().ok_or(CallError::NotARequest(MANY_NAMES))?;
    let named = |uri| Ok(Named { kind: CallKind::Resource, name: string(Some(uri), NO_FILTER)? });
    uris.into_iter().map(named).collect()
}

/// The wanted members of an object; `otherwise` says what is wrong when it is something else.
fn object<'a, const N: usize>(
    text: &'a str,
    names: [&'static str; N],
    otherwise: &'static str,
) -> Result<[Option<&'a str>; N], CallError> {
    if !text.starts_with('{') {
        return Err(CallError::NotARequest(otherwise));
    }
    Members::of(text, names)?.unambiguous()
}

/// An id from its raw text, None when there is none that may be echoed.
fn call_id(raw: Option<&str>) -> Result<Option<CallId>, CallError> {
    let Some(raw) = raw else { return Ok(None) };
    if raw.starts_with('"') {
        return Ok(CallId::Text(decode(raw)?.into_owned()).within_bounds());
    }
    // Parsers differ on -0: some read 0, others a negative zero.
    let number = raw.parse().ok().filter(|_| raw != "-0").map(CallId::Number);
    Ok(number.and_then(CallId::within_bounds))
}

/// Whether objects and arrays nest deeper than `limit` in a JSON text.
fn is_deeper_than(limit: usize, json: &str) -> bool {
    let (mut depth, mut rest): (usize, _) = (0, json.as_bytes());
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'"' => rest = after_string(rest),
            b'{' | b'[' if depth == limit => return true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

/// What comes after the string whose beginning was read.
fn after_string(mut bytes: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', bytes) {
        match bytes.get(at..) {
            Some([b'\\', _, after @ ..]) => bytes = after,
            Some([_, after @ ..]) => return after,
            _ => break,
        }
    }
    &[]
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    const LIMIT: usize = 4 * 1024 * 1024;

    pub(in crate::call) fn read_text(body: &str) -> Result<Message<'_>, CallError> {
        read(body.as_bytes(), LIMIT)
    }

    fn call_in(body: &str) -> McpCall<'_> {
        match read_text(body) {
            Ok(Message::Call(call)) => call,
            other => panic!("{body}: {other:?}"),
        }
    }

    fn is_no_request(body: &str) -> bool {
        matches!(read_text(body), Err(CallError::NotARequest(_)))
    }

    /// `tools/call` of `weather` with further members of `params`, each after a comma.
    pub(in crate::call) fn tool_call(members: &str) -> String {
        let params = format!(r#"{{"name":"weather"{members}}}"#);
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#)
    }

    #[test]
    fn calls_are_read_with_method_name_and_id() {
        let weather = McpCall::new("tools/call").name("weather").id(CallId::Number(7));
        for (body, expected) in [
            (tool_call("").as_str(), weather.clone()),
            (&tool_call(r#","arguments":{"name":"x","name":["y"]}"#), weather.clone()),
            (&format!(" \t\r\n{}\r\n", tool_call("")), weather),
            (
                r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
                McpCall::new("notifications/initialized"),
            ),
            (
                r#"{"params":{"uri":"file:///a"},"method":"resources/read","id":"\u00fc\n","jsonrpc":"2.0"}"#,
                McpCall::new("resources/read").name("file:///a").id(CallId::Text("ü\n".to_owned())),
            ),
            (
                r#"{"jsonrpc":"2.0","m\u0065thod":"tools\/call","id":1,"params":{"\u006eame":"w\u0065ather"}}"#,
                McpCall::new("tools/call").name("weather").id(CallId::Number(1)),
            ),
            (
                r#"{"jsonrpc":"2.0","method":"custom/search","id":0,"params":{"name":5,"uri":null,"ref":[]}}"#,
                McpCall::new("custom/search").id(CallId::Number(0)),
            ),
            (r#"{"jsonrpc":"2.0","method":"","id":1}"#, McpCall::new("").id(CallId::Number(1))),
        ] {
            assert_eq!(call_in(body), expected, "{body}");
        }
    }

    #[test]
    fn no_body_and_responses_call_nothing() {
        assert_eq!(read(b"", LIMIT), Ok(Message::None));
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":null}"#,
            r#"{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":"no"}}"#,
        ] {
            assert_eq!(read_text(body), Ok(Message::Response), "{body}");
        }
    }

    #[test]
    fn what_is_not_json_is_a_parse_error() {
        let call = tool_call("");
        let unclosed = "[".repeat(100_000);
        for body in [
            " ",
            "\r\n",
            "{",
            "nul",
            "[1,2",
            "{\"jsonrpc\":\"2.0\",}",
            "{'jsonrpc':'2.0'}",
            "{\"a\":01}",
            "{\"a\":NaN}",
            "{\"a\":-}",
            "{\"a\":1.}",
            "{\"a\":\"\u{1}\"}",
            "{\"a\":\"\\x\"}",
            "{\"a\":\"\\u12g4\"}",
            "{/**/}",
            "{}//",
            "{} {}",
            "{}\0",
            "\u{c}{}",
            "\u{a0}{}",
            &format!("\u{feff}{call}"),
            &format!("{call}x"),
            &format!("{call}{call}"),
            &call[..call.len() - 1],
            &unclosed,
            // A fault that would be another error, in what is not JSON after all.
            "{\"jsonrpc\":\"1.0\",\"jsonrpc\":\"2.0\"",
        ] {
            assert_eq!(read_text(body), Err(CallError::NotJson), "{body:.80}");
        }
        let mut invalid = call.clone().into_bytes();
        invalid.splice(2..2, *b"\xff");
        assert_eq!(read(&invalid, LIMIT), Err(CallError::NotJson));
        let arguments = tool_call(r#","arguments":{"text":"?"}"#).replace('?', "\u{fffd}");
        let arguments = arguments.as_bytes();
        let at = arguments.windows(3).position(|bytes| bytes == "\u{fffd}".as_bytes()).unwrap();
        let surrogate_in_utf8 = [&arguments[..at], b"\xed\xa0\x80", &arguments[at + 3..]].concat();
        assert_eq!(read(&surrogate_in_utf8, LIMIT), Err(CallError::NotJson));
        for utf16 in [call.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>(), {
            call.encode_utf16().flat_map(u16::to_be_bytes).collect()
        }] {
            assert_eq!(read(&utf16, LIMIT), Err(CallError::NotJson));
        }
    }

    #[test]
    fn json_that_is_no_single_request_is_refused() {
        for body in [
            "null",
            "1e999",
            "\"tools/call\"",
            "[]",
            "{}",
            r#"{"jsonrpc":"2.0"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","method":"ping"}"#,
            r#"{"jsonrpc":"2.00","method":"ping"}"#,
            r#"{"jsonrpc":2.0,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","method":null}"#,
            r#"{"jsonrpc":"2.0","method":["ping"]}"#,
            r#"{"jsonrpc":"2.0","method":"ping","params":null}"#,
            r#"{"jsonrpc":"2.0","method":"ping","params":[]}"#,
            r#"{"jsonrpc":"2.0","method":"ping","params":"x"}"#,
            r#"{"jsonrpc":"2.0","method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","method":"ping","error":null}"#,
            r#"{"jsonrpc":"2.0","method":null,"result":{}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call"}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"uri":"x"}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":null}}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":["x"]}}"#,
            r#"{"jsonrpc":"2.0","method":"prompts/get","params":{"uri":"x"}}"#,
            r#"{"jsonrpc":"2.0","method":"resources/read","params":{"name":"x"}}"#,
            r#"{"jsonrpc":"2.0","method":"resources/read","params":{"uri":{}}}"#,
            r#"{"jsonrpc":"2.0","method":"resources/subscribe"}"#,
            r#"{"jsonrpc":"2.0","method":"resources/unsubscribe","params":{"uri":1}}"#,
            r#"{"jsonrpc":"2.0","method":"ping\u0000"}"#,
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"x\u0000y"}}"#,
            r#"{"jsonrpc":"2.0","method":"resources/read","params":{"uri":"x\u0000"}}"#,
        ] {
            assert!(is_no_request(body), "{body}: {:?}", read_text(body));
        }
    }

    #[test]
    fn completions_name_what_their_reference_says() {
        let complete = |members: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"completion/complete","params":{{{members}}}}}"#)
        };
        let completion = McpCall::new("completion/complete").id(CallId::Number(7));
        for (members, expected) in [
            (r#""ref":{"type":"ref/prompt","name":"a"}"#, completion.clone().prompt("a")),
            (r#""ref":{"type":"ref\/pr\u006fmpt","name":"a","uri":"b"}"#, completion.clone().prompt("a")),
            (r#""ref":{"uri":"a:{b}","type":"ref/resource","name":1}"#, completion.clone().resource("a:{b}")),
            (r#""name":"x","ref":{"type":"ref/prompt","name":"","title":"b"}"#, completion.prompt("")),
        ] {
            assert_eq!(call_in(&complete(members)), expected, "{members}");
        }
        for members in [
            "",
            r#""name":"a""#,
            r#""ref":null"#,
            r#""ref":"a""#,
            r#""ref":[]"#,
            r#""ref":{}"#,
            r#""ref":{"name":"a"}"#,
            r#""ref":{"uri":"a:b"}"#,
            r#""ref":{"type":"ref/tool","name":"a"}"#,
            r#""ref":{"type":"REF/PROMPT","name":"a"}"#,
            r#""ref":{"type":"","name":"a"}"#,
            r#""ref":{"type":null,"name":"a"}"#,
            r#""ref":{"type":["ref/prompt"],"name":"a"}"#,
            r#""ref":{"type":"ref/prompt"}"#,
            r#""ref":{"type":"ref/prompt","uri":"a:b"}"#,
            r#""ref":{"type":"ref/prompt","name":null}"#,
            r#""ref":{"type":"ref/resource","name":"a"}"#,
            r#""ref":{"type":"ref/resource","uri":7}"#,
            r#""ref":{"type":"ref/resource","uri":"a:\u0000"}"#,
            r#""ref":{"type":"ref/prompt","type":"ref/prompt","name":"a"}"#,
            r#""ref":{"type":"ref/prompt","name":"a","Type":"ref/resource"}"#,
        ] {
            assert!(is_no_request(&complete(members)), "{members}");
        }
    }

    #[test]
    fn listen_filters_name_their_resources() {
        let listen = |members: &str| {
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"subscriptions/listen","params":{{{members}}}}}"#)
        };
        let nothing = McpCall::new("subscriptions/listen").id(CallId::Number(7));
        for (members, expected) in [
            (r#""notifications":{}"#, nothing.clone()),
            (r#""notifications":{"toolsListChanged":true,"resourceSubscriptions":[]}"#, nothing.clone()),
            (
                r#""notifications":{"resourceSubscriptions":["a:b","\u0061:c"],"taskIds":["x"]}"#,
                nothing.resource("a:b").resource("a:c"),
            ),
        ] {
            assert_eq!(call_in(&listen(members)), expected, "{members}");
        }
        let many = |count| {
            format!(r#""notifications":{{"resourceSubscriptions":[{}]}}"#, vec!["\"\""; count].join(","))
        };
        assert_eq!(call_in(&listen(&many(1000))).names.len(), 1000);
        for members in [
            "",
            r#""notifications":null"#,
            r#""notifications":["a:b"]"#,
            r#""resourceSubscriptions":["a:b"]"#,
            r#""notifications":{"resourceSubscriptions":null}"#,
            r#""notifications":{"resourceSubscriptions":"a:b"}"#,
            r#""notifications":{"resourceSubscriptions":{"0":"a:b"}}"#,
            r#""notifications":{"resourceSubscriptions":["a:b",null]}"#,
            r#""notifications":{"resourceSubscriptions":[["a:b"]]}"#,
            r#""notifications":{"resourceSubscriptions":["a:\u0000"]}"#,
            r#""notifications":{"resourceSubscriptions":["a:b"],"resourceSubscriptions":[]}"#,
            r#""notifications":{"ResourceSubscriptions":["a:b"]}"#,
            r#""notifications":{"re\u017fourceSubscriptions":["a:b"]}"#,
            r#""notifications":{"resource_subscriptions":["a:b"]}"#,
            r#""notifications":{"__proto__":{"resourceSubscriptions":["a:b"]}}"#,
            r#""notifications":{},"Notifications":{}"#,
            &many(1001),
        ] {
            assert!(is_no_request(&listen(members)), "{members}");
        }
    }

    #[test]
    fn batches_are_read_message_by_message() {
        let weather = tool_call("");
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;
        let ping = r#"{"jsonrpc":"2.0","method":"ping"}"#;
        let called = McpCall::new("tools/call").name("weather").id(CallId::Number(7));
        for (body, expected) in [
            (format!("[{weather}]"), vec![called.clone()]),
            (format!(" [ {weather} ,{response},{ping}] "), vec![called.clone(), McpCall::new("ping")]),
            (format!("[{response}]"), vec![]),
            (format!("[{}]", vec![ping; 100].join(",")), vec![McpCall::new("ping"); 100]),
        ] {
            let message = read_text(&body).unwrap();
            assert_eq!(message, Message::Batch(expected), "{body}");
            assert_eq!(message.id(), None);
        }
        for body in [
            "[]".to_owned(),
            format!("[[{ping}]]"),
            format!("[{ping},[]]"),
            format!("[{ping},1]"),
            format!("[{ping},null]"),
            format!("[{ping},{{}}]"),
            format!("[{ping},{}]", tool_call(r#","name":"send_email""#)),
            format!("[{ping},{}]", ping.replace("method", "Method")),
            format!("[{}]", vec![ping; 101].join(",")),
            format!("[{ping},{}]", nested(64, "[", "]")),
        ] {
            assert!(is_no_request(&body), "{body:.200}: {:?}", read_text(&body));
        }
        for body in
            [format!("[{ping},]"), format!("[{ping}"), format!("[{ping}]x"), format!("[{ping}{ping}]")]
        {
            assert_eq!(read_text(&body), Err(CallError::NotJson), "{body}");
        }
        let listen = |count| {
            let uris = vec!["\"\""; count].join(",");
            let filter = format!(r#"{{"resourceSubscriptions":[{uris}]}}"#);
            format!(
                r#"{{"jsonrpc":"2.0","method":"subscriptions/listen","params":{{"notifications":{filter}}}}}"#
            )
        };
        assert!(read_text(&format!("[{},{}]", listen(500), listen(500))).is_ok());
        assert!(is_no_request(&format!("[{},{}]", listen(500), listen(501))));
    }

    #[test]
    fn members_that_parsers_could_find_twice_are_refused() {
        let top = |member: &str| format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping",{member}}}"#);
        for body in [
            top(r#""method":"tools/call""#),
            top(r#""m\u0065thod":"ping""#),
            top(r#""id":7"#),
            top(r#""x":1,"x":1"#),
            top(r#""x":1,"\u0078":1"#),
            top(r#""":1,"":1"#),
            top(r#""Method":"tools/call""#),
            top(r#""METHOD":null"#),
            top(r#""P\u0041RAMS":{"name":"x"}"#),
            top(r#""param\u017f":{"name":"x"}"#),
            top("\"param\u{17f}\":{}"),
            top("\"\u{131}d\":1"),
            top("\"re\u{17f}ult\":1"),
            top(r#""Id":1"#),
            top(r#""Result":1"#),
            top(r#""__proto__":{"method":"tools/call"}"#),
            top(r#""\u005f_proto__":{}"#),
            top(r#""method\u0000":"tools/call""#),
            r#"{"jsonrpc":"2.0","id":1,"result":{},"Method":"tools/call"}"#.to_owned(),
            r#"{"jsonrpc":"2.0","id":1,"result":{},"__proto__":{"method":"tools/call"}}"#.to_owned(),
            tool_call(r#","name":"send_email""#),
            tool_call(r#","n\u0061me":"weather""#),
            tool_call(r#","arguments":{},"arguments":{}"#),
            tool_call(r#","_meta":{},"\u005fmeta":{}"#),
            tool_call(r#","Name":"send_email""#),
            tool_call(r#","URI":"x""#),
            tool_call(r#","__proto__":{"name":"send_email"}"#),
            tool_call(r#","name\u0000":"send_email""#),
            tool_call(r#","ref":{"name":"a","name":"a"}"#),
            tool_call(r#","ref":{"x":"a","\u0078":"a"}"#),
            tool_call(r#","ref":{"name":"a","Name":"b"}"#),
            tool_call(r#","ref":{"Type":"ref/prompt"}"#),
            tool_call(r#","ref":{"uri":"a","__proto__":{}}"#),
        ] {
            assert!(is_no_request(&body), "{body}: {:?}", read_text(&body));
        }
    }

    #[test]
    fn what_lies_deeper_is_the_tools_business() {
        for arguments in [
            r#"{"a":1,"a":2}"#,
            r#"{"Name":"x","NAME":"y","__proto__":{},"method\u0000":1}"#,
            r#""\ud800""#,
            r#"{"\udc00\ud800":"\u0000"}"#,
            "1e999",
            "123456789012345678901234567890.5e-400",
            r#"{"$serde_json::private::Number":"x","$serde_json::private::RawValue":1}"#,
        ] {
            let body = tool_call(&format!(r#","arguments":{arguments},"_meta":{{"ref":{arguments}}}"#));
            assert_eq!(call_in(&body).names[0].name, "weather", "{body}");
        }
    }

    #[test]
    fn lone_surrogates_are_refused_in_whatever_is_decoded() {
        for body in [
            r#"{"jsonrpc":"2.0","method":"\ud800"}"#.to_owned(),
            r#"{"jsonrpc":"2.0","method":"\udc00\ud800"}"#.to_owned(),
            r#"{"jsonrpc":"2.0","method":"ping","id":"\ud83d"}"#.to_owned(),
            r#"{"jsonrpc":"2.0","method":"ping","\ud83dx":1}"#.to_owned(),
            tool_call(r#","\ud83d":1"#),
            tool_call(r#","ref":{"\ud83d":1}"#),
            r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"\ud83dA"}}"#.to_owned(),
        ] {
            assert_eq!(read_text(&body), Err(CallError::NotJson), "{body}");
        }
        let pair = r#"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"\ud83d\ude00"}}"#;
        assert_eq!(call_in(pair).names[0].name, "😀");
    }

    #[test]
    fn ids_are_echoed_canonically_or_unknown() {
        let id = |raw: &str| call_in(&format!(r#"{{"jsonrpc":"2.0","method":"ping","id":{raw}}}"#)).id;
        let longest = format!("\"{}\"", "a".repeat(256));
        for (raw, json) in [
            ("0", "0"),
            ("-1", "-1"),
            ("9007199254740992", "9007199254740992"),
            ("-9007199254740992", "-9007199254740992"),
            (r#""""#, r#""""#),
            (r#""\u0061\/""#, r#""a/""#),
            (r#""\u0022\u005c\u000a\u0000\u007f\u00fc""#, "\"\\\"\\\\\\n\\u0000\u{7f}ü\""),
            (longest.as_str(), longest.as_str()),
        ] {
            assert_eq!(id(raw).map(|id| id.to_json()).as_deref(), Some(json), "{raw}");
        }
        for raw in [
            "null",
            "true",
            "-0",
            "0.0",
            "1.0",
            "1e2",
            "1E999",
            "-1e999",
            "9007199254740993",
            "-9007199254740993",
            "9223372036854775808",
            "123456789012345678901234567890",
            "[]",
            "[1]",
            "{}",
            r#"{"$serde_json::private::Number":"1"}"#,
            &format!("\"{}\"", "a".repeat(257)),
            &format!("\"{}\"", "ü".repeat(129)),
        ] {
            assert_eq!(id(raw), None, "{raw:.40}");
        }
    }

    #[test]
    fn id_is_known_only_from_one_readable_call() {
        assert_eq!(read_id(tool_call("").as_bytes(), LIMIT), Some(CallId::Number(7)));
        assert_eq!(read_id(tool_call(r#","name":"x""#).as_bytes(), LIMIT), None);
        assert_eq!(read_id(br#"{"jsonrpc":"2.0","id":7,"result":{}}"#, LIMIT), None);
        assert_eq!(read_id(tool_call("").as_bytes(), 10), None);
        assert_eq!(read_id(b"", LIMIT), None);
    }

    #[test]
    fn size_limit_holds_exactly_and_before_the_body_is_read() {
        let body = tool_call("");
        assert!(read(body.as_bytes(), body.len()).is_ok());
        assert_eq!(read(body.as_bytes(), body.len() - 1), Err(CallError::TooLarge));
        assert_eq!(read(b"not JSON", 1), Err(CallError::TooLarge));
        assert_eq!(read(b"", 0), Ok(Message::None));
    }

    /// A call whose body nests `depth` levels.
    fn nested(depth: usize, open: &str, close: &str) -> String {
        let levels = depth - 2;
        tool_call(&format!(r#","arguments":{}1{}"#, open.repeat(levels), close.repeat(levels)))
    }

    #[test]
    fn nesting_of_64_levels_is_read_and_65_refused() {
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"["{[\"[",[{"":"}"},[]],"#, "]")] {
            assert!(read_text(&nested(62, open, close)).is_ok(), "{open}");
        }
        for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
            assert!(read_text(&nested(64, open, close)).is_ok(), "{open}");
            assert!(is_no_request(&nested(65, open, close)), "{open}");
            assert!(is_no_request(&nested(200_000, open, close)), "{open}");
        }
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn nesting_takes_no_stack() {
        let read_on_a_small_stack = || {
            assert!(read_text(&nested(64, "[", "]")).is_ok());
            assert!(is_no_request(&nested(65, "[", "]")));
            assert!(is_no_request(&nested(500_000, r#"{"a":"#, "}")));
            assert_eq!(read_text(&"[".repeat(500_000)), Err(CallError::NotJson));
        };
        let thread = std::thread::Builder::new().stack_size(64 * 1024).spawn(read_on_a_small_stack);
        thread.unwrap().join().unwrap();
    }

    /// What a parser that lets the last of equal members win finds, as the SDKs do.
    fn last_wins(value: &Value) -> Option<(&str, Option<&str>, Option<CallId>)> {
        let method = value.get("method")?.as_str()?;
        let member = match method {
            "tools/call" | "prompts/get" => Some("name"),
            "resources/read" => Some("uri"),
            _ => None,
        };
        let name = member.and_then(|member| value.get("params")?.get(member)?.as_str());
        let id = match value.get("id") {
            Some(Value::String(id)) if id.len() <= 256 => Some(CallId::Text(id.clone())),
            Some(Value::Number(id)) => {
                id.as_i64().filter(|id| id.unsigned_abs() <= 1 << 53).map(CallId::Number)
            }
            _ => None,
        };
        Some((method, name, id))
    }

    fn agrees_with_last_wins(body: &[u8]) -> Result<bool, TestCaseError> {
        let Ok(Message::Call(call)) = read(body, LIMIT) else { return Ok(false) };
        let value = match serde_json::from_slice::<Value>(body) {
            Ok(value) => value,
            // Grammatical, and beyond what this parser reads.
            Err(error) if error.to_string().starts_with("number out of range") => return Ok(true),
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        let name = call.names.first().map(|named| &*named.name);
        prop_assert_eq!(last_wins(&value), Some((&*call.method, name, call.id)));
        Ok(true)
    }

    /// A member as text: a name out of a few, spelled in one of several ways, and any small value.
    fn member(names: &'static [&'static str], values: BoxedStrategy<String>) -> BoxedStrategy<String> {
        let name =
            (prop::sample::select(names), 0..20u8).prop_map(|(name, spelling)| match (spelling, name) {
                (0, name) => name.to_uppercase(),
                (1, name) => name.replace('e', "\\u0065"),
                (2, name) => name.replace('s', "\u{17f}"),
                _ => name.to_owned(),
            });
        (name, values).prop_map(|(name, value)| format!("\"{name}\":{value}")).boxed()
    }

    fn object(members: BoxedStrategy<String>, count: std::ops::Range<usize>) -> BoxedStrategy<String> {
        prop::collection::vec(members, count).prop_map(|members| format!("{{{}}}", members.join(","))).boxed()
    }

    fn values(literals: &'static [&'static str]) -> BoxedStrategy<String> {
        prop::sample::select(literals).prop_map(str::to_owned).boxed()
    }

    fn body() -> BoxedStrategy<String> {
        let params = object(
            prop_oneof![
                4 => member(&["name", "uri"], values(&[r#""weather""#, r#""a\u0065""#, r#""""#, "null"])),
                1 => member(&["ref", "arguments"], values(&["{}", r#"{"name":"a","name":"b"}"#, "[[1]]"])),
            ]
            .boxed(),
            0..4,
        );
        let methods =
            values(&[r#""tools/call""#, r#""tools\/call""#, r#""resources/read""#, r#""ping""#, "null"]);
        let ids = values(&["1", "-0", "1.5", "9007199254740993", "\"\\u0061\"", "null", "[]"]);
        let rare = member(&["result", "error", "extra", "__proto__"], values(&["null", "{}"]));
        let first = (methods.clone(), params.clone())
            .prop_map(|(method, params)| format!(r#""jsonrpc":"2.0","method":{method},"params":{params}"#));
        let more = prop_oneof![
            6 => member(&["id"], ids),
            1 => member(&["method"], methods),
            1 => member(&["params"], params),
            1 => rare,
        ];
        (first, prop::collection::vec(more, 0..3))
            .prop_map(|(first, more)| {
                let members: Vec<String> = std::iter::once(first).chain(more).collect();
                format!("{{{}}}", members.join(","))
            })
            .boxed()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn a_call_we_read_is_the_call_that_other_parsers_read(body in body()) {
            agrees_with_last_wins(body.as_bytes())?;
        }

        #[test]
        fn a_damaged_body_is_refused_or_read_alike(body in body(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut body = body.into_bytes();
            let at = at.index(body.len());
            body[at] = byte;
            agrees_with_last_wins(&body)?;
            agrees_with_last_wins(&body[..at])?;
        }

        #[test]
        fn any_bytes_are_refused_or_read(body in prop::collection::vec(any::<u8>(), 0..200)) {
            agrees_with_last_wins(&body)?;
        }

        #[test]
        fn ids_come_back_as_sent(id in prop_oneof![
            any::<i64>().prop_map(|id| Value::from(id % (1 << 53))),
            ".{0,60}".prop_map(Value::from),
        ]) {
            let body = format!(r#"{{"jsonrpc":"2.0","method":"ping","id":{id}}}"#);
            let echoed = call_in(&body).id.map(|id| id.to_json());
            prop_assert_eq!(echoed, Some(id.to_string()));
        }
    }

    #[test]
    fn some_made_up_bodies_are_readable_and_some_are_not() {
        let mut runner = proptest::test_runner::TestRunner::deterministic();
        let bodies = (0..1000).map(|_| body().new_tree(&mut runner).unwrap().current());
        let read = bodies.filter(|body| agrees_with_last_wins(body.as_bytes()).unwrap()).count();
        assert!((100..900).contains(&read), "{read} of 1000 bodies");
    }
}
