//! The routing headers of MCP 2026-07-28: compared with the body, or standing for it.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{CallError, Message, is_notification};
use crate::request::Request;

/// Compares `Mcp-Method` and `Mcp-Name` with the body, as servers of MCP 2026-07-28 do.
///
/// Servers of older versions dispatch by the body alone, so there the headers are not looked at. On no version do
/// they allow anything.
pub(crate) fn check_routing(request: &Request<'_>, message: &Message<'_>) -> Result<(), CallError> {
    if !has_routing_headers(request.protocol_version) {
        return Ok(());
    }
    let (method, name, id) = match message {
        Message::Call(call) => (Some(&*call.method), call.name.as_deref(), call.id.clone()),
        Message::None | Message::Response => (None, None, None),
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
        ([line], Some(name)) => decoded(line.trim_ascii()).is_some_and(|line| *line == *name.as_bytes()),
        // Extensions give the header to methods of their own, with members that we do not know.
        ([_], None) => method.is_some(),
        ([], None) => true,
        _ => false,
    };
    if method_agrees && name_agrees { Ok(()) } else { Err(CallError::HeaderMismatch { id }) }
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
    use super::super::McpCall;
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
}
