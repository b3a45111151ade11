//! A connection with one request on it, plain or with TLS.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};

use crate::request::{self, Received};

/// What befalls every connection that is accepted, before a request is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ConnectionFault {
    /// Nothing is ever read or written.
    Silence,
    /// The connection is closed at once.
    Cut,
    /// Half of the first TLS flight is sent, then nothing. Without TLS the same as [`ConnectionFault::Silence`].
    HangInTls,
}

pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Connection {
    pub(crate) fn suffer(self, fault: ConnectionFault, is_stopped: &dyn Fn() -> bool) -> io::Result<()> {
        match (fault, self) {
            (ConnectionFault::Cut, _) => Ok(()),
            (ConnectionFault::HangInTls, Connection::Tls(mut stream)) => {
                send_half_a_handshake(&mut stream)?;
                wait_for_end(&mut stream.sock, is_stopped)
            }
            (_, Connection::Plain(mut socket)) => wait_for_end(&mut socket, is_stopped),
            (_, Connection::Tls(mut stream)) => wait_for_end(&mut stream.sock, is_stopped),
        }
    }

    /// Reads the head of a request; `None` when the client sent none. Without TLS it stays in the socket, so that
    /// closing the socket resets the connection.
    pub(crate) fn see_request(&mut self) -> io::Result<Option<Received>> {
        match self {
            Connection::Plain(socket) => request::peek(socket),
            Connection::Tls(stream) => {
                stream.sock.set_read_timeout(Some(request::PATIENCE))?;
                request::read(stream)
            }
        }
    }

    /// Takes the head out of the socket.
    pub(crate) fn consume(&mut self, request: &Received) -> io::Result<()> {
        match self {
            Connection::Plain(socket) => request::consume(socket, request),
            Connection::Tls(_) => Ok(()),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Connection::Plain(socket) => socket.write_all(bytes),
            Connection::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Ends when the client goes away.
    pub(crate) fn drip(&mut self, bytes: &[u8], every: Duration) -> io::Result<()> {
        match self {
            Connection::Plain(socket) => socket.set_nodelay(true)?,
            Connection::Tls(stream) => stream.sock.set_nodelay(true)?,
        }
        for byte in bytes {
            thread::sleep(every);
            self.send(&[*byte])?;
        }
        Ok(())
    }

    /// Ends when the client goes away or the server stops.
    pub(crate) fn hang(&mut self, is_stopped: &dyn Fn() -> bool) -> io::Result<()> {
        match self {
            Connection::Plain(socket) => wait_for_end(socket, is_stopped),
            Connection::Tls(stream) => wait_for_end(&mut stream.sock, is_stopped),
        }
    }

    /// Says that the answer is complete.
    pub(crate) fn finish(&mut self) -> io::Result<()> {
        match self {
            Connection::Plain(_) => Ok(()),
            Connection::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()
            }
        }
    }
}

fn send_half_a_handshake(stream: &mut StreamOwned<ServerConnection, TcpStream>) -> io::Result<()> {
    while stream.conn.wants_read() && !stream.conn.wants_write() {
        if stream.conn.read_tls(&mut stream.sock)? == 0 {
            return Ok(());
        }
        stream.conn.process_new_packets().map_err(io::Error::other)?;
    }
    let mut flight = Vec::new();
    stream.conn.write_tls(&mut flight)?;
    flight.truncate(flight.len() / 2);
    stream.sock.write_all(&flight)
}

fn wait_for_end(socket: &mut TcpStream, is_stopped: &dyn Fn() -> bool) -> io::Result<()> {
    socket.set_read_timeout(Some(Duration::from_millis(50)))?;
    while !is_stopped() {
        match socket.read(&mut [0; 512]) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
