//! Many requests before there are keys.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use scopegate_stub::Answer;
use serde_json::json;

use crate::key_server::{JWKS, key_set};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        fault: "cold start, 1,000 threads, 300 ms key server, `max_waiters` 1,000",
        required: "exactly 1 fetch, 1,000 accepted",
        run: all_wait,
    },
    Row {
        fault: "the same with `max_waiters` 64",
        required: "1 fetch; nobody refused once the set is there",
        run: few_wait,
    },
    Row {
        fault: "cold and down, 10,000 calls in 60 s",
        required: "at most 8 fetches; all 503; no call waits while in backoff",
        run: down,
    },
];

const THREADS: usize = 1000;
const KEY_SERVER_TAKES: Duration = Duration::from_millis(300);

fn slow_and_cold(max_waiters: usize) -> Scene {
    let scene = Scene::cold(&json!({"keys": {"max_waiters": max_waiters}}));
    scene.stub.answer(JWKS, Answer::ok(key_set(&[&scene.key])).delay(KEY_SERVER_TAKES));
    scene
}

/// All threads at once.
fn crowd(work: impl Fn() + Sync) {
    let together = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            let start = thread::Builder::new().stack_size(256 * 1024).spawn_scoped(scope, || {
                together.wait();
                work();
            });
            start.expect("a thread");
        }
    });
}

fn all_wait(_: &Options) -> String {
    let scene = slow_and_cold(THREADS);
    let (token, accepted) = (scene.token(), AtomicUsize::new(0));
    crowd(|| {
        assert_eq!(scene.authorize(&token), Verdict::Accepted);
        accepted.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(scene.fetches(), 1);
    format!("{} fetch, {} accepted", scene.fetches(), accepted.into_inner())
}

fn few_wait(_: &Options) -> String {
    let scene = slow_and_cold(64);
    let (token, early, late) = (scene.token(), AtomicUsize::new(0), AtomicUsize::new(0));
    crowd(|| {
        loop {
            let there = scene.server.health().is_ready();
            match scene.authorize(&token) {
                Verdict::Accepted => return,
                Verdict::UNAVAILABLE if there => late.fetch_add(1, Ordering::Relaxed),
                Verdict::UNAVAILABLE => early.fetch_add(1, Ordering::Relaxed),
                other => panic!("{other:?}"),
            };
            thread::sleep(Duration::from_millis(20));
        }
    });
    assert_eq!((scene.fetches(), late.into_inner()), (1, 0));
    format!("1 fetch; {} calls told 503 before the set came, 0 after; all accepted then", early.into_inner())
}

fn down(_: &Options) -> String {
    const CALLS: u32 = 10_000;
    let scene = Scene::cold(&json!({}));
    scene.stub.answer(JWKS, Answer::status(503));
    let (token, mut waited) = (scene.token(), 0);
    for _ in 0..CALLS {
        let fetches = scene.fetches();
        waited += usize::from(scene.check(&token) == Verdict::Waits);
        assert_eq!(scene.authorize(&token), Verdict::UNAVAILABLE);
        assert!(scene.fetches() <= fetches + 1);
        scene.pass(seconds(60) / CALLS);
    }
    let fetches = scene.fetches();
    assert!(fetches <= 8 && waited <= fetches, "{fetches} fetches, {waited} calls waited");
    format!("{fetches} fetches; {CALLS} calls told 503; {waited} waited, each for a fetch that could start")
}
