//! Everything at once, for minutes of real time: load, random faults, rotations.
//!
//! Once a new key was accepted, a set that was fetched after its rotation is held: from then on no older key may be
//! accepted, and until the next rotation the new one may not be refused. Between a rotation and that first acceptance lies
//! the window in which its tokens may be told 503.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use scopegate_core::{Reason, ResourceServer};
use scopegate_stub::{Answer, ConnectionFault, Fault, Stub};
use serde_json::json;

use crate::key_server::{JWKS, Key, configuration, junk, key_set, publishing};
use crate::processes::{descriptors, unix_time};
use crate::scene::{Verdict, authorize, seconds};
use crate::{MEMORY, Options, Row};

pub(crate) const ROWS: &[Row] = &[Row {
    fault: "soak 10 min, 64 threads, random faults, rotation each 60 s",
    required: "0 wrong accepts, 0 wrong refusals outside the allowed windows, memory and descriptors flat",
    run: soak,
}];

const THREADS: usize = 64;
const PAUSE: Duration = Duration::from_millis(30);
/// How much more may be in use at the last rotation than at the first: what the key server notes of each request.
const FLAT_BYTES: usize = 128 * 1024;
const FLAT_DESCRIPTORS: usize = 8;

struct Times {
    all: Duration,
    rotation: Duration,
    fault: Duration,
}

impl Times {
    fn of(options: &Options) -> Times {
        if options.short {
            Times { all: seconds(30), rotation: seconds(10), fault: Duration::from_millis(700) }
        } else {
            Times { all: seconds(600), rotation: seconds(60), fault: seconds(2) }
        }
    }
}

struct Soak {
    stub: Stub,
    server: ResourceServer,
    keys: Vec<Key>,
    tokens: Vec<OnceLock<String>>,
    /// The key that signs now.
    current: AtomicUsize,
    /// The newest key of which a token was accepted.
    newest: AtomicUsize,
    over: AtomicBool,
    told: Mutex<BTreeMap<String, usize>>,
    wrong: Mutex<Vec<String>>,
}

fn soak(options: &Options) -> String {
    let times = Times::of(options);
    let rotations = times.all.div_duration_f64(times.rotation).ceil() as usize;
    let keys: Vec<_> = (1..=rotations + 1).map(Key::new).collect();
    let stub = publishing(&[&keys[0]]);
    let more = json!({"keys": {"unknown_key_interval_seconds": 5}, "http": {"timeout_seconds": 1}});
    let server = ResourceServer::from_json(&configuration(&stub.url(JWKS), &more)).expect("a configuration");
    server.warm_up().expect("a key server that works");
    let soak = Soak {
        stub,
        server,
        tokens: keys.iter().map(|_| OnceLock::new()).collect(),
        keys,
        current: AtomicUsize::new(0),
        newest: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        told: Mutex::default(),
        wrong: Mutex::default(),
    };
    let samples = thread::scope(|scope| {
        (0..THREADS).for_each(|number| {
            let soak = &soak;
            scope.spawn(move || soak.load(number));
        });
        let samples = soak.misbehave(&times);
        soak.over.store(true, Ordering::SeqCst);
        samples
    });
    soak.report(&samples)
}

impl Soak {
    /// One client: tokens of the key that signs, of an older one, under an unknown kid, and forged ones.
    fn load(&self, number: usize) {
        for round in number.. {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let current = self.current.load(Ordering::SeqCst);
            match round % 8 {
                0 => self.expect_refusal("junk", &junk(self.token(current))),
                1 => self.expect_refusal("forged", &forged(&self.keys[current])),
                2 => self.ask_with_old_key(round % (current + 1)),
                _ => self.ask_with_current_key(current),
            }
            thread::sleep(PAUSE);
        }
    }

    /// Issued when it is first asked for: no issuer signs with a key before it publishes it.
    fn token(&self, key: usize) -> &str {
        self.tokens[key].get_or_init(|| self.keys[key].token(unix_time()))
    }

    fn ask_with_current_key(&self, current: usize) {
        let is_held = self.newest.load(Ordering::SeqCst) >= current;
        let verdict = authorize(&self.server, self.token(current));
        let rotated = self.current.load(Ordering::SeqCst) != current;
        match verdict {
            Verdict::Accepted => drop(self.newest.fetch_max(current, Ordering::SeqCst)),
            Verdict::UNAVAILABLE if rotated || !is_held => {}
            other => self.note_wrong(format!("current key {current}: {other:?}, held: {is_held}")),
        }
        self.note("good", verdict);
    }

    fn ask_with_old_key(&self, old: usize) {
        let newest = self.newest.load(Ordering::SeqCst);
        let verdict = authorize(&self.server, self.token(old));
        if verdict == Verdict::Accepted && old < newest {
            self.note_wrong(format!("key {old} was accepted after key {newest}"));
        }
        self.note("older or current", verdict);
    }

