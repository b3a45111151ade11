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
mod control;
mod request;

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

pub use answer::{Answer, Fault};
pub use control::Control;
pub use request::Received;

/// A server that runs until it is dropped. Each connection carries one request.
pub struct Stub {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    origin: String,
    script: Mutex<Script>,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Script {
    /// What is still to come for a path. The last answer stays.
    answers: BTreeMap<String, VecDeque<Answer>>,
    received: Vec<Received>,
    connections: usize,
}

impl Stub {
    /// Listens on a free port of 127.0.0.1. Paths without a script are answered with 404.
    pub fn start() -> io::Result<Stub> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            origin: format!("http://{address}"),
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
        self.shared.script().answers.insert(path.to_owned(), VecDeque::from([answer]));
    }

    /// The answer after those that are scripted already; each of those then holds for one request.
    pub fn then(&self, path: &str, answer: Answer) {
        self.shared.script().answers.entry(path.to_owned()).or_default().push_back(answer);
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
        match script.answers.get_mut(request.path()) {
            Some(answers) if answers.len() > 1 => answers.pop_front().unwrap_or_else(Answer::not_found),
            Some(answers) => answers.front().cloned().unwrap_or_else(Answer::not_found),
            None => Answer::not_found(),
        }
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.is_stopped() {
            return;
        }
        let Ok(stream) = stream else { continue };
        shared.script().connections += 1;
        let shared = shared.clone();
        // The client sees a connection that is cut if no thread can be had.
        let _ =
            thread::Builder::new().name("stub-connection".to_owned()).spawn(move || serve(&stream, &shared));
    }
}

fn serve(stream: &TcpStream, shared: &Shared) {
    let Ok(Some(request)) = request::peek(stream) else { return };
    let answer = shared.take(&request);
    // A client that gives up in the middle is what some tests are about.
    let _ = answer.send(stream, &request, &shared.origin, &|| shared.is_stopped());
}
