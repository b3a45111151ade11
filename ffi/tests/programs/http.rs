//! HTTP/1.1 as bytes: what is sent and what comes back is compared whole.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Sends these bytes to an origin (`http://127.0.0.1:8000`) and reads until the peer closes.
pub(crate) fn exchange(origin: &str, request: &str) -> String {
    let address = origin.strip_prefix("http://").expect("an http origin");
    let mut stream = TcpStream::connect(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    stream.write_all(request.as_bytes()).expect("a peer that reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

/// A request with these header lines and this body. The connection ends with it.
pub(crate) fn request(method: &str, target: &str, headers: &[&str], body: &str) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n");
    for header in headers {
        text.extend([header, "\r\n"]);
    }
    if !body.is_empty() {
        text += &format!("Content-Length: {}\r\n", body.len());
    }
    text + "\r\n" + body
}

/// The body of an answer.
pub(crate) fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head and a body").1
}
