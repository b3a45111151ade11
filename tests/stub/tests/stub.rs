//! The scripted server, asked over plain sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use scopegate_stub::{Answer, ConnectionFault, Control, Fault, FullBacklog, Stub};

/// Sends one request and reads to the end; an error where the connection is reset.
fn ask(origin: &str, method: &str, target: &str, headers: &str, body: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(origin.strip_prefix("http://").unwrap())?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8(answer).unwrap())
}

fn get(stub: &Stub, target: &str) -> String {
    ask(stub.origin(), "GET", target, "", "").unwrap()
}

#[test]
fn the_last_answer_of_a_path_stays() {
    let stub = Stub::start().unwrap();
    stub.answer("/a", Answer::ok("first {origin}"));
    stub.then("/a", Answer::status(503).header("Retry-After", "7"));
    assert!(get(&stub, "/a?x=1").ends_with(&format!("first {}", stub.origin())));
    for _ in 0..2 {
        let answer = get(&stub, "/a");
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("Retry-After: 7\r\n"), "{answer}");
    }
    assert!(get(&stub, "/b").starts_with("HTTP/1.1 404 "));
    assert_eq!((stub.count("/a"), stub.count("/b"), stub.connections()), (3, 1, 4));
}

#[test]
fn an_etag_that_comes_back_is_answered_304() {
    let stub = Stub::start().unwrap();
    stub.answer("/a", Answer::ok("body").etag("\"1\""));
    assert!(get(&stub, "/a").contains("ETag: \"1\"\r\n"));
    let again = ask(stub.origin(), "GET", "/a", "If-None-Match: \"1\"\r\n", "").unwrap();
    assert!(again.starts_with("HTTP/1.1 304 ") && again.ends_with("\r\n\r\n"), "{again}");
}

#[test]
fn faults_cut_pad_and_reset() {
    let stub = Stub::start().unwrap();
    stub.answer("/truncated", Answer::ok("12345678").fault(Fault::Truncated));
    assert!(
        get(&stub, "/truncated").ends_with("Content-Length: 8\r\nContent-Type: application/json\r\n\r\n1234")
    );
    stub.answer("/large", Answer::ok("x").fault(Fault::Oversize { bytes: 5 }));
    assert!(get(&stub, "/large").ends_with("\r\n\r\nx    "));
    stub.answer("/closed", Answer::ok("x").fault(Fault::Close));
    assert_eq!(get(&stub, "/closed"), "");
    stub.answer("/reset", Answer::ok("x").fault(Fault::Reset));
    assert!(ask(stub.origin(), "GET", "/reset", "", "").is_err());
    stub.answer("/drip", Answer::ok("x").fault(Fault::Drip { every: Duration::from_micros(10) }));
    assert!(get(&stub, "/drip").ends_with("\r\n\r\nx"));
}

#[test]
fn answers_in_turn_come_again() {
    let stub = Stub::start().unwrap();
    for body in ["old", "new"] {
        stub.then("/a", Answer::ok(body));
    }
    stub.in_turn("/a");
    for body in ["old", "new", "old", "new"] {
        assert!(get(&stub, "/a").ends_with(&format!("\r\n\r\n{body}")));
    }
}

#[test]
fn headers_can_hang_and_be_larger_than_any_client_reads() {
    let stub = Stub::start().unwrap();
    stub.answer("/large", Answer::ok("x").fault(Fault::OversizeHeaders { bytes: 100_000 }));
    let answer = get(&stub, "/large");
    assert!(answer.starts_with("HTTP/1.1 200 Scripted\r\nX-Filling:   "), "{answer:.100}");
    assert!(answer.len() > 100_000 && answer.ends_with("\r\n\r\nx"));
    stub.answer("/hang", Answer::ok("x").fault(Fault::HangInHeaders));
    let mut stream = TcpStream::connect(stub.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut seen = Vec::new();
    stream.read_to_end(&mut seen).unwrap_err();
    assert!(seen.starts_with(b"HTTP/1.1 200 ") && !seen.ends_with(b"\r\n\r\n"));
}

#[test]
fn a_gzip_body_says_what_it_is() {
    let stub = Stub::start().unwrap();
    stub.answer("/a", Answer::ok("12345").gzip());
    let mut stream = TcpStream::connect(stub.address()).unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("Content-Encoding: gzip\r\n"));
    assert!(answer.windows(5).any(|part| part == b"12345"));
}

