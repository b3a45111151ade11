//! `ffi/examples/server.c` with real tokens: every row of the wire table that it can meet, byte for byte.
//!
//! It cannot meet: the refusal of origins (its configuration lists none), and 500.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use crate::authorization_server::AuthorizationServer;
use crate::http::{body, exchange, request};
use crate::toolchain::{LIBRARY, command, compile, repository};

/// A running `server.c`.
struct GatedServer {
    child: Child,
    origin: String,
}

impl GatedServer {
    fn start(authorization_server: &AuthorizationServer, origin: &str) -> GatedServer {
        static PROGRAM: LazyLock<PathBuf> =
            LazyLock::new(|| compile("server", &["ffi/examples/server.c"], &[], &LIBRARY));
        let port = origin.rsplit(':').next().expect("a port");
        let child = command(&PROGRAM)
            .env("ISSUER", authorization_server.issuer())
            .env("RESOURCE", format!("{origin}/mcp"))
            .env("PORT", port)
            .spawn()
            .expect("the server starts");
        let server = GatedServer { child, origin: origin.to_owned() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(origin.trim_start_matches("http://")).is_err() {
            assert!(Instant::now() < deadline, "the server does not listen");
            thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn post(&self, headers: &[&str], body: &str) -> String {
        exchange(&self.origin, &request("POST", "/mcp", headers, body))
    }

    /// Asks it to end, and expects that it does without a complaint: so a sanitizer speaks up.
    fn stop(mut self) {
        let pid = self.child.id().to_string();
        let kill = std::process::Command::new("kill").arg(pid).status().expect("kill");
        assert!(kill.success());
        assert!(self.child.wait().expect("an end").success());
    }
}

impl Drop for GatedServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn server_answers_with_every_row_it_can_meet() {
    let origin = free_origin();
    let issuer = AuthorizationServer::start(&format!("{origin}/mcp"));
    let server = GatedServer::start(&issuer, &origin);
    let metadata = format!(r#"resource_metadata="{origin}/.well-known/oauth-protected-resource/mcp""#);
    let good = format!("Authorization: {}", issuer.authorization("mcp:tools:weather"));
    let mail_only = format!("Authorization: {}", issuer.authorization("mcp:tools:email:send"));

    let answer = server.post(&[&good], &call("weather"));
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(body(&answer).starts_with("Hello, "), "{answer}");

    let unauthorized = r#"{"error":"unauthorized","error_description":"Bearer token required"}"#;
    let challenge = format!("Bearer {metadata}");
    let no_token = refusal("401 Unauthorized", Some(&challenge), unauthorized);
    assert_eq!(server.post(&[], &call("weather")), no_token);
    assert_eq!(server.post(&["Authorization: Basic eDp5"], &call("weather")), no_token);

    let text = r#"{"error":"invalid_request","error_description":"More than one credential was sent"}"#;
    let challenge = format!(r#"Bearer error="invalid_request", {metadata}"#);
    let two_tokens = refusal("400 Bad Request", Some(&challenge), text);
    assert_eq!(server.post(&[&good, &good], &call("weather")), two_tokens);

    let text = r#"{"error":"invalid_token","error_description":"Bearer token is invalid or expired"}"#;
    let challenge = format!(
        r#"Bearer error="invalid_token", {metadata}, error_description="Bearer token is invalid or expired""#
    );
    let bad_token = refusal("401 Unauthorized", Some(&challenge), text);
    assert_eq!(server.post(&[&format!("{good}x")], &call("weather")), bad_token);
    let head = exchange(&server.origin, &request("HEAD", "/mcp", &["authorization:bearer x"], ""));
    assert_eq!(head, bad_token.split_once("\r\n\r\n").expect("a head").0.to_owned() + "\r\n\r\n");

    let text = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32001,"message":"Required scope: mcp:tools:weather","data":{"error":"insufficient_scope","error_description":"Required scope: mcp:tools:weather","scope":"mcp:tools:weather"}}}"#;
    let challenge = format!(
        r#"Bearer error="insufficient_scope", scope="mcp:tools:weather", {metadata}, error_description="Required scope: mcp:tools:weather""#
    );
    let scope_short = refusal("403 Forbidden", Some(&challenge), text);
    assert_eq!(server.post(&[&mail_only], &call("weather")), scope_short);

    let text = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32001,"message":"Not allowed","data":{"error":"access_denied","error_description":"Not allowed"}}}"#;
    let denied = refusal("403 Forbidden", Some(&format!("Bearer {metadata}")), text);
    assert_eq!(server.post(&[&good], &call("drop_tables")), denied);

    let text = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#;
    assert_eq!(server.post(&[&good], "{"), refusal("400 Bad Request", None, text));
    let text = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid Request"}}"#;
    assert_eq!(server.post(&[&good], "[]"), refusal("400 Bad Request", None, text));
    let text = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Request too large"}}"#;
    let large = " ".repeat(1_048_577 + 100_000);
    assert_eq!(server.post(&[&good], &large), refusal("413 Payload Too Large", None, text));

    let text = r#"{"jsonrpc":"2.0","id":7,"error":{"code":-32020,"message":"Header mismatch"}}"#;
    let routed = [&*good, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "mcp-name:free"];
    assert_eq!(server.post(&routed, &call("weather")), refusal("400 Bad Request", None, text));

    for unreadable in ["Transfer-Encoding: chunked", "Content-Encoding: gzip"] {
        assert!(server.post(&[&good, unreadable], "").starts_with("HTTP/1.1 400 Bad Request\r\n"));
    }
    server.stop();
}

#[test]
fn server_waits_for_no_strangers_body() {
    let origin = free_origin();
    let issuer = AuthorizationServer::start(&format!("{origin}/mcp"));
    let server = GatedServer::start(&issuer, &origin);
    for headers in [&["Content-Length: 9000"][..], &["Content-Length: 9000", "Authorization: Bearer x"]] {
        let answer = exchange(&server.origin, &request("POST", "/mcp", headers, ""));
        assert!(answer.starts_with("HTTP/1.1 401 Unauthorized\r\n"), "{answer}");
    }
    server.stop();
}

#[test]
fn server_publishes_its_metadata() {
    let origin = free_origin();
    let issuer = AuthorizationServer::start(&format!("{origin}/mcp"));
    let server = GatedServer::start(&issuer, &origin);
    let path = "/.well-known/oauth-protected-resource/mcp";
    let document = format!(
        r#"{{"resource":"{origin}/mcp","authorization_servers":["{}"],"bearer_methods_supported":["header"]}}"#,
        issuer.issuer()
    );
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: public, max-age=3600\r\n\
         Access-Control-Allow-Origin: *\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        document.len()
    );
    let get = exchange(&server.origin, &request("GET", path, &[], ""));
    assert_eq!(get, format!("{head}{document}"));
    assert_eq!(exchange(&server.origin, &request("HEAD", path, &[], "")), head);
    let preflight = exchange(&server.origin, &request("OPTIONS", path, &[], ""));
    assert!(
        preflight.starts_with("HTTP/1.1 204 No Content\r\n") && preflight.ends_with("\r\n\r\n"),
        "{preflight}"
    );
    assert!(!preflight.contains("Content-Length"), "{preflight}");
    server.stop();
}

