//! The scripted server, asked over plain sockets.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use scopegate_stub::{Answer, Control, Fault, Stub};

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
    for bad in ["/answer", "/answer?path=/a&fault=x", "/answer?path=/a&statsu=1", "/answer?path=%2", "/x"] {
        assert!(ask(&control, "PUT", bad, "", "").unwrap().starts_with("HTTP/1.1 400 "), "{bad}");
    }
}
