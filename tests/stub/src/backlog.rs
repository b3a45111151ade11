//! A server that is there and never accepts.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, listen, socket};

/// A port whose queue of connections is full, so that connecting to it hangs until this is dropped.
pub struct FullBacklog {
    listener: TcpListener,
    _queued: Vec<TcpStream>,
}

/// How many connections are tried until one hangs.
const MOST: usize = 64;

impl FullBacklog {
    /// Fills the queue of a free port of 127.0.0.1.
    pub fn start() -> io::Result<FullBacklog> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0))?;
        listen(&socket, 0)?;
        let listener = TcpListener::from(socket);
        let address = listener.local_addr()?;
        let mut queued = Vec::new();
        for _ in 0..MOST {
            match TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
                Ok(stream) => queued.push(stream),
                Err(_) => return Ok(FullBacklog { listener, _queued: queued }),
            }
        }
        Err(io::Error::other("the queue does not fill"))
    }

    /// The address to which connecting hangs.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}
