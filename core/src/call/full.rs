//! The calls of a body with their arguments, for a need that depends on these.

use std::borrow::Cow;

use super::body::{JSON_BLANKS, MAX_DEPTH, MESSAGE_MEMBERS};
use super::members::{Elements, Members};
use super::{CallError, MAX_BATCH, McpCall, Message, Naming, naming};
use crate::json;

/// A JSON-RPC request or notification of MCP with its arguments, out of a body that every parser reads alike.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FullCall<'a> {
    /// The method, such as `tools/call`.
    pub method: Cow<'a, str>,
    /// The tool, the prompt or the resource that the method names; of a completion that of its `ref`. None for methods
    /// that name nothing, and for `subscriptions/listen`, which names many.
    pub name: Option<Cow<'a, str>>,
    /// The JSON text of `params`, which is an object; None when there is none.
    pub params: Option<&'a str>,
}

impl FullCall<'_> {
    /// The call as JSON: an object of `method`, `name` and `params`, null where there is none.
    pub fn to_json(&self) -> String {
        let method = serde_json::Value::from(&*self.method);
        let name = serde_json::Value::from(self.name.as_deref());
        format!(r#"{{"method":{method},"name":{name},"params":{}}}"#, self.params.unwrap_or("null"))
    }
}

/// The calls of a body that was read, with their arguments, in which no parser may find something else either: a member
/// that appears twice in its object is refused at any depth, and so are numbers beyond the range of `f64` and lone
/// surrogates. Responses are left out.
pub(crate) fn in_full<'a>(message: &Message<'a>, body: &'a [u8]) -> Result<Vec<FullCall<'a>>, CallError> {
    let calls = message.calls();
    if calls.is_empty() {
        return Ok(Vec::new());
    }
    let text = std::str::from_utf8(body).map_err(|_| CallError::NotJson)?.trim_matches(JSON_BLANKS);
    json::read(text, MAX_DEPTH).map_err(|_| CallError::NotARequest(AMBIGUOUS))?;
    let messages = match message {
        Message::Batch(_) => Elements::of(text, MAX_BATCH)?.all().unwrap_or_default(),
        _ => vec![text],
    };
    let params = messages.into_iter().map(params_of).collect::<Result<Vec<_>, _>>()?;
    Ok(calls.iter().zip(params.into_iter().flatten()).map(|(call, params)| full(call, params)).collect())
}

const AMBIGUOUS: &str = "a member appears twice in the arguments, or a number or a text there is none that every parser reads alike";

/// The `params` of a message; the outer None for a response.
fn params_of(message: &str) -> Result<Option<Option<&str>>, CallError> {
    let [_, method, params, ..] = Members::of(message, MESSAGE_MEMBERS)?.unambiguous()?;
    Ok(method.map(|_| params))
}

fn full<'a>(call: &McpCall<'a>, params: Option<&'a str>) -> FullCall<'a> {
    let named = call.names.first().filter(|_| naming(&call.method) != Naming::Filter);
    FullCall { method: call.method.clone(), name: named.map(|named| named.name.clone()), params }
}

#[cfg(test)]
mod tests {
    use super::super::body::tests::tool_call;
    use super::super::read;
    use super::*;

    const LIMIT: usize = 4 * 1024 * 1024;