#[test]
fn connections_are_silent_or_cut_before_a_request_is_read() {
    let stub = Stub::start().unwrap();
    stub.connection_fault(Some(ConnectionFault::Silence));
    let mut stream = TcpStream::connect(stub.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    stream.read(&mut [0]).unwrap_err();
    stub.connection_fault(Some(ConnectionFault::Cut));
    // Closed or reset, depending on whether the request is there already.
    assert!(ask(stub.origin(), "GET", "/a", "", "").unwrap_or_default().is_empty());
    assert_eq!((stub.connections(), stub.received().len()), (2, 0));
    stub.connection_fault(None);
    assert!(get(&stub, "/a").starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_full_backlog_hangs_whoever_connects() {
    let port = FullBacklog::start().unwrap();
    let error = TcpStream::connect_timeout(&port.address().unwrap(), Duration::from_millis(300)).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

/// A TLS connection that trusts the stub's authority alone.
fn secure(stub: &Stub) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(stub.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let socket = TcpStream::connect(stub.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), socket)
}

#[test]
fn a_request_over_tls_is_answered_cut_or_left_in_the_handshake() {
    let stub = Stub::start_tls().unwrap();
    assert!(stub.origin().starts_with("https://127.0.0.1:"));
    stub.answer("/a", Answer::ok("at {origin}"));
    stub.answer("/cut", Answer::ok("12345678").fault(Fault::TruncatedUnseen));
    let get = |path: &str| {
        let mut stream = secure(&stub);
        write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    assert!(get("/a").unwrap().ends_with(&format!("\r\n\r\nat {}", stub.origin())));
    assert_eq!(get("/cut").unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    for fault in [ConnectionFault::Silence, ConnectionFault::HangInTls] {
        stub.connection_fault(Some(fault));
        get("/a").unwrap_err();
    }
    assert_eq!((stub.connections(), stub.count("/a"), stub.count("/cut")), (4, 1, 1));
}

#[test]
fn the_script_can_be_written_over_http() {
    let stub = Arc::new(Stub::start().unwrap());
    let control = Control::start(stub.clone()).unwrap().origin();
    let put = "/answer?path=%2Fjwks&status=203&header=Cache-Control%3A+no-store&etag=%22e%22";
    assert!(ask(&control, "PUT", put, "", "{\"keys\":[]}").unwrap().starts_with("HTTP/1.1 200 "));
    assert!(ask(&control, "PUT", "/answer?path=/jwks&then=1&fault=close", "", "").unwrap().ends_with("null"));
    let answer = get(&stub, "/jwks");
    assert!(
        answer.starts_with("HTTP/1.1 203 ") && answer.contains("Cache-Control: no-store\r\n"),
        "{answer}"
    );
    assert!(answer.ends_with("\r\n\r\n{\"keys\":[]}"), "{answer}");
    assert_eq!(get(&stub, "/jwks"), "");
    assert!(ask(&control, "GET", "/count?path=/jwks", "", "").unwrap().ends_with("\r\n\r\n2"));
    let received = ask(&control, "GET", "/received", "", "").unwrap();
    assert!(received.contains(r#"{"method":"GET","target":"/jwks","headers":[["host","x"]"#), "{received}");
    assert!(ask(&control, "DELETE", "/", "", "").unwrap().ends_with("null"));
    assert!(ask(&control, "GET", "/received", "", "").unwrap().ends_with("[]"));
    for body in ["1", "2"] {
        ask(&control, "PUT", "/answer?path=/turn&then=1", "", body).unwrap();
    }
    assert!(ask(&control, "PUT", "/in_turn?path=/turn", "", "").unwrap().ends_with("null"));
    assert_eq!([(); 3].map(|()| get(&stub, "/turn").pop().unwrap()), ['1', '2', '1']);
    assert!(ask(&control, "PUT", "/connections?fault=cut", "", "").unwrap().ends_with("null"));
    assert!(ask(stub.origin(), "GET", "/turn", "", "").unwrap_or_default().is_empty());
    assert!(ask(&control, "PUT", "/connections", "", "").unwrap().ends_with("null"));
    assert!(get(&stub, "/turn").ends_with('2'));
    for bad in [
        "/connections?fault=x",
        "/answer",
        "/answer?path=/a&fault=x",
        "/answer?path=/a&statsu=1",
        "/answer?path=%2",
        "/x",
    ] {
        assert!(ask(&control, "PUT", bad, "", "").unwrap().starts_with("HTTP/1.1 400 "), "{bad}");
    }
}

#[test]
fn the_program_says_where_it_listens_and_ends_with_its_input() {
    for (arguments, scheme) in [(&[][..], "http://"), (&["--tls"], "https://")] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_scopegate-stub"));
        let mut program =
            program.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let member = |name: &str| line.split(&format!("\"{name}\":\"")).nth(1)?.split('"').next();
        assert!(member("origin").unwrap().starts_with(scheme), "{line}");
        assert_eq!(
            member("ca_pem").is_some_and(|pem| pem.ends_with("-----END CERTIFICATE-----\\n")),
            scheme == "https://"
        );
        let count = ask(member("control").unwrap(), "GET", "/connections", "", "").unwrap();
        assert!(count.ends_with("\r\n\r\n0"), "{count}");
        drop(program.stdin.take());
        assert!(program.wait().unwrap().success());
    }
}
