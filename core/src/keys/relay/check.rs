//! Whether a metadata document may be handed on to clients.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::call::members::folded;
use crate::fetch::FetchError;
use crate::keys::discovery::failed;
use crate::metadata::is_link;
use crate::url::Url;

/// Members that people are shown: their links may be plain http.
const FOR_PEOPLE: [&str; 3] = ["service_documentation", "op_policy_uri", "op_tos_uri"];

/// Checks the members of a document whose `issuer` is the right one: that every parser finds the same ones in it, and that
/// the URLs which clients and browsers call are https. `plain` is whether they may be http too, on loopback or one of
/// `insecure_hosts`.
///
/// Not checked: whether members are missing (RFC 8414 section 2), where the URLs lead, objects in lists, and what else is said.
pub(super) fn members(
    members: &Map<String, Value>,
    plain: bool,
    insecure_hosts: &[String],
) -> Result<(), FetchError> {
    let mut seen = BTreeSet::new();
    for (name, value) in members {
        let name: String = name.chars().map(folded).collect();
        let is_called = name.ends_with("_endpoint") || name == "jwks_uri" || name == "check_session_iframe";
        let is_for_people = FOR_PEOPLE.contains(&name.as_str());
        match value {
            Value::Null => {}
            Value::String(text) if is_called && !may_be_called(text, plain, insecure_hosts) => {
                return Err(failed("an endpoint in it is no https URL"));
            }
            Value::String(text) if is_for_people && !is_link(text) => {
                return Err(failed("a link in it is no http or https URL"));
            }
            Value::String(_) => {}
            _ if is_called || is_for_people => return Err(failed("a URL in it is no string")),
            Value::Object(nested) => self::members(nested, plain, insecure_hosts)?,
            _ => {}
        }
        if !seen.insert(name) {
            return Err(failed("two of its members differ by nothing but the case of letters"));
        }
    }
    Ok(())
}

fn may_be_called(text: &str, plain: bool, insecure_hosts: &[String]) -> bool {
    Url::parse(text).is_ok_and(|url| {
        let may_be_plain =
            plain && (url.is_loopback() || insecure_hosts.iter().any(|host| host == url.hostname()));
        url.has_usual_host() && (url.is_https() || may_be_plain)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn problem(document: &str, plain: bool) -> Option<String> {
        let parsed = json::parse_object(document.as_bytes()).expect("an object");
        let insecure_hosts = ["as.internal".to_owned()];
        members(&parsed, plain, &insecure_hosts).err().map(|error| error.message().to_owned())
    }

    #[test]
    fn what_clients_and_browsers_call_is_https() {
        for name in
            ["authorization_endpoint", "token_endpoint", "registration_endpoint", "jwks_uri", "x_endpoint"]
        {
            let with = |value: &str| problem(&format!(r#"{{"{name}":{value}}}"#), false);
            assert_eq!(with(r#""https://as.example/a?b=c""#), None);
            assert_eq!(with("null"), None);
            for wrong in [
                r#""http://as.example/a""#,
                r#""http://localhost/a""#,
                r#""http://as.internal/a""#,
                r#""javascript:alert(1)//https://as.example""#,
                r#""file:///etc/passwd""#,
                r#""/a""#,
                r#""""#,
                r#""https://user@as.example/""#,
                r#""https://as.example/#a""#,
                r#""https://as.example/$(id)`id`""#,
                r#""https://as.example/a b""#,
                r#""https://127.1/""#,
                r#"["https://as.example/a"]"#,
                r#"{"token_endpoint":"https://as.example/a"}"#,
                "7",
                "true",
            ] {
                assert!(with(wrong).is_some(), "{name}: {wrong}");
            }
        }
    }

    #[test]
    fn endpoints_are_found_in_any_letters_and_in_members_that_are_objects() {
        for document in [
            r#"{"Token_Endpoint":"http://as.example/a"}"#,
            r#"{"to\u212Aen_endpoint":"http://as.example/a"}"#,
            r#"{"JWK\u017F_uri":"http://as.example/a"}"#,
            r#"{"mtls_endpoint_aliases":{"token_endpoint":"http://as.example/a"}}"#,
        ] {
            assert!(problem(document, false).is_some(), "{document}");
        }
    }

    #[test]
    fn plain_http_is_for_a_plain_issuer_on_loopback_or_a_host_that_is_listed() {
        let on = |host: &str| problem(&format!(r#"{{"token_endpoint":"http://{host}/t"}}"#), true);
        assert_eq!((on("localhost:9000"), on("127.0.0.1"), on("as.internal")), (None, None, None));
        assert!(on("as.example").is_some());
    }

    #[test]
    fn names_that_a_careless_parser_takes_for_one_are_refused() {
        for document in [
            r#"{"issuer":"https://as.example","ISSUER":"https://evil.example"}"#,
            r#"{"i\u017Fsuer":1,"issuer":2}"#,
            r#"{"mtls_endpoint_aliases":{"a":1,"A":2}}"#,
        ] {
            assert!(problem(document, false).is_some_and(|problem| problem.contains("case")), "{document}");
        }
        assert_eq!(problem(r#"{"a":{"b":1},"b":{"a":1},"c":[{"d":1},{"D":1}]}"#, false), None);
    }

    #[test]
    fn links_for_people_may_be_plain_and_are_links() {
        for name in FOR_PEOPLE {
            let with = |value: &str| problem(&format!(r#"{{"{name}":{value}}}"#), false);
            assert_eq!((with(r#""http://as.example/docs#a""#), with(r#""""#)), (None, None));
            for wrong in [r#""javascript:alert(1)""#, r#""/docs""#, "[]"] {
                assert!(with(wrong).is_some(), "{name}: {wrong}");
            }
        }
    }
}
