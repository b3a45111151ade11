use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scopegate_authserver::AuthorizationServer;

use crate::fixture::{
    Answer, CLIENT_SECRET, configuration, exchange, form_request, post_form, send, start, token_endpoint,
};

const GRANT: &str = "grant_type=client_credentials";
const CHALLENGE: Option<&str> = Some(r#"Basic realm="token", charset="UTF-8""#);

fn basic(pair: &str) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}

fn with_authorization(server: &AuthorizationServer, lines: &[&str], form: &str) -> Answer {
    let request = form_request(&token_endpoint(server, "weather"));
    let request = lines.iter().fold(request, |request, line| request.header("Authorization", *line));
    send(request.body(form.as_bytes()).unwrap())
}

#[test]
fn secret_is_accepted_in_basic_credentials() {
    let server = start(&configuration());
    let credentials = basic(&format!("agent:{CLIENT_SECRET}"));
    assert_eq!(with_authorization(&server, &[&credentials], GRANT).status, 200);
    let lower_case = credentials.replacen("Basic", "basic", 1);
    assert_eq!(with_authorization(&server, &[&lower_case], GRANT).status, 200);
}

#[test]
fn secret_is_accepted_in_the_body() {
    let server = start(&configuration());
    let form = format!("{GRANT}&client_id=agent&client_secret={CLIENT_SECRET}");
    assert_eq!(post_form(&server, &form).status, 200);
}

#[test]
fn identifier_and_secret_in_basic_credentials_are_form_encoded() {
    let mut configuration = configuration();
    configuration["clients"][0]["id"] = "https://client.example/a b".into();
    configuration["clients"][0]["secret"] = "test-only:50%+1 &=".into();
    let server = start(&configuration);
    let encoded = "https%3A%2F%2Fclient.example%2Fa+b:test-only%3A50%25%2B1+%26%3D";
    assert_eq!(with_authorization(&server, &[&basic(encoded)], GRANT).status, 200);
    let unencoded = "https://client.example/a b:test-only:50%+1 &=";
    assert_eq!(with_authorization(&server, &[&basic(unencoded)], GRANT).status, 401);
}

#[test]
fn client_may_repeat_its_identifier_beside_basic_credentials() {
    let server = start(&configuration());
    let credentials = basic(&format!("agent:{CLIENT_SECRET}"));
    let repeated = format!("{GRANT}&client_id=agent");
    assert_eq!(with_authorization(&server, &[&credentials], &repeated).status, 200);
    let another = format!("{GRANT}&client_id=another");
    let refused = with_authorization(&server, &[&credentials], &another);
    assert_eq!(refused.error(), (400, "invalid_request".into()));
}

#[test]
fn two_ways_to_authenticate_are_an_invalid_request() {
    let server = start(&configuration());
    let credentials = basic(&format!("agent:{CLIENT_SECRET}"));
    for form in [
        format!("{GRANT}&client_secret={CLIENT_SECRET}"),
        format!("{GRANT}&client_id=agent&client_secret={CLIENT_SECRET}"),
        format!("{GRANT}&client_id=agent&client_secret=wrong"),
    ] {
        let refused = with_authorization(&server, &[&credentials], &form);
        assert_eq!(refused.error(), (400, "invalid_request".into()));
    }
    let twice = with_authorization(&server, &[&credentials, &credentials], GRANT);
    assert_eq!(twice.error(), (400, "invalid_request".into()));
}

#[test]
fn basic_credentials_that_are_wrong_or_unreadable_are_an_invalid_client() {
    let server = start(&configuration());
    let good = STANDARD.encode(format!("agent:{CLIENT_SECRET}"));
    for authorization in [
        basic("agent:wrong"),
        basic(&format!("nobody:{CLIENT_SECRET}")),
        basic(&format!("AGENT:{CLIENT_SECRET}")),
        basic(&format!("agent:{CLIENT_SECRET}x")),
        basic("agent:"),
        basic("agent"),
        basic(":"),
        basic(""),
        basic("agent:%ff"),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !".to_owned(),
        format!("Basic {}", STANDARD.encode(b"agent:\xff")),
        format!("Basic {}", good.trim_end_matches('=')),
        format!("Basic {good} {good}"),
        format!("Bearer {good}"),
        format!("Basic,{good}"),
    ] {
        let refused = with_authorization(&server, &[&authorization], GRANT);
        assert_eq!(refused.error(), (401, "invalid_client".into()), "{authorization}");
        assert_eq!(refused.header("www-authenticate"), CHALLENGE);
    }
}

#[test]
fn authorization_line_that_is_not_text_is_an_invalid_client() {
    let server = start(&configuration());
    let mut request =
        b"POST /weather/token HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\
        Content-Type: application/x-www-form-urlencoded\r\nAuthorization: Basic "
            .to_vec();
    request.extend(b"\xff\r\n\r\n");
    let response = exchange(&server, &request);
    assert!(response.starts_with("HTTP/1.1 401 ") && response.contains("invalid_client"), "{response}");
}

#[test]
fn posted_credentials_that_are_wrong_or_missing_are_an_invalid_client() {
    let server = start(&configuration());
    for credentials in [
        "",
        "client_id=agent",
        "client_id=agent&client_secret=",
        &format!("client_secret={CLIENT_SECRET}"),
        "client_id=agent&client_secret=wrong",
        &format!("client_id=nobody&client_secret={CLIENT_SECRET}"),
        "client_id=agent&client_secret=%ff",
    ] {
        let refused = post_form(&server, &format!("{GRANT}&{credentials}"));
        assert_eq!(refused.error(), (401, "invalid_client".into()), "{credentials}");
        assert_eq!(refused.header("www-authenticate"), CHALLENGE);
    }
}

#[test]
fn unknown_client_and_wrong_secret_get_the_same_answer() {
    let server = start(&configuration());
    let wrong = post_form(&server, &format!("{GRANT}&client_id=agent&client_secret=wrong"));
    let unknown = post_form(&server, &format!("{GRANT}&client_id=nobody&client_secret=wrong"));
    assert_eq!(wrong.body, unknown.body);
}

#[test]
fn client_is_authenticated_before_its_request_is_judged() {
    let server = start(&configuration());
    let form = "grant_type=password&client_id=agent&client_secret=wrong&scope=x&resource=x";
    assert_eq!(post_form(&server, form).error(), (401, "invalid_client".into()));
}