    fn read_full(body: &[u8], limit: usize) -> Result<Vec<FullCall<'_>>, CallError> {
        read(body, limit).and_then(|message| in_full(&message, body))
    }

    fn names_in(body: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let calls = read_full(body.as_bytes(), LIMIT).unwrap_or_else(|error| panic!("{body}: {error:?}"));
        let owned = |call: FullCall<'_>| {
            (call.method.into_owned(), call.name.map(Cow::into_owned), call.params.map(str::to_owned))
        };
        calls.into_iter().map(owned).collect()
    }

    fn told(
        method: &str,
        name: Option<&str>,
        params: Option<&str>,
    ) -> (String, Option<String>, Option<String>) {
        (method.to_owned(), name.map(str::to_owned), params.map(str::to_owned))
    }

    #[test]
    fn calls_have_their_method_their_name_and_the_text_of_their_arguments() {
        let params = r#"{"name":"weather","arguments":{"city":"\u00c5bo","days":[1,{"a":{}}]}}"#;
        let body = format!(r#" {{"params":{params},"id":7,"method":"tools/call","jsonrpc":"2.0"}} "#);
        assert_eq!(names_in(&body), [told("tools/call", Some("weather"), Some(params))]);
        for (method, params, name) in [
            ("prompts/get", r#"{"name":"greet"}"#, Some("greet")),
            ("resources/read", r#"{"uri":"file:///a","name":"b"}"#, Some("file:///a")),
            ("completion/complete", r#"{"ref":{"type":"ref/prompt","name":"p","uri":"u:"}}"#, Some("p")),
            ("subscriptions/listen", r#"{"notifications":{"resourceSubscriptions":["a:b"]}}"#, None),
            ("tools/list", r#"{"name":"weather"}"#, None),
        ] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            assert_eq!(names_in(&body), [told(method, name, Some(params))]);
        }
        assert_eq!(names_in(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#), [told("ping", None, None)]);
    }

    #[test]
    fn a_call_is_written_as_it_was_read() {
        let body = tool_call(r#","arguments":{"amount":12345678901234567890}"#);
        let written: Vec<String> =
            read_full(body.as_bytes(), LIMIT).expect("a call").iter().map(FullCall::to_json).collect();
        let params = r#"{"name":"weather","arguments":{"amount":12345678901234567890}}"#;
        assert_eq!(written, [format!(r#"{{"method":"tools/call","name":"weather","params":{params}}}"#)]);
        let ping = FullCall { method: "a\"".into(), name: None, params: None };
        assert_eq!(ping.to_json(), r#"{"method":"a\"","name":null,"params":null}"#);
    }

    #[test]
    fn a_batch_has_its_calls_in_their_order_and_a_response_is_none() {
        let response = r#"{"jsonrpc":"2.0","id":1,"result":{"a":1}}"#;
        let (list, call) =
            (r#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#, tool_call(r#","arguments":{"a":1}"#));
        let weather = told("tools/call", Some("weather"), Some(r#"{"name":"weather","arguments":{"a":1}}"#));
        assert_eq!(
            names_in(&format!("[{response},{list},{call}]")),
            [told("tools/list", None, None), weather]
        );
        assert_eq!(names_in(response), []);
        assert_eq!(names_in(&format!("[{response}]")), []);
        assert_eq!(names_in(""), []);
    }

    #[test]
    fn what_parsers_read_differently_in_the_arguments_is_no_request() {
        for arguments in [
            r#"{"to":"a","to":"b"}"#,
            r#"{"to":"a","t\u006f":"b"}"#,
            r#"{"a":[{"b":{"c":1,"c":1}}]}"#,
            r#"{"amount":1e999}"#,
            r#"{"to":"\ud800"}"#,
        ] {
            let body = tool_call(&format!(r#","arguments":{arguments}"#));
            for body in [format!("[{body}]"), body] {
                assert_eq!(
                    read_full(body.as_bytes(), LIMIT),
                    Err(CallError::NotARequest(AMBIGUOUS)),
                    "{body}"
                );
            }
        }
    }

    #[test]
    fn what_the_policy_cannot_read_is_refused_as_it_refuses_it() {
        let twice = tool_call(r#","name":"erase""#);
        assert_eq!(read_full(b"{", LIMIT), Err(CallError::NotJson));
        assert_eq!(read_full(twice.as_bytes(), LIMIT), Err(CallError::NotARequest("a member appears twice")));
        assert_eq!(read_full(twice.as_bytes(), twice.len() - 1), Err(CallError::TooLarge));
    }
}
