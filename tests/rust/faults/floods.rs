//! Tokens under kids that no key has.

use std::sync::Barrier;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use scopegate_core::Reason;
use scopegate_stub::{Answer, Fault};

use crate::key_server::{JWKS, junk};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        // T42 (tests/attacks.md)
        fault: "100,000 tokens with random kids in 600 s, 64 threads, a good token after each",
        required: "at most 21 fetches; every good token accepted, none waits",
        run: random_kids,
    },
    Row {
        fault: "random kids from 64 threads while the key server hangs",
        required: "at most 8 wait, for 2 s (asserted doubled); 1 fetch; good tokens accepted at once",
        run: random_kids_and_a_hang,
    },
];

const TOKENS: u64 = 100_000;
const SECONDS: u64 = 600;
const THREADS: usize = 64;

fn random_kids(_: &Options) -> String {
    let scene = Scene::holding();
    let (next, accepted, waited) = (AtomicU64::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let send = || {
        let good = scene.token();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= TOKENS {
                return;
            }
            if number * SECONDS / TOKENS != (number + 1) * SECONDS / TOKENS {
                scene.pass(seconds(1));
            }
            let junk = scene.authorize(&junk(&good));
            assert!(
                matches!(junk, Verdict::Refused(Reason::UnknownKey | Reason::KeysUnavailable)),
                "{junk:?}"
            );
            match scene.check(&good) {
                Verdict::Accepted => accepted.fetch_add(1, Ordering::Relaxed),
                Verdict::Waits => waited.fetch_add(1, Ordering::Relaxed),
                Verdict::Refused(reason) => panic!("a good token was refused: {reason:?}"),
            };
        }
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(send))));
    let (fetches, accepted, waited) = (scene.fetches() - 1, accepted.into_inner(), waited.into_inner());
    assert!(fetches <= 21, "{fetches} fetches");
    assert_eq!((accepted as u64, waited), (TOKENS, 0));
    format!("{fetches} fetches, none of them scheduled; {accepted} good tokens accepted, {waited} waited")
}

fn random_kids_and_a_hang(_: &Options) -> String {
    let scene = Scene::holding();
    // The requests come after the fetch that brought the set.
    scene.pass(seconds(1));
    scene.stub.answer(JWKS, Answer::ok("").fault(Fault::Hang));
    let (together, waited) = (Barrier::new(THREADS), AtomicUsize::new(0));
    let start = Instant::now();
    let send = || {
        let good = scene.token();
        let junk = junk(&good);
        together.wait();
        let begin = Instant::now();
        assert_eq!(scene.authorize(&junk), Verdict::UNAVAILABLE);
        // Far above what a refusal takes, far below the wait.
        waited.fetch_add(usize::from(begin.elapsed() > Duration::from_secs(1)), Ordering::Relaxed);
        assert_eq!(scene.check(&good), Verdict::Accepted);
    };
    thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(send))));
    let (took, waited, fetches) = (start.elapsed(), waited.into_inner(), scene.fetches() - 1);
    assert!(took < seconds(4) && waited <= 8 && fetches == 1, "{waited} waited, {fetches} fetches, {took:?}");
    format!(
        "{waited} of {THREADS} waited, {:.1} s; {fetches} fetch; all good tokens accepted",
        took.as_secs_f64()
    )
}
