//! The routing headers of MCP 2026-07-28: compared with the body, or standing for it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{CallError, McpCall, Message, Naming, is_notification, naming, without_nul};
use crate::request::Request;

/// Compares `Mcp-Method` and `Mcp-Name` with the body, as servers of MCP 2026-07-28 do.
///
/// Servers of older versions dispatch by the body alone, so there the headers are not looked at. Those of this one take
/// no batches: one pair of headers could not describe them.
pub(crate) fn check_routing(request: &Request<'_>, message: &Message<'_>) -> Result<(), CallError> {
    if !has_routing_headers(request.protocol_version) {
        return Ok(());
    }
    let (method, name, id) = match message {
        Message::Call(call) => (Some(&*call.method), call.names.first(), call.id.clone()),
        Message::None | Message::Response => (None, None, None),
        Message::Batch(_) => {
            return Err(CallError::NotARequest("a batch, which this version of MCP has not"));
        }
    };
    let method_agrees = match (request.mcp_method, method) {
        ([line], Some(method)) => line.trim_ascii() == method.as_bytes(),
        // Official clients send the header with requests only, and servers take a notification without it.
        ([], Some(method)) => is_notification(method),
        ([], None) => true,
        _ => false,
    };
    let name = name.filter(|_| method.is_some_and(is_named_in_header));
    let name_agrees = match (request.mcp_name, name) {
        ([line], Some(name)) => decoded(line.trim_ascii()).is_some_and(|line| *line == *name.name.as_bytes()),
        // Extensions give the header to methods of their own, with members that we do not know.
        ([_], None) => method.is_some(),
        ([], None) => true,
        _ => false,
    };
    if method_agrees && name_agrees { Ok(()) } else { Err(CallError::HeaderMismatch { id }) }
}

/// The call that the routing headers describe, for a host which vouches that its server compares them with the body.
/// None when they do not say all that a policy judges by: then the body has to.
pub(crate) fn from_headers<'a>(request: &Request<'a>) -> Result<Option<McpCall<'a>>, CallError> {
    if !has_routing_headers(request.protocol_version) {
        return Ok(None);
    }
    let mismatch = || CallError::HeaderMismatch { id: None };
    let (method, name) = match (request.mcp_method, request.mcp_name) {
        ([], _) => return Ok(None),
        ([method], [] | [_]) => (plain(method), request.mcp_name.first()),
        _ => return Err(mismatch()),
    };
    let Some(method) = method else { return Ok(None) };
    let call = McpCall::new(method);
    match naming(method) {
        Naming::Name(_) | Naming::Uri(_) if is_named_in_header(method) => {
            let name = name.ok_or_else(mismatch)?.trim_ascii();
            if plain(name).is_none() {
                return Ok(None);
            }
            let name = decoded(name).and_then(|name| String::from_utf8(name.into_owned()).ok());
            let name = name.filter(|name| without_nul(name).is_ok()).ok_or_else(mismatch)?;
            Ok(Some(call.name(name)))
        }
        Naming::Nothing => Ok(Some(call)),
        Naming::Name(_) | Naming::Uri(_) | Naming::Reference | Naming::Filter => Ok(None),
    }
}

/// A field value that all servers read alike: they take bytes beyond ASCII for Latin-1, or for UTF-8.
fn plain(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    let is_plain = !text.is_empty() && text.bytes().all(|byte| (0x20..=0x7e).contains(&byte));
    is_plain.then_some(text)
}