    fn expect_refusal(&self, kind: &str, token: &str) {
        let verdict = authorize(&self.server, token);
        let expected =
            [Reason::UnknownKey, Reason::KeysUnavailable, Reason::BadSignature].map(Verdict::Refused);
        if !expected.contains(&verdict) {
            self.note_wrong(format!("{kind}: {verdict:?}"));
        }
        self.note(kind, verdict);
    }

    fn note(&self, kind: &str, verdict: Verdict) {
        let what = match verdict {
            Verdict::Accepted => "accepted",
            Verdict::UNAVAILABLE => "503",
            _ => "401",
        };
        *self.told.lock().expect("no panic").entry(format!("{kind} {what}")).or_default() += 1;
    }

    fn note_wrong(&self, what: String) {
        self.wrong.lock().expect("no panic").push(what);
    }

    /// The key server: another fault, or none, at each moment, and a new key at each rotation. What was in use then.
    fn misbehave(&self, times: &Times) -> Vec<Sample> {
        let start = Instant::now();
        let mut samples = Vec::new();
        while start.elapsed() < times.all {
            let rotations = start.elapsed().div_duration_f64(times.rotation) as usize;
            if rotations > self.current.load(Ordering::SeqCst) {
                samples.push(Sample::take());
                self.current.store(rotations, Ordering::SeqCst);
            }
            let (answer, connections) = self.next_answer();
            self.stub.answer(JWKS, answer);
            self.stub.connection_fault(connections);
            thread::sleep(times.fault);
        }
        samples.push(Sample::take());
        samples
    }

    /// More often than not a good one.
    fn next_answer(&self) -> (Answer, Option<ConnectionFault>) {
        let set = Answer::ok(key_set(&[&self.keys[self.current.load(Ordering::SeqCst)]]));
        let every = Duration::from_millis(100);
        let answer = match random() % 24 {
            0 => Answer::status(503),
            1 => Answer::status(429).header("Retry-After", "2"),
            2 => set.fault(Fault::Hang),
            3 => set.fault(Fault::HangInBody),
            4 => set.fault(Fault::Reset),
            5 => set.fault(Fault::Truncated),
            6 => set.fault(Fault::DripBody { every }),
            7 => Answer::ok("<html>"),
            8 => Answer::redirect(302, "/elsewhere"),
            9 => return (set, Some(ConnectionFault::Silence)),
            10..14 => set.delay(Duration::from_millis(400)),
            _ => set,
        };
        (answer, None)
    }

    fn report(&self, samples: &[Sample]) -> String {
        let (wrong, told) = (self.wrong.lock().expect("no panic"), self.told.lock().expect("no panic"));
        assert!(
            wrong.is_empty(),
            "{} wrong verdicts: {:?}",
            wrong.len(),
            wrong.iter().take(5).collect::<Vec<_>>()
        );
        let (first, last) = (&samples[0], &samples[samples.len() - 1]);
        assert!(last.bytes <= first.bytes + FLAT_BYTES, "{samples:?}");
        assert!(last.descriptors <= first.descriptors + FLAT_DESCRIPTORS, "{samples:?}");
        let (newest, current) = (self.newest.load(Ordering::SeqCst), self.current.load(Ordering::SeqCst));
        format!(
            "0 wrong of {} verdicts ({told:?}); key {newest} of {current} accepted last; {} fetches; {} -> {} KiB, {} -> {} descriptors",
            told.values().sum::<usize>(),
            self.stub.connections(),
            first.bytes / 1024,
            last.bytes / 1024,
            first.descriptors,
            last.descriptors
        )
    }
}

/// A token of this key with the signature of another token.
fn forged(key: &Key) -> String {
    let (good, other) = (key.token(unix_time()), key.token(unix_time()));
    let (signed, _) = good.rsplit_once('.').expect("three parts");
    let (_, signature) = other.rsplit_once('.').expect("three parts");
    format!("{signed}.{signature}")
}

fn random() -> u8 {
    let mut byte = [0];
    aws_lc_rs::rand::fill(&mut byte).expect("the system has random numbers");
    byte[0]
}

/// What is in use: the least of some moments, since calls come and go.
#[derive(Debug)]
struct Sample {
    bytes: usize,
    descriptors: usize,
}

impl Sample {
    fn take() -> Sample {
        let mut least = Sample { bytes: usize::MAX, descriptors: usize::MAX };
        for _ in 0..50 {
            least.bytes = least.bytes.min(MEMORY.current_usage());
            least.descriptors = least.descriptors.min(descriptors());
            thread::sleep(Duration::from_millis(5));
        }
        least
    }
}
