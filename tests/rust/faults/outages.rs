//! Key servers that are slow or down while keys are held.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use scopegate_stub::Answer;

use crate::key_server::{JWKS, key_set, publish};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        fault: "ttl passes under load, key server 3 s slow",
        required: "1 fetch, 0 waits",
        run: slow_when_due,
    },
    Row {
        // T43 (tests/attacks.md)
        fault: "503 for 10 min from the due time",
        required: "100 % accepted; at most 7 fetches in 60 s, 20 in all",
        run: ten_minutes,
    },
    Row {
        fault: "down for 25 h",
        required: "accepted until 24 h after the last good fetch, then 503; back within one backoff step (60 s)",
        run: a_day_and_an_hour,
    },
];

/// Of the configuration's default ttl.
const TTL: Duration = seconds(600);
const DAY: Duration = seconds(24 * 3600);

fn slow_when_due(_: &Options) -> String {
    let scene = Scene::holding();
    scene.stub.answer(JWKS, Answer::ok(key_set(&[&scene.key])).delay(seconds(3)));
    let (token, over) = (scene.token(), AtomicBool::new(false));
    let (accepted, waited) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let load = || {
        while !over.load(Ordering::Relaxed) {
            match scene.check(&token) {
                Verdict::Accepted => accepted.fetch_add(1, Ordering::Relaxed),
                Verdict::Waits => waited.fetch_add(1, Ordering::Relaxed),
                Verdict::Refused(reason) => panic!("a good token was refused: {reason:?}"),
            };
        }
    };
    thread::scope(|scope| {
        (0..8).for_each(|_| drop(scope.spawn(load)));
        scene.clock.pass(TTL);
        scene.settle();
        over.store(true, Ordering::Relaxed);
    });
    let (fetches, waited) = (scene.fetches() - 1, waited.into_inner());
    assert_eq!((fetches, waited), (1, 0));
    format!("{fetches} fetch, {waited} waits of {} calls", accepted.into_inner())
}

/// Passes the time until the set is due.
fn until_due(scene: &Scene) {
    let fetches = scene.fetches();
    while scene.fetches() == fetches {
        scene.pass(Duration::from_millis(100));
    }
}

fn ten_minutes(_: &Options) -> String {
    let scene = Scene::holding();
    scene.stub.answer(JWKS, Answer::status(503));
    until_due(&scene);
    let token = scene.token();
    let (mut accepted, mut in_a_minute) = (0, 0);
    scene.pass_in_steps(seconds(600), Duration::from_millis(100), |passed| {
        assert_eq!(scene.check(&token), Verdict::Accepted, "{passed:?}");
        accepted += 1;
        if passed <= seconds(60) {
            in_a_minute = scene.fetches() - 1;
        }
    });
    let fetches = scene.fetches() - 1;
    assert!(in_a_minute <= 7 && fetches <= 20, "{in_a_minute} and {fetches} fetches");
    format!("{accepted} of {accepted} accepted; {in_a_minute} fetches in 60 s, {fetches} in all")
}

fn a_day_and_an_hour(_: &Options) -> String {
    let scene = Scene::holding();
    scene.stub.answer(JWKS, Answer::status(503));
    let (token, mut accepted, mut refused) = (scene.token(), 0, 0);
    scene.pass_in_steps(DAY + seconds(3600), seconds(5), |passed| {
        let expected = if passed < DAY { Verdict::Accepted } else { Verdict::UNAVAILABLE };
        assert_eq!(scene.authorize(&token), expected, "{passed:?}");
        *(if passed < DAY { &mut accepted } else { &mut refused }) += 1;
    });
    let fetches = scene.fetches() - 1;
    publish(&scene.stub, &[&scene.key]);
    let mut back_after = 0;
    while scene.check(&token) != Verdict::Accepted {
        scene.pass(seconds(1));
        back_after += 1;
        assert!(back_after <= 60, "still down");
    }
    format!(
        "{accepted} calls of 24 h accepted, {refused} of the hour after told 503; back after {back_after} s; {fetches} fetches"
    )
}
