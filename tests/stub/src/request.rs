//! Reading a request.

use std::io::{self, Read};
use std::net::TcpStream;
use std::time::Duration;

/// A request as it came.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Received {
    /// The method.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// The header fields in order, names in lower case.
    pub headers: Vec<(String, String)>,
    /// How many bytes the head has.
    pub(crate) head_bytes: usize,
}

impl Received {
    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// The query, empty if there is none.
    pub fn query(&self) -> &str {
        self.target.split_once('?').map_or("", |(_, query)| query)
    }

    /// The first header of this name, given in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

const MAX_HEAD_BYTES: usize = 32 * 1024;

/// How long a client may take to send its head.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Reads the head of a request and leaves it in the socket, so that closing the socket resets the connection. `None`
/// when the client sent none.
pub(crate) fn peek(stream: &TcpStream) -> io::Result<Option<Received>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut buffer = vec![0; MAX_HEAD_BYTES];
    let mut seen = 0;
    loop {
        let length = stream.peek(&mut buffer)?;
        let read = buffer.get(..length).unwrap_or_default();
        if let Some(end) = read.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(read.get(..end).unwrap_or_default()).into_owned();
            return Ok(Some(parse(&head, end + 4)));
        }
        if length == 0 || length == MAX_HEAD_BYTES {
            return Ok(None);
        }
        if length == seen {
            // Peeking returns at once while an unfinished head lies there.
            std::thread::sleep(Duration::from_millis(1));
        }
        seen = length;
    }
}

/// Reads the head of a request. `None` when the client sent none.
pub(crate) fn read(stream: &mut impl Read) -> io::Result<Option<Received>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if head.len() == MAX_HEAD_BYTES || stream.read(&mut byte)? == 0 {
            return Ok(None);
        }
        head.extend(byte);
    }
    let text = String::from_utf8_lossy(&head);
    Ok(Some(parse(text.trim_end(), head.len())))
}

/// Takes the head out of the socket.
pub(crate) fn consume(mut stream: &TcpStream, request: &Received) -> io::Result<()> {
    stream.read_exact(&mut vec![0; request.head_bytes])
}

fn parse(head: &str, head_bytes: usize) -> Received {
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()));
    Received { method, target, headers: headers.collect(), head_bytes }
}
