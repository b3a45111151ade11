//! Hosts that run only while they answer: keys that come along, and fetches that nothing runs in the background.

use std::time::{Duration, Instant};

use scopegate_core::Reason;
use scopegate_core::testing::server_with_clock;
use scopegate_stub::{Answer, Fault};
use serde_json::{Value, json};

use crate::key_server::{JWKS, configuration};
use crate::processes::threads;
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        fault: "`background_refresh` false: the host freezes for 1 h between calls, the key server hangs",
        required: "every good token accepted; 1 request of a thaw waits, for 2 s (asserted doubled); no thread",
        run: freezes,
    },
    Row {
        fault: "a process starts from a snapshot of keys while the key server is down",
        required: "accepted without a fetch, until 24 h after the snapshot's own fetch; a distrusted key never",
        run: snapshot,
    },
];

const CALLS: usize = 10;
const HOUR: Duration = seconds(3600);
/// Of the snapshot when the process starts: nothing is due yet.
const AGE: Duration = seconds(300);
const DAY: Duration = seconds(24 * 3600);

fn freezes(_: &Options) -> String {
    let scene = Scene::cold(&json!({"keys": {"background_refresh": false}}));
    scene.server.warm_up().expect("a key server that works");
    scene.stub.answer(JWKS, Answer::ok("").fault(Fault::Hang));
    let (token, mut accepted, mut longest) = (scene.token(), 0, Duration::ZERO);
    for thaw in 1..=4 {
        scene.clock.sleep(HOUR);
        let start = Instant::now();
        for _ in 0..CALLS {
            assert_eq!(scene.authorize(&token), Verdict::Accepted);
            accepted += 1;
        }
        longest = longest.max(start.elapsed());
        assert_eq!((scene.fetches(), threads()), (1 + thaw, Vec::new()));
    }
    assert!(longest < seconds(4), "{longest:?}");
    let (thaws, longest) = (scene.fetches() - 1, longest.as_secs_f64());
    format!(
        "{accepted} accepted; {thaws} thaws of {CALLS} calls, 1 fetch and at most {longest:.1} s each; 0 threads"
    )
}

/// Another process with these keys.
fn started_from(scene: Scene, more: &Value) -> Scene {
    let config = configuration(&scene.stub.url(JWKS), more);
    Scene { server: server_with_clock(&config, &scene.clock).expect("a configuration"), ..scene }
}

fn snapshot(_: &Options) -> String {
    let scene = Scene::holding();
    let exported: Value = serde_json::from_str(&scene.server.export_keys()).expect("JSON");
    scene.stub.answer(JWKS, Answer::status(503));
    scene.clock.sleep(AGE);
    let (keys, fetches) = (json!({"snapshot": exported}), scene.fetches());
    let distrusted = json!([{"issuer": "https://issuer.test", "kid": scene.key.kid()}]);
    let scene = started_from(scene, &json!({"keys": keys, "distrusted_keys": distrusted}));
    assert_eq!(scene.check(&scene.token()), Verdict::Refused(Reason::UnknownKey));
    let scene = started_from(scene, &json!({"keys": keys}));
    let (token, mut accepted) = (scene.token(), 0);
    assert_eq!((scene.authorize(&token), scene.fetches()), (Verdict::Accepted, fetches));
    for minute in 1..=24 * 60 {
        // A request must come before anything watches the keys that came along.
        scene.clock.pass(seconds(60));
        let age = AGE + seconds(60) * minute;
        let expected = if age < DAY { Verdict::Accepted } else { Verdict::UNAVAILABLE };
        assert_eq!(scene.authorize(&token), expected, "{age:?}");
        scene.settle();
        accepted += usize::from(expected == Verdict::Accepted);
    }
    format!("1 call without a fetch, {accepted} of the time left accepted, then 503; distrusted: unknown_key")
}
