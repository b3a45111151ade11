//! What is answered, and what goes wrong with it.

use std::io;
use std::thread;
use std::time::Duration;

use crate::connection::Connection;
use crate::gzip;
use crate::request::Received;

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
    /// Half of the headers is sent, then nothing.
    HangInHeaders,
    /// Headers and half of the body are sent, then nothing.
    HangInBody,
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer; with TLS it is closed without notice.
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
    /// One header line is filled up with blanks to this size.
    OversizeHeaders {
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

    /// Sends the body in gzip.
    #[must_use]
    pub fn gzip(mut self) -> Answer {
        self.body = gzip::encode(&self.body);
        self.header("Content-Encoding", "gzip")
    }

    /// Answers a request that was seen and not yet consumed.
    pub(crate) fn send(
        &self,
        to: &mut Connection,
        request: &Received,
        origin: &str,
        is_stopped: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        thread::sleep(self.delay);
        if self.fault == Some(Fault::Reset) {
            return Ok(());
        }
        to.consume(request)?;
        let not_modified = self.etag.is_some() && self.etag.as_deref() == request.header("if-none-match");
        let body = if not_modified { Vec::new() } else { self.body_for(origin) };
        let head = self.head(if not_modified { 304 } else { self.status }, body.len(), origin);
        match self.fault {
            None => to.send(&[head, body].concat()).and_then(|()| to.finish()),
            Some(fault) => fault.send(to, &head, &body, is_stopped),
        }
    }

    fn body_for(&self, origin: &str) -> Vec<u8> {
        match std::str::from_utf8(&self.body) {
            Ok(text) => text.replace("{origin}", origin).into_bytes(),
            Err(_) => self.body.clone(),
        }
    }

    fn head(&self, status: u16, body_bytes: usize, origin: &str) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {status} Scripted\r\nConnection: close\r\n");
        let framing = match self.fault {
            _ if status == 304 || status == 204 => String::new(),
            Some(Fault::Endless) => "Transfer-Encoding: chunked\r\n".to_owned(),
            Some(Fault::TruncatedUnseen) => String::new(),
            Some(Fault::Oversize { bytes }) => format!("Content-Length: {}\r\n", bytes.max(body_bytes)),
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

impl Fault {
    fn send(
        self,
        to: &mut Connection,
        head: &[u8],
        body: &[u8],
        is_stopped: &dyn Fn() -> bool,
    ) -> io::Result<()> {
        let (half_a_head, half_a_body) = (half(head), half(body));
        match self {
            Fault::Close | Fault::Reset => Ok(()),
            Fault::Hang => to.hang(is_stopped),
            Fault::HangInHeaders => to.send(half_a_head).and_then(|()| to.hang(is_stopped)),
            Fault::HangInBody => {
                to.send(&[head, half_a_body].concat())?;
                to.hang(is_stopped)
            }
            Fault::Drip { every } => to.drip(head, every).and_then(|()| to.drip(body, every)),
            Fault::DripBody { every } => to.send(head).and_then(|()| to.drip(body, every)),
            Fault::Oversize { bytes } => {
                to.send(&[head, body].concat())?;
                send_filling(to, bytes.saturating_sub(body.len()))
            }
            Fault::OversizeHeaders { bytes } => {
                let status_line = head.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
                to.send(&[status_line, b"X-Filling:"].concat())?;
                send_filling(to, bytes)?;
                to.send(&[b"\r\n", head.strip_prefix(status_line).unwrap_or_default(), body].concat())
            }
            Fault::Endless => {
                to.send(head)?;
                while !is_stopped() {
                    to.send(&[b"400\r\n", &[b' '; 0x400][..], b"\r\n"].concat())?;
                }
                Ok(())
            }
            Fault::Truncated | Fault::TruncatedUnseen => to.send(&[head, half_a_body].concat()),
        }
    }
}

fn half(bytes: &[u8]) -> &[u8] {
    bytes.get(..bytes.len() / 2).unwrap_or_default()
}

/// Blanks, a piece at a time, so that a body may be larger than the memory.
fn send_filling(to: &mut Connection, bytes: usize) -> io::Result<()> {
    const PIECE: [u8; 0x4000] = [b' '; 0x4000];
    let mut left = bytes;
    while let Some(piece) = PIECE.get(..left.min(PIECE.len())).filter(|piece| !piece.is_empty()) {
        to.send(piece)?;
        left -= piece.len();
    }
    Ok(())
}
