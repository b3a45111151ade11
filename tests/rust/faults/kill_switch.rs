//! Keys that the operator distrusts or replaces while fetches run.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use scopegate_core::Reason;
use scopegate_stub::Answer;
use serde_json::json;

use crate::key_server::{JWKS, Key, key_set, publish};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        fault: "a key is distrusted during a flight that brings it, under load, then by scheduled fetches",
        required: "the key never answers again, the other one always",
        run: distrusted,
    },
    Row {
        fault: "keys are replaced during a flight; the issuer goes on publishing the old one for 25 h",
        required: "the old key never answers, nothing is fetched until `resume`",
        run: replaced,
    },
];

const ISSUER: &str = "https://issuer.test";
const UNKNOWN_KEY: Verdict = Verdict::Refused(Reason::UnknownKey);
const FETCH_TAKES: Duration = Duration::from_millis(500);

/// Holds the key and another one; a slow fetch that brings both again runs.
fn in_flight(other: &Key) -> Scene {
    let scene = Scene::holding();
    publish(&scene.stub, &[&scene.key, other]);
    scene.pass(seconds(600));
    scene.stub.answer(JWKS, Answer::ok(key_set(&[&scene.key, other])).delay(FETCH_TAKES));
    scene.clock.pass(seconds(600));
    scene
}

fn distrusted(_: &Options) -> String {
    let other = Key::new(2);
    let scene = in_flight(&other);
    let (stolen, good) = (scene.token(), other.token(scene.clock.wall()));
    let (is_distrusted, over) = (AtomicBool::new(false), AtomicBool::new(false));
    let (before, after, accepted) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let load = || {
        while !over.load(Ordering::SeqCst) {
            let since = is_distrusted.load(Ordering::SeqCst);
            match scene.authorize(&stolen) {
                UNKNOWN_KEY => after.fetch_add(1, Ordering::Relaxed),
                Verdict::Accepted if !since => before.fetch_add(1, Ordering::Relaxed),
                other => panic!("{other:?}, distrusted: {since}"),
            };
            assert_eq!(scene.authorize(&good), Verdict::Accepted);
            accepted.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        (0..8).for_each(|_| drop(scope.spawn(load)));
        thread::sleep(FETCH_TAKES / 5);
        scene.server.distrust_key(ISSUER, scene.key.kid()).expect("a configured issuer");
        is_distrusted.store(true, Ordering::SeqCst);
        scene.settle();
        (0..3).for_each(|_| scene.pass(seconds(600)));
        over.store(true, Ordering::SeqCst);
    });
    let (fetches, after) = (scene.fetches() - 1, after.into_inner());
    assert_eq!(fetches, 5);
    let (before, accepted) = (before.into_inner(), accepted.into_inner());
    format!(
        "accepted {before} times before, 0 of {after} after and through {fetches} fetches; the other key {accepted} times"
    )
}

fn replaced(_: &Options) -> String {
    let other = Key::new(2);
    let scene = in_flight(&other);
    let (stolen, mine) = (scene.token(), Key::new(3));
    let pinned = json!({"keys": [mine.jwk()]}).to_string();
    scene.server.replace_keys(ISSUER, &pinned).expect("a usable key");
    thread::sleep(FETCH_TAKES * 2);
    let (fetches, mut calls) = (scene.fetches(), 0);
    scene.pass_in_steps(seconds(25 * 3600), seconds(60), |passed| {
        assert_eq!(scene.authorize(&stolen), UNKNOWN_KEY, "{passed:?}");
        assert_eq!(scene.authorize(&mine.token(scene.clock.wall())), Verdict::Accepted, "{passed:?}");
        calls += 1;
    });
    assert_eq!(scene.fetches(), fetches);
    scene.server.resume(ISSUER).expect("a configured issuer");
    scene.settle();
    let token = other.token(scene.clock.wall());
    assert_eq!((scene.authorize(&token), scene.fetches()), (Verdict::Accepted, fetches + 1));
    format!(
        "0 of {calls} calls accepted in 25 h, 0 fetches; the issuer's keys back with 1 fetch after `resume`"
    )
}
