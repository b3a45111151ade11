//! A resource server, its key server, and a clock that the row moves.

use std::thread;
use std::time::{Duration, Instant};

use scopegate_core::testing::{ScriptedClock, is_fetching, server_with_clock};
use scopegate_core::{Check, Reason, Rejection, Request, ResourceServer};
use scopegate_stub::Stub;
use serde_json::{Value, json};

use crate::key_server::{JWKS, Key, configuration, junk, publishing};

/// When every scene begins, in seconds since 1970.
const BEGIN: u64 = 1_800_000_000;

/// What became of a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Accepted,
    Refused(Reason),
    /// It would have to wait for the network.
    Waits,
}

impl Verdict {
    pub(crate) const UNAVAILABLE: Verdict = Verdict::Refused(Reason::KeysUnavailable);
}

pub(crate) struct Scene {
    pub(crate) stub: Stub,
    pub(crate) key: Key,
    pub(crate) clock: ScriptedClock,
    pub(crate) server: ResourceServer,
}

impl Scene {
    /// Nothing is held yet; the configuration has these members besides.
    pub(crate) fn cold(more: &Value) -> Scene {
        let key = Key::new(1);
        let stub = publishing(&[&key]);
        Scene::with(stub, key, more)
    }

    pub(crate) fn with(stub: Stub, key: Key, more: &Value) -> Scene {
        let clock = ScriptedClock::at(BEGIN);
        let config = configuration(&stub.url(JWKS), more);
        let server = server_with_clock(&config, &clock).expect("a configuration");
        Scene { stub, key, clock, server }
    }

    /// The published keys are held.
    pub(crate) fn holding() -> Scene {
        let scene = Scene::cold(&json!({}));
        scene.server.warm_up().expect("a key server that works");
        scene
    }

    /// A good token, issued now.
    pub(crate) fn token(&self) -> String {
        self.key.token(self.clock.wall())
    }

    /// A token under a `kid` that no key has, issued now.
    pub(crate) fn junk(&self) -> String {
        junk(&self.token())
    }

    /// Connections to the key server: each fetch is one.
    pub(crate) fn fetches(&self) -> usize {
        self.stub.connections()
    }

    /// Time passes, and the fetches that become due end.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.pass(time);
        self.settle();
    }

    /// Time passes in steps, each with its fetches and `work`, which is given the time since the first.
    pub(crate) fn pass_in_steps(&self, time: Duration, step: Duration, mut work: impl FnMut(Duration)) {
        let mut passed = Duration::ZERO;
        while passed < time {
            self.pass(step);
            passed += step;
            work(passed);
        }
    }

    /// Waits until no fetch runs or is due.
    pub(crate) fn settle(&self) {
        eventually("the fetch ends", || !is_fetching(&self.server));
    }

    pub(crate) fn authorize(&self, token: &str) -> Verdict {
        authorize(&self.server, token)
    }

    pub(crate) fn check(&self, token: &str) -> Verdict {
        check(&self.server, token)
    }
}

/// What a request gets that waits for keys if it must.
pub(crate) fn authorize(server: &ResourceServer, token: &str) -> Verdict {
    verdict(server.authorize(&request(&[token.as_bytes()])))
}

/// What a request gets at once.
pub(crate) fn check(server: &ResourceServer, token: &str) -> Verdict {
    match server.check(&request(&[token.as_bytes()])) {
        Check::Done(result) => verdict(result),
        Check::NeedKeys(_) => Verdict::Waits,
        Check::NeedBody { .. } => panic!("there is no policy"),
    }
}

fn request<'a>(authorization: &'a [&'a [u8]]) -> Request<'a> {
    Request::new("POST", "/mcp").authorization(authorization)
}

/// Every refusal for want of keys is a 503 with `Retry-After`, and no other.
fn verdict<T>(result: Result<T, Box<Rejection>>) -> Verdict {
    let Err(refusal) = result else { return Verdict::Accepted };
    let response = refusal.response();
    let retry_after = response.header("Retry-After").and_then(|value| value.parse::<u64>().ok());
    if refusal.reason() == Reason::KeysUnavailable {
        assert_eq!((response.status, response.header("WWW-Authenticate")), (503, None));
        assert!(retry_after.is_some_and(|seconds| seconds >= 1), "{retry_after:?}");
    } else {
        assert_eq!((response.status, retry_after), (401, None));
    }
    Verdict::Refused(refusal.reason())
}

/// Waits, in real time, for what comes by itself.
pub(crate) fn eventually(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "expected that {what}");
        thread::sleep(Duration::from_micros(200));
    }
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
