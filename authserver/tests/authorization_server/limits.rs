use std::io::Write;
use std::net::TcpStream;

use ureq::http::Request;

use crate::fixture::{ADMIN_SECRET, configuration, exchange, get, post_form, request_token, send, start};

#[test]
fn body_over_16_kib_is_refused() {
    let server = start(&configuration());
    let longest = format!("padding={}", "a".repeat(16 * 1024 - "padding=".len()));
    assert_eq!(post_form(&server, &longest).error(), (401, "invalid_client".into()));
    assert_eq!(post_form(&server, &format!("{longest}a")).error(), (413, "invalid_request".into()));
    let request = Request::post(format!("{}/weather/admin/rotate", server.origin()))
        .header("Authorization", format!("Bearer {ADMIN_SECRET}"));
    assert_eq!(send(request.body(longest + "a").unwrap()).error(), (413, "invalid_request".into()));
}

#[test]
fn chunked_body_over_16_kib_is_refused() {
    let server = start(&configuration());
    let chunk = "a".repeat(17 * 1024);
    let request = format!(
        "POST /weather/token HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n{:x}\r\n{chunk}\r\n0\r\n\r\n",
        chunk.len()
    );
    assert!(exchange(&server, request.as_bytes()).starts_with("HTTP/1.1 413 "));
}

#[test]
fn headers_beyond_the_limits_are_refused() {
    let server = start(&configuration());
    let long =
        format!("GET /weather/jwks HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(17 * 1024));
    let many = format!("GET /weather/jwks HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "X: a\r\n".repeat(65));
    for request in [long, many] {
        assert!(exchange(&server, request.as_bytes()).starts_with("HTTP/1.1 431 "));
    }
}

#[test]
fn bytes_that_are_not_http_hurt_nobody() {
    let server = start(&configuration());
    for request in [
        &b"\0\xff\xfe\r\n\r\n"[..],
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"POST /weather/token HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /weather/token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na",
        b"POST /weather/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
    ] {
        let response = exchange(&server, request);
        assert!(response.is_empty() || response.starts_with("HTTP/1.1 400 "), "{response}");
    }
    assert_eq!(get(&format!("{}/weather/jwks", server.origin())).status, 200);
}

#[test]
fn arbitrary_forms_get_an_oauth_error() {
    let server = start(&configuration());
    for form in ["", "&", "=", "=&=", "%", "%%%", "a", "\0", "grant_type", "&&&grant_type=&", "%zz=%zz", "{}"]
    {
        let answer = post_form(&server, form);
        let (status, error) = answer.error();
        let expected = [(400, "invalid_request"), (401, "invalid_client")];
        assert!(expected.contains(&(status, error.as_str())), "{form}: {status} {error}");
    }
}

#[test]
fn connection_serves_several_requests() {
    let server = start(&configuration());
    let request = "GET /weather/jwks HTTP/1.1\r\nHost: localhost\r\n";
    let both = format!("{request}\r\n{request}Connection: close\r\n\r\n");
    assert_eq!(exchange(&server, both.as_bytes()).matches("HTTP/1.1 200 OK").count(), 2);
}

#[test]
fn client_that_never_finishes_its_request_holds_up_nobody() {
    let server = start(&configuration());
    let address = server.origin().strip_prefix("http://").unwrap();
    let mut unfinished = TcpStream::connect(address).unwrap();
    unfinished.write_all(b"POST /weather/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na").unwrap();
    assert_eq!(request_token(&server, "weather", "").status, 200);
    drop(unfinished);
}
