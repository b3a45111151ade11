//! Clocks that are set, and machines that sleep.

use crate::key_server::{Key, publish};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        fault: "wall clock steps by a year and an hour, both ways",
        required: "steps change nothing: no fetch, held keys used, a new key's token 503 and not 401",
        run: steps,
    },
    Row {
        fault: "machine sleeps 8 h",
        required: "sleep counts: 1 request waits for 1 fetch; no panic",
        run: sleep,
    },
];

const HOUR: u64 = 3600;
const YEAR: u64 = 365 * 24 * HOUR;

fn steps(_: &Options) -> String {
    let mut calls = 0;
    for (forwards, by) in [(true, YEAR), (true, HOUR), (false, YEAR), (false, HOUR)] {
        let scene = Scene::holding();
        scene.pass(seconds(100));
        // Spends the budget for unknown kids, so that only what is known can decide.
        scene.authorize(&scene.junk());
        let (fetches, wall) = (scene.fetches(), scene.clock.wall());
        scene.clock.set_wall(if forwards { wall + by } else { wall - by });
        let new = Key::new(2);
        publish(&scene.stub, &[&scene.key, &new]);
        for _ in 0..25 {
            scene.pass(seconds(1));
            assert_eq!(scene.check(&scene.token()), Verdict::Accepted, "{by} s, forwards: {forwards}");
            let unknown = scene.check(&new.token(scene.clock.wall()));
            assert_eq!(unknown, Verdict::UNAVAILABLE, "a new key, {by} s, forwards: {forwards}");
            calls += 2;
        }
        let status = &scene.server.stats().sources[0];
        assert_eq!((scene.fetches(), status.state, status.age_seconds), (fetches, "fresh", Some(25)));
        scene.pass(seconds(5));
        assert_eq!(scene.authorize(&new.token(scene.clock.wall())), Verdict::Accepted);
    }
    format!(
        "{calls} calls after 4 steps: no fetch, the set's age unchanged, good tokens accepted, new keys told 503"
    )
}

fn sleep(_: &Options) -> String {
    let scene = Scene::holding();
    let token = scene.token();
    scene.clock.sleep(seconds(8 * HOUR));
    let state = scene.server.stats().sources[0].state;
    let waited =
        [(); 10].map(|()| scene.check(&token)).into_iter().filter(|told| *told == Verdict::Waits).count();
    assert_eq!((state, waited), ("idle", 1));
    for _ in 0..10 {
        assert_eq!(scene.authorize(&token), Verdict::Accepted);
    }
    scene.settle();
    let (fetches, status) = (scene.fetches() - 1, &scene.server.stats().sources[0]);
    assert_eq!((fetches, status.state, status.age_seconds), (1, "fresh", Some(0)));
    format!("idle, then {waited} request of 10 waits, {fetches} fetch, fresh; all accepted")
}
