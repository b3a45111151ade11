//! A scripted HTTP server on loopback, for tests: a key server that works, and one that fails in every way.
//!
//! ```
//! use scopegate_stub::{Answer, Fault, Stub};
//!
//! let stub = Stub::start()?;
//! stub.answer("/jwks", Answer::ok(r#"{"keys":[]}"#).header("Cache-Control", "max-age=600"));
//! stub.then("/jwks", Answer::ok("").fault(Fault::Hang));
//! // The first request to stub.url("/jwks") is answered, all later ones hang.
//! assert_eq!(stub.count("/jwks"), 0);
//! # Ok::<(), std::io::Error>(())
//! ```

mod answer;
mod backlog;
mod connection;
mod control;
mod gzip;
mod request;
mod tls;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use connection::Connection;
use rustls::{ServerConnection, StreamOwned};
use tls::Tls;

pub use answer::{Answer, Fault};
pub use backlog::FullBacklog;
pub use connection::ConnectionFault;
pub use control::Control;
pub use request::Received;

/// A server that runs until it is dropped. Each connection carries one request.
pub struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    origin: String,
    tls: Option<Tls>,
    script: Mutex<Script>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Script {
    answers: BTreeMap<String, Answers>,
    connection_fault: Option<ConnectionFault>,
    received: Vec<Received>,
    connections: usize,
}

/// What is still to come for a path.
#[derive(Default)]
struct Answers {
    left: VecDeque<Answer>,
    /// Each answer goes to the end once it was given. Otherwise it is gone, but for the last one, which stays.
    in_turn: bool,
}

impl Answers {
    fn take(&mut self) -> Option<Answer> {
        let answer = if self.left.len() > 1 { self.left.pop_front()? } else { self.left.front()?.clone() };
        if self.in_turn && !self.left.is_empty() {
            self.left.push_back(answer.clone());
        }
        Some(answer)
    }
}

impl Stub {
    /// Listens on a free port of 127.0.0.1. Paths without a script are answered with 404.
    pub fn start() -> io::Result<Stub> {
        Stub::serve("http", None)
    }

    /// [`Stub::start`] with TLS, by a certificate authority of its own, for 127.0.0.1 and localhost.
    pub fn start_tls() -> io::Result<Stub> {
        Stub::serve("https", Some(Tls::new()?))
    }

    fn serve(scheme: &str, tls: Option<Tls>) -> io::Result<Stub> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            origin: format!("{scheme}://{address}"),
            tls,
            script: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = shared.clone();
        thread::Builder::new().name("stub".to_owned()).spawn(move || accept(&listener, &serving))?;
        Ok(Stub { address, shared })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// The certificate of its authority, where it speaks TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.shared.tls.as_ref().map(|tls| tls.ca_pem.as_str())
    }

    /// The address it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.origin())
    }

    /// From now on requests for this path are answered like this.
    pub fn answer(&self, path: &str, answer: Answer) {
        let answers = Answers { left: VecDeque::from([answer]), in_turn: false };
        self.shared.script().answers.insert(path.to_owned(), answers);
    }

    /// The answer after those that are scripted already; each of those then holds for one request.
    pub fn then(&self, path: &str, answer: Answer) {
        self.shared.script().answers.entry(path.to_owned()).or_default().left.push_back(answer);
    }

    /// The answers that are scripted for this path come in turn, again and again: replicas that disagree.
    pub fn in_turn(&self, path: &str) {
        self.shared.script().answers.entry(path.to_owned()).or_default().in_turn = true;
    }

    /// From now on this befalls every connection; `None` ends it.
    pub fn connection_fault(&self, fault: Option<ConnectionFault>) {
        self.shared.script().connection_fault = fault;
    }

    /// Forgets the script and what was received.
    pub fn reset(&self) {
        *self.shared.script() = Script::default();
    }

    /// Every request that was read, in order.
    pub fn received(&self) -> Vec<Received> {
        self.shared.script().received.clone()
    }

    /// How many requests for this path were read.
    pub fn count(&self, path: &str) -> usize {
        self.shared.script().received.iter().filter(|request| request.path() == path).count()
    }

    /// How many connections were accepted, with or without a request.
    pub fn connections(&self) -> usize {
        self.shared.script().connections
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Release);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Notes a request and takes its answer from the script.
    fn take(&self, request: &Received) -> Answer {
        let mut script = self.script();
        script.received.push(request.clone());
        script.answers.get_mut(request.path()).and_then(Answers::take).unwrap_or_else(Answer::not_found)
    }

    /// Notes a connection. What is to befall it.
    fn meet(&self) -> Option<ConnectionFault> {
        let mut script = self.script();
        script.connections += 1;
        script.connection_fault
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        let fault = shared.meet();
        let shared = shared.clone();
        // A client that gives up in the middle is what some tests are about.
        let work = move || drop(serve(stream, fault, &shared));
        // The client sees a connection that is cut if no thread can be had.
        let _ = thread::Builder::new().name("stub-connection".to_owned()).spawn(work);
    }
}

fn serve(stream: TcpStream, fault: Option<ConnectionFault>, shared: &Shared) -> io::Result<()> {
    let is_stopped = || shared.is_stopped();
    let mut connection = match &shared.tls {
        None => Connection::Plain(stream),
        Some(tls) => {
            let session = ServerConnection::new(tls.config.clone()).map_err(io::Error::other)?;
            Connection::Tls(Box::new(StreamOwned::new(session, stream)))
        }
    };
    if let Some(fault) = fault {
        return connection.suffer(fault, &is_stopped);
    }
    let Some(request) = connection.see_request()? else { return Ok(()) };
    let answer = shared.take(&request);
    answer.send(&mut connection, &request, &shared.origin, &is_stopped)
}