/// Whether the one protocol version that was sent is one with routing headers.
fn has_routing_headers(protocol_version: &[&[u8]]) -> bool {
    let [version] = protocol_version else { return false };
    let version = version.trim_ascii();
    let is_date = version.len() == FIRST_WITH_ROUTING_HEADERS.len()
        && version.iter().enumerate().all(|(at, byte)| match at {
            4 | 7 => *byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_date && version >= FIRST_WITH_ROUTING_HEADERS
}

const FIRST_WITH_ROUTING_HEADERS: &[u8] = b"2026-07-28";

/// The methods whose name `Mcp-Name` repeats.
fn is_named_in_header(method: &str) -> bool {
    matches!(method, "tools/call" | "prompts/get" | "resources/read")
}

/// The bytes that an `Mcp-Name` stands for, None for a wrong encoding.
fn decoded(value: &[u8]) -> Option<Cow<'_, [u8]>> {
    match value.strip_prefix(b"=?base64?").and_then(|rest| rest.strip_suffix(b"?=")) {
        Some(encoded) => STANDARD.decode(encoded).ok().map(Cow::Owned),
        None => Some(Cow::Borrowed(value)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::body::tests::{read_text, tool_call};
    use super::super::from_calls;
    use super::*;

    const CURRENT: &[&[u8]] = &[b"2026-07-28"];

    fn routing_agrees(
        version: &[&[u8]],
        method: &[&[u8]],
        name: &[&[u8]],
        message: Result<Message<'_>, CallError>,
    ) -> bool {
        let request =
            Request::new("POST", "/mcp").protocol_version(version).mcp_method(method).mcp_name(name);
        let message = message.unwrap();
        let checked = check_routing(&request, &message);
        let id = match message {
            Message::Call(call) => call.id,
            _ => None,
        };
        assert!(checked.is_ok() || checked == Err(CallError::HeaderMismatch { id }));
        checked.is_ok()
    }

    #[test]
    fn routing_headers_must_repeat_the_body() {
        let body = tool_call("");
        let agrees =
            |method: &[&[u8]], name: &[&[u8]]| routing_agrees(CURRENT, method, name, read_text(&body));
        for name in [&b"weather"[..], b" weather\t", b"=?base64?d2VhdGhlcg==?="] {
            assert!(agrees(&[b"tools/call"], &[name]), "{}", name.escape_ascii());
        }
        assert!(!agrees(&[], &[b"weather"]));
        assert!(!agrees(&[b"tools/call"], &[]));
        assert!(!agrees(&[b"tools/call", b"tools/call"], &[b"weather"]));
        assert!(!agrees(&[b"tools/call"], &[b"weather", b"weather"]));
        assert!(!agrees(&[b""], &[b"weather"]));
        assert!(!agrees(&[b"tools/list"], &[b"weather"]));
        assert!(!agrees(&[b"Tools/call"], &[b"weather"]));
        assert!(!agrees(&[b"=?base64?dG9vbHMvY2FsbA==?="], &[b"weather"]));
        for name in [
            &b""[..],
            b"Weather",
            b"weather2",
            b"=?base64?d2VhdGhlcg=?=",
            b"=?base64?d2VhdGhlcg?=",
            b"=?base64?d2VhdGhlch==?=",
            b"=?base64?d2Vh dGhlcg==?=",
            b"=?base64?d2VhdGhlcg==",
            b"=?BASE64?d2VhdGhlcg==?=",
            b"=?base64?/w==?=",
            b"\xff",
        ] {
            assert!(!agrees(&[b"tools/call"], &[name]), "{}", name.escape_ascii());
        }
    }

    #[test]
    fn a_name_that_looks_encoded_must_be_encoded() {
        let call = [McpCall::new("tools/call").name("=?base64?YQ==?=")];
        let agrees = |name: &[u8]| routing_agrees(CURRENT, &[b"tools/call"], &[name], from_calls(&call));
        assert!(!agrees(b"=?base64?YQ==?="));
        assert!(agrees(b"=?base64?PT9iYXNlNjQ/WVE9PT89?="));
    }

    #[test]
    fn each_method_repeats_what_it_names() {
        for (call, name, expected) in [
            (McpCall::new("prompts/get").name("a"), &[&b"a"[..]][..], true),
            (McpCall::new("prompts/get").name("a"), &[], false),
            (McpCall::new("resources/read").name("file:///ü"), &["file:///ü".as_bytes()], true),
            (McpCall::new("resources/read").name("file:///a"), &[b"file:///b"], false),
            // MCP asks for the header with three methods only; an extension may add it to its own.
            (McpCall::new("resources/subscribe").name("file:///a"), &[], true),
            (McpCall::new("tools/list"), &[], true),
            (McpCall::new("tasks/get"), &[b"task-1"], true),
            (McpCall::new("tasks/get"), &[b"task-1", b"task-1"], false),
        ] {
            let method = call.method.clone().into_owned();
            let calls = [call];
            let agrees = routing_agrees(CURRENT, &[method.as_bytes()], name, from_calls(&calls));
            assert_eq!(agrees, expected, "{calls:?}");
        }
    }

    #[test]
    fn messages_that_are_no_requests_need_no_routing_headers() {
        let notification = [McpCall::new("notifications/cancelled")];
        assert!(routing_agrees(CURRENT, &[], &[], from_calls(&notification)));
        assert!(routing_agrees(CURRENT, &[b"notifications/cancelled"], &[], from_calls(&notification)));
        assert!(!routing_agrees(CURRENT, &[b"ping"], &[], from_calls(&notification)));
        for message in [Message::None, Message::Response] {
            assert!(routing_agrees(CURRENT, &[], &[], Ok(message.clone())));
            assert!(!routing_agrees(CURRENT, &[b"ping"], &[], Ok(message.clone())));
            assert!(!routing_agrees(CURRENT, &[], &[b"weather"], Ok(message)));
        }
    }

    #[test]
    fn routing_headers_count_from_the_version_that_has_them() {
        for (version, looked_at) in [
            (&[&b"2026-07-28"[..]][..], true),
            (&[b" 2026-07-28 "], true),
            (&[b"2026-07-29"], true),
            (&[b"2027-01-01"], true),
            (&[], false),
            (&[b""], false),
            (&[b"2026-07-27"], false),
            (&[b"2025-11-25"], false),
            (&[b"2026-07-28", b"2026-07-28"], false),
            (&[b"9"], false),
            (&[b"DRAFT-2026"], false),
            (&[b"2026-07-28x"], false),
            (&[b"2026/07/28"], false),
        ] {
            let agrees = routing_agrees(version, &[b"tools/list"], &[], read_text(&tool_call("")));
            assert_eq!(agrees, !looked_at, "{version:?}");
        }
    }

    #[test]
    fn batches_are_refused_where_headers_count() {
        let calls = [McpCall::new("ping"), McpCall::new("ping")];
        let message = from_calls(&calls).unwrap();
        let request = Request::new("POST", "/mcp").protocol_version(CURRENT).mcp_method(&[b"ping"]);
        assert!(matches!(check_routing(&request, &message), Err(CallError::NotARequest(_))));
        assert_eq!(check_routing(&request.protocol_version(&[b"2025-03-26"]), &message), Ok(()));
    }

    type Lines<'a> = &'a [&'a [u8]];

    /// The call that headers of this version describe.
    fn described<'a>(
        version: Lines<'a>,
        method: Lines<'a>,
        name: Lines<'a>,
    ) -> Result<Option<McpCall<'a>>, CallError> {
        let request = Request::new("POST", "/mcp").protocol_version(version);
        from_headers(&request.mcp_method(method).mcp_name(name))
    }

    #[test]
    fn headers_stand_for_a_call_that_they_describe_whole() {
        for (method, name, expected) in [
            (&b"tools/call"[..], &[&b"weather"[..]][..], McpCall::new("tools/call").name("weather")),
            (b"tools/call", &[b"=?base64?w7w=?="], McpCall::new("tools/call").name("ü")),
            (b"prompts/get", &[b"a b"], McpCall::new("prompts/get").name("a b")),
            (b"resources/read", &[b"file:///a"], McpCall::new("resources/read").name("file:///a")),
            (b" tools/list ", &[], McpCall::new("tools/list")),
            (b"tasks/get", &[b"task-1"], McpCall::new("tasks/get")),
        ] {
            assert_eq!(described(CURRENT, &[method], name), Ok(Some(expected)));
        }
    }

    #[test]
    fn the_body_is_needed_where_headers_leave_something_open() {
        let cases: [(Lines<'_>, Lines<'_>, Lines<'_>); 12] = [
            (&[b"2025-11-25"], &[b"tools/list"], &[]),
            (&[], &[b"tools/list"], &[]),
            (&[b"2026-07-28", b"2026-07-28"], &[b"tools/list"], &[]),
            (CURRENT, &[], &[]),
            (CURRENT, &[], &[b"weather"]),
            (CURRENT, &[b""], &[]),
            (CURRENT, &["tööls".as_bytes()], &[]),
            (CURRENT, &[b"tools/call"], &["ü".as_bytes()]),
            (CURRENT, &[b"tools/call"], &[b""]),
            (CURRENT, &[b"completion/complete"], &[]),
            (CURRENT, &[b"subscriptions/listen"], &[]),
            (CURRENT, &[b"resources/subscribe"], &[b"file:///a"]),
        ];
        for (version, method, name) in cases {
            assert_eq!(described(version, method, name), Ok(None), "{method:?} {name:?}");
        }
    }

    #[test]
    fn headers_that_no_server_takes_are_refused_without_a_body() {
        let cases: [(Lines<'_>, Lines<'_>); 7] = [
            (&[b"tools/call"], &[]),
            (&[b"tools/call", b"tools/call"], &[b"weather"]),
            (&[b"tools/call"], &[b"weather", b"weather"]),
            (&[b"tools/list"], &[b"a", b"a"]),
            (&[b"tools/call"], &[b"=?base64?YQ?="]),
            (&[b"tools/call"], &[b"=?base64?/w==?="]),
            (&[b"tools/call"], &[b"=?base64?AA==?="]),
        ];
        for (method, name) in cases {
            let refused = Err(CallError::HeaderMismatch { id: None });
            assert_eq!(described(CURRENT, method, name), refused, "{method:?} {name:?}");
        }
    }
}
