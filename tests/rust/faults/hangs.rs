//! Key servers that hang, at every step of an exchange.

use std::thread;
use std::time::{Duration, Instant};

use scopegate_core::ResourceServer;
use scopegate_core::testing::is_fetching;
use scopegate_stub::{Answer, ConnectionFault, Fault, FullBacklog, Stub};
use serde_json::{Value, json};

use crate::key_server::{JWKS, Key, configuration, key_set, publish};
use crate::processes::{threads, unix_time};
use crate::scene::{Scene, Verdict, authorize, eventually, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        // T47 (tests/attacks.md)
        fault: "cold: hang at accept, TLS, headers, body; 1 byte a second",
        required: "each ends by the deadline (2 s here, asserted doubled); thread count bounded",
        run: cold,
    },
    Row {
        fault: "the same when a held set is due",
        required: "the same; good tokens accepted at once meanwhile",
        run: due,
    },
];

const TIMEOUT: Duration = Duration::from_secs(2);
const EVERY: Duration = Duration::from_secs(1);
const CALLERS: usize = 16;

/// Where an exchange hangs once a connection is accepted.
enum Hang {
    Connection(ConnectionFault),
    Answer(Fault),
}

const HANGS: [(&str, Hang); 7] = [
    ("accept", Hang::Connection(ConnectionFault::Silence)),
    ("TLS", Hang::Connection(ConnectionFault::HangInTls)),
    ("headers", Hang::Answer(Fault::Hang)),
    ("half of the headers", Hang::Answer(Fault::HangInHeaders)),
    ("body", Hang::Answer(Fault::HangInBody)),
    ("1 byte a second", Hang::Answer(Fault::Drip { every: EVERY })),
    ("body, 1 byte a second", Hang::Answer(Fault::DripBody { every: EVERY })),
];

/// With TLS, and without unless time is short.
fn stubs(options: &Options) -> Vec<Stub> {
    let secure = Stub::start_tls().expect("a free port");
    if options.short { vec![secure] } else { vec![secure, Stub::start().expect("a free port")] }
}

fn hang(stub: &Stub, how: &Hang, key: &Key) {
    match how {
        Hang::Connection(fault) => stub.connection_fault(Some(*fault)),
        Hang::Answer(fault) => {
            stub.connection_fault(None);
            stub.answer(JWKS, Answer::ok(key_set(&[key])).fault(*fault));
        }
    }
}

/// What makes a server trust the stub, and wait no longer than [`TIMEOUT`].
fn http(stub: &Stub) -> Value {
    match stub.ca_pem() {
        Some(ca_pem) => json!({"http": {"timeout_seconds": TIMEOUT.as_secs(), "ca_pem": ca_pem}}),
        None => json!({"http": {"timeout_seconds": TIMEOUT.as_secs()}}),
    }
}

fn cold(options: &Options) -> String {
    let key = Key::new(1);
    let mut seen = Seen::default();
    let backlog = FullBacklog::start().expect("a free port");
    let url = format!("http://{}{JWKS}", backlog.address().expect("an address"));
    let plain = json!({"http": {"timeout_seconds": TIMEOUT.as_secs()}});
    seen.wait_cold("connect", &key, &configuration(&url, &plain));
    for stub in &stubs(options) {
        for (name, how) in &HANGS {
            hang(stub, how, &key);
            seen.wait_cold(name, &key, &configuration(&stub.url(JWKS), &http(stub)));
        }
    }
    eventually("the threads end", || threads().is_empty());
    format!("{CALLERS} callers each; {}, 0 in the end", seen.report())
}

fn due(options: &Options) -> String {
    let (mut seen, mut accepted) = (Seen::default(), 0);
    for stub in stubs(options) {
        let key = Key::new(1);
        publish(&stub, &[&key]);
        let more = http(&stub);
        let scene = Scene::with(stub, key, &more);
        scene.server.warm_up().expect("a key server that works");
        let token = scene.token();
        for (name, how) in &HANGS {
            hang(&scene.stub, how, &scene.key);
            let (start, fetches) = (Instant::now(), scene.fetches());
            scene.clock.pass(seconds(600));
            while is_fetching(&scene.server) {
                assert_eq!(scene.check(&token), Verdict::Accepted, "{name}");
                accepted += 1;
                seen.see_threads(name);
            }
            seen.end(name, start.elapsed());
            assert_eq!(scene.fetches(), fetches + 1, "{name}");
            // A fetch is over a moment before its thread is.
            eventually("the thread of the fetch ends", || threads().len() <= 1);
        }
    }
    eventually("the threads end", || threads().is_empty());
    format!("{accepted} good tokens accepted; {}, 0 in the end", seen.report())
}

#[derive(Default)]
struct Seen {
    hangs: usize,
    longest: Duration,
    threads: usize,
}

impl Seen {
    /// Several callers of one cold server at once; each must be told 503 by the deadline.
    fn wait_cold(&mut self, name: &str, key: &Key, config: &str) {
        let server = ResourceServer::from_json(config).expect("a configuration");
        let token = key.token(unix_time());
        let start = Instant::now();
        thread::scope(|scope| {
            for _ in 0..CALLERS {
                scope.spawn(|| assert_eq!(authorize(&server, &token), Verdict::UNAVAILABLE, "{name}"));
            }
            thread::sleep(TIMEOUT / 2);
            self.see_threads(name);
        });
        self.end(name, start.elapsed());
    }

    /// One that schedules and one that fetches are enough.
    fn see_threads(&mut self, name: &str) {
        let threads = threads();
        assert!(threads.len() <= 2, "{name}: {threads:?}");
        self.threads = self.threads.max(threads.len());
    }

    fn end(&mut self, name: &str, took: Duration) {
        assert!(took < TIMEOUT * 2, "{name}: {took:?}");
        self.hangs += 1;
        self.longest = self.longest.max(took);
    }

    fn report(&self) -> String {
        let longest = self.longest.as_secs_f64();
        format!("{} hangs, the longest {longest:.2} s; at most {} threads of ours", self.hangs, self.threads)
    }
}
