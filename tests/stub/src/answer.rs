//! What is answered, and what goes wrong with it.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use crate::request::{self, Received};

/// An answer. `{origin}` in its body and header values stands for the server's own origin.
#[derive(Clone, Debug)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    etag: Option<String>,
    delay: Duration,
    fault: Option<Fault>,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The request is read and never answered.
    Hang,
    /// Headers and half of the body are sent, then nothing.
    HangInBody,
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// The answer comes byte by byte, with this pause before each.
    Drip {
        /// The pause.
        every: Duration,
    },
    /// As [`Fault::Drip`], from the body on.
    DripBody {
        /// The pause.
        every: Duration,
    },
    /// The body is filled up with blanks to this size.
    Oversize {
        /// The size.
        bytes: usize,
    },
    /// A chunked body that never ends.
    Endless,
    /// The connection is closed after half of the body.
    Truncated,
    /// Half of the body is sent, without a length, and the connection is closed.
    TruncatedUnseen,
}

impl Answer {
    /// An empty answer.
    pub fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            etag: None,
            delay: Duration::ZERO,
            fault: None,
        }
    }

    /// 200 with a JSON body.
    pub fn ok(body: impl Into<Vec<u8>>) -> Answer {
        Answer { body: body.into(), ..Answer::status(200) }.header("Content-Type", "application/json")
    }

    /// A redirect with this status.
    pub fn redirect(status: u16, location: &str) -> Answer {
        Answer::status(status).header("Location", location)
    }

    /// What a path without a script is answered with.
    pub fn not_found() -> Answer {
        Answer::status(404)
    }

    /// Adds a header line.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets the body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Answer {
        self.body = body.into();
        self
    }

    /// Sends this ETag, and 304 to a request that names it.
    #[must_use]
    pub fn etag(mut self, etag: &str) -> Answer {
        self.etag = Some(etag.to_owned());
        self
    }

    /// Waits before the answer.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }

    /// Lets something go wrong.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Answer {
        self.fault = Some(fault);
        self
    }

    /// Answers a request whose head is still in the socket.
    pub(crate) fn send(
        &self,
        stream: &TcpStream,
        request: &Received,
        origin: &str,
        is_stopped: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        thread::sleep(self.delay);
        if self.fault == Some(Fault::Reset) {
            return Ok(());
        }
        request::consume(stream, request)?;
        let not_modified = self.etag.is_some() && self.etag.as_deref() == request.header("if-none-match");
        let body = if not_modified { Vec::new() } else { self.filled_body(origin) };
        let head = self.head(if not_modified { 304 } else { self.status }, body.len(), origin);
        let half = body.get(..body.len() / 2).unwrap_or_default();
        match self.fault {
            None | Some(Fault::Oversize { .. }) => write(stream, &[&head, &body]),
            Some(Fault::Hang) => hang(stream, is_stopped),
            Some(Fault::HangInBody) => {
                write(stream, &[&head, half])?;
                hang(stream, is_stopped)
            }
            Some(Fault::Close | Fault::Reset) => Ok(()),
            Some(Fault::Drip { every }) => {
                drip(stream, &head, every)?;
                drip(stream, &body, every)
            }
            Some(Fault::DripBody { every }) => {
                write(stream, &[&head])?;
                drip(stream, &body, every)
            }
            Some(Fault::Endless) => {
                write(stream, &[&head])?;
                while !is_stopped() {
                    write(stream, &[b"400\r\n", &[b' '; 0x400], b"\r\n"])?;
                }
                Ok(())
            }
            Some(Fault::Truncated | Fault::TruncatedUnseen) => write(stream, &[&head, half]),
        }
    }

    fn filled_body(&self, origin: &str) -> Vec<u8> {
        let mut body = match std::str::from_utf8(&self.body) {
            Ok(text) => text.replace("{origin}", origin).into_bytes(),
            Err(_) => self.body.clone(),
        };
        if let Some(Fault::Oversize { bytes }) = self.fault {
            body.resize(bytes.max(body.len()), b' ');
        }
        body
    }

    fn head(&self, status: u16, body_bytes: usize, origin: &str) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nConnection: close\r\n");
        let framing = match self.fault {
            _ if status == 304 || status == 204 => String::new(),
            Some(Fault::Endless) => "Transfer-Encoding: chunked\r\n".to_owned(),
            Some(Fault::TruncatedUnseen) => String::new(),
            _ => format!("Content-Length: {body_bytes}\r\n"),
        };
        head.push_str(&framing);
        let etag = self.etag.iter().map(|etag| ("ETag", etag));
        for (name, value) in self.headers.iter().map(|(name, value)| (name.as_str(), value)).chain(etag) {
            head.push_str(&format!("{name}: {}\r\n", value.replace("{origin}", origin)));
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

fn write(mut stream: &TcpStream, parts: &[&[u8]]) -> io::Result<()> {
    stream.write_all(&parts.concat())
}

/// Ends when the client goes away.
fn drip(mut stream: &TcpStream, bytes: &[u8], every: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    for byte in bytes {
        thread::sleep(every);
        stream.write_all(&[*byte])?;
    }
    Ok(())
}

/// Ends when the client goes away or the server stops.
fn hang(mut stream: &TcpStream, is_stopped: &dyn Fn() -> bool) -> io::Result<()> {
    stream.set_read_timeout(Some(Duration::from_millis(50)))?;
    while !is_stopped() {
        match stream.read(&mut [0]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
