//! Writing the script over HTTP, for tests in other languages.
//!
//! | request | effect |
//! |---|---|
//! | `PUT /answer?path=/jwks&...`, the answer's body as its body | from now on that path is answered like this; with `then=1`, after what is scripted already |
//! | `PUT /in_turn?path=/jwks` | the answers that are scripted for that path come in turn, again and again |
//! | `PUT /connections?fault=silence` | from now on this befalls every connection: `silence`, `cut`, `hang_in_tls`; without `fault`, nothing |
//! | `GET /received` | the requests that were read: `[{"method", "target", "headers": [[name, value], ...]}, ...]` |
//! | `GET /count?path=/jwks` | how many of them were for that path, as a number |
//! | `GET /connections` | how many connections were accepted, as a number |
//! | `DELETE /` | the script and what was received are forgotten |
//!
//! Parameters of an answer: `status` (200), `header` (`Name: value`, repeatable), `etag`, `delay_ms`, `gzip=1`, `fault`:
//! `hang`, `hang_in_headers`, `hang_in_body`, `close`, `reset`, `drip` and `drip_body` (with `every_ms`), `oversize` and
//! `oversize_headers` (with `bytes`), `endless`, `truncated`, `truncated_unseen`. `{origin}` in bodies and header values
//! stands for the server's origin. Names and values are percent-encoded. A mistake is answered with 400 and a sentence.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::request::{self, Received};
use crate::{Answer, ConnectionFault, Fault, Stub};

/// The control server of a stub. It runs as long as the process.
pub struct Control {
    address: SocketAddr,
}

impl Control {
    /// Listens on a free port of 127.0.0.1.
    pub fn start(stub: Arc<Stub>) -> io::Result<Control> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let serve_all = move || {
            for stream in listener.incoming().flatten() {
                // One request after the other: a test waits for each.
                let _ = serve(&stream, &stub);
            }
        };
        thread::Builder::new().name("stub-control".to_owned()).spawn(serve_all)?;
        Ok(Control { address })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}

fn serve(mut stream: &TcpStream, stub: &Stub) -> io::Result<()> {
    let Some(request) = request::peek(stream)? else { return Ok(()) };
    request::consume(stream, &request)?;
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    let (status, answer) = match act(stub, &request, body) {
        Ok(answer) => (200, answer),
        Err(mistake) => (400, mistake),
    };
    write!(
        stream,
        "HTTP/1.1 {status} Control\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
}

fn act(stub: &Stub, request: &Received, body: Vec<u8>) -> Result<String, String> {
    let parameters = parameters(request.query())?;
    let path = || {
        let path = parameters.iter().find(|(name, _)| name == "path").map(|(_, path)| path.as_str());
        path.ok_or_else(|| "expected the parameter path".to_owned())
    };
    match (request.method.as_str(), request.path()) {
        ("PUT", "/answer") => {
            let (answer, then) = answer(&parameters, body)?;
            if then {
                stub.then(path()?, answer)
            } else {
                stub.answer(path()?, answer)
            }
            Ok("null".to_owned())
        }
        ("PUT", "/in_turn") => {
            stub.in_turn(path()?);
            Ok("null".to_owned())
        }
        ("PUT", "/connections") => {
            stub.connection_fault(connection_fault(&parameters)?);
            Ok("null".to_owned())
        }
        ("GET", "/received") => Ok(json_list(stub.received().iter().map(received_json))),
        ("GET", "/count") => Ok(stub.count(path()?).to_string()),
        ("GET", "/connections") => Ok(stub.connections().to_string()),
        ("DELETE", "/") => {
            stub.reset();
            Ok("null".to_owned())
        }
        (method, path) => Err(format!("nothing to {method} at {path}")),
    }
}

/// The answer, and whether it comes after those that are scripted already.
fn answer(parameters: &[(String, String)], body: Vec<u8>) -> Result<(Answer, bool), String> {
    let value =
        |wanted: &str| parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let number = |name: &str| value(name).map_or(Ok(0), |text| whole(name, text));
    let status = value("status").map_or(Ok(200), |text| whole("status", text))?;
    let status = u16::try_from(status).map_err(|_| "expected a status".to_owned())?;
    let mut answer = Answer::status(status).body(body).delay(Duration::from_millis(number("delay_ms")?));
    if let Some(etag) = value("etag") {
        answer = answer.etag(etag);
    }
    if let Some(name) = value("fault") {
        let every = Duration::from_millis(number("every_ms")?);
        let bytes = usize::try_from(number("bytes")?).map_err(|_| "expected fewer bytes".to_owned())?;
        answer = answer.fault(fault(name, every, bytes)?);
    }
    if value("gzip") == Some("1") {
        answer = answer.gzip();
    }
    for (name, value) in parameters {
        match name.as_str() {
            "header" => {
                let (name, value) = value.split_once(':').ok_or("expected header=Name: value")?;
                answer = answer.header(name, value.trim());
            }
            "path" | "then" | "status" | "gzip" | "delay_ms" | "etag" | "fault" | "every_ms" | "bytes" => {}
            unknown => return Err(format!("unknown parameter {unknown}")),
        }
    }
    Ok((answer, value("then") == Some("1")))
}

fn connection_fault(parameters: &[(String, String)]) -> Result<Option<ConnectionFault>, String> {
    match parameters {
        [] => Ok(None),
        [(name, value)] if name == "fault" => match value.as_str() {
            "silence" => Ok(Some(ConnectionFault::Silence)),
            "cut" => Ok(Some(ConnectionFault::Cut)),
            "hang_in_tls" => Ok(Some(ConnectionFault::HangInTls)),
            unknown => Err(format!("unknown fault {unknown}")),
        },
        _ => Err("expected the parameter fault, or none".to_owned()),
    }
}

fn fault(name: &str, every: Duration, bytes: usize) -> Result<Fault, String> {
    Ok(match name {
        "hang" => Fault::Hang,
        "hang_in_headers" => Fault::HangInHeaders,
        "hang_in_body" => Fault::HangInBody,
        "close" => Fault::Close,
        "reset" => Fault::Reset,
        "drip" => Fault::Drip { every },
        "drip_body" => Fault::DripBody { every },
        "oversize" => Fault::Oversize { bytes },
        "oversize_headers" => Fault::OversizeHeaders { bytes },
        "endless" => Fault::Endless,
        "truncated" => Fault::Truncated,
        "truncated_unseen" => Fault::TruncatedUnseen,
        unknown => return Err(format!("unknown fault {unknown}")),
    })
}

fn whole(name: &str, text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number as {name}"))
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, String> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next(), rest.next()]
                    .map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
                let [Some(high), Some(low)] = digits else { return Err("bad percent-encoding".to_owned()) };
                u8::try_from(high * 16 + low).map_err(|_| "bad percent-encoding".to_owned())?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).map_err(|_| "expected UTF-8".to_owned())
}

fn received_json(request: &Received) -> String {
    let headers =
        request.headers.iter().map(|(name, value)| format!("[{},{}]", json_text(name), json_text(value)));
    format!(
        "{{\"method\":{},\"target\":{},\"headers\":{}}}",
        json_text(&request.method),
        json_text(&request.target),
        json_list(headers)
    )
}

fn json_list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(","))
}

fn json_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            control if control < ' ' => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