#[test]
fn outage_is_503_without_a_challenge() {
    let origin = free_origin();
    let issuer = AuthorizationServer::start(&format!("{origin}/mcp"));
    let good = format!("Authorization: {}", issuer.authorization("mcp:tools:weather"));
    issuer.take_keys_away();
    let server = GatedServer::start(&issuer, &origin);
    let answer = server.post(&[&good], &call("weather"));
    let text = r#"{"error":"temporarily_unavailable","error_description":"Token keys are unavailable, try again later"}"#;
    assert!(answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n"), "{answer}");
    assert!(answer.contains("\r\nRetry-After: ") && !answer.contains("WWW-Authenticate"), "{answer}");
    assert_eq!(body(&answer), text);
    server.stop();
}

#[test]
fn example_is_the_program_that_users_want_to_write() {
    let wanted = repository().join("../shared/programs/endpoint.c");
    let kept = fs::read(repository().join("ffi/examples/endpoint.c")).expect("the example");
    if wanted.exists() {
        assert!(fs::read(wanted).expect("the program") == kept, "ffi/examples/endpoint.c differs");
    }
    assert!(kept.starts_with(b"/* The heart of a C server"));
}

/// The whole answer with this body.
fn refusal(status: &str, challenge: Option<&str>, body: &str) -> String {
    let challenge = challenge.map(|value| format!("WWW-Authenticate: {value}\r\n")).unwrap_or_default();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n{challenge}\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// A call of a tool.
fn call(tool: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"name":"{tool}","arguments":{{}}}}}}"#
    )
}

/// An origin on a port that was free a moment ago.
fn free_origin() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}
