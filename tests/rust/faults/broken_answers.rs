//! Answers that are too large, cut, encoded, redirected, or hold unusable keys.

use std::collections::BTreeMap;
use std::time::Duration;

use scopegate_core::Reason;
use scopegate_stub::{Answer, Fault, Stub};
use scopegate_tests::suites;
use serde_json::{Value, json};

use crate::key_server::{JWKS, Key, key_set, publish};
use crate::scene::{Scene, Verdict, seconds};
use crate::{MEMORY, Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row {
        // T43, T47 (tests/attacks.md)
        fault: "1 GiB body, endless chunks, truncated, gzip, 1 MiB of headers, not JSON, cut",
        required: "fails at the limit; allocation grows by less than 2 MiB; held keys stay",
        run: broken,
    },
    Row {
        // T46 (tests/attacks.md)
        fault: "301, 302, 303, 307, 308 to the same and to another host",
        required: "the target sees nothing; held keys stay",
        run: redirected,
    },
    Row {
        // T44 (tests/attacks.md)
        fault: "99 bad keys of 12 kinds and 1 good",
        required: "the good one works, 99 skipped, counted by reason",
        run: bad_keys,
    },
    Row {
        fault: "an empty set once, and again 30 s later; then a good one",
        required: "once: held keys stay; twice: closed; good: open",
        run: empty_sets,
    },
    Row {
        fault: "429 with `Retry-After` 120; 304 with `max-age` 900",
        required: "no fetch for 120 s; 304 renews age and ttl",
        run: cache_headers,
    },
    Row {
        fault: "odd freshness: `max-age` of 0, 10^12, negative, no number; `Age` above it; `no-store`; `Expires`",
        required: "the ttl stays within 300 to 3,600 s, 600 s where none is told",
        run: odd_freshness,
    },
];

const MIB: usize = 1024 * 1024;
/// Past the refresh point of every set with the default ttl.
const TTL: Duration = seconds(600);

fn broken(_: &Options) -> String {
    let key = Key::new(1);
    let set = || Answer::ok(key_set(&[&key]));
    let answers = [
        ("1 GiB", set().fault(Fault::Oversize { bytes: 1024 * MIB })),
        ("endless", set().fault(Fault::Endless)),
        ("truncated", set().fault(Fault::Truncated)),
        ("cut without a length", set().fault(Fault::TruncatedUnseen)),
        ("gzip", set().gzip()),
        ("gzip that grows a thousandfold", Answer::ok(vec![0; 200 * 1024]).gzip()),
        ("1 MiB of headers", set().fault(Fault::OversizeHeaders { bytes: MIB })),
        ("not JSON", Answer::ok("<html>")),
        ("nested", Answer::ok("[".repeat(200_000))),
        ("closed", set().fault(Fault::Close)),
        ("reset", set().fault(Fault::Reset)),
        ("206", Answer::status(206).body(key_set(&[&key]))),
        ("304 without an ETag", Answer::status(304)),
    ];
    let (number, mut most) = (answers.len(), 0);
    for (name, answer) in answers {
        let scene = Scene::with(Stub::start().expect("a free port"), Key::new(1), &json!({}));
        publish(&scene.stub, &[&scene.key]);
        scene.server.warm_up().expect("a key server that works");
        scene.stub.answer(JWKS, answer);
        let token = scene.token();
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        scene.pass(TTL);
        let grown = MEMORY.peak_usage().saturating_sub(before);
        let status = &scene.server.stats().sources[0];
        assert!(status.last_error.is_some() && scene.fetches() == 2, "{name}: {status:?}");
        assert_eq!(scene.check(&token), Verdict::Accepted, "{name}");
        assert!(grown < 2 * MIB, "{name}: {grown} bytes");
        most = most.max(grown);
    }
    format!(
        "{number} answers failed and left the keys; allocation grew by at most {} KiB, the key server's share included",
        most / 1024
    )
}

fn redirected(_: &Options) -> String {
    let mut fetches = 0;
    for status in [301, 302, 303, 307, 308] {
        let scene = Scene::holding();
        let elsewhere = Stub::start().expect("a free port");
        let other_name = format!("http://localhost:{}/elsewhere", elsewhere.address().port());
        for stub in [&scene.stub, &elsewhere] {
            stub.answer("/elsewhere", Answer::ok(key_set(&[&scene.key])));
        }
        for target in ["/elsewhere", &scene.stub.url("/elsewhere"), &elsewhere.url("/elsewhere"), &other_name]
        {
            let before = scene.fetches();
            scene.stub.answer(JWKS, Answer::redirect(status, target));
            scene.pass(TTL);
            assert_eq!(scene.fetches(), before + 1, "{status} to {target}");
            assert_eq!(scene.check(&scene.token()), Verdict::Accepted, "{status} to {target}");
            fetches += 1;
        }
        assert_eq!((scene.stub.count("/elsewhere"), elsewhere.connections()), (0, 0), "{status}");
    }
    format!("{fetches} redirects: the targets saw 0 requests, 0 connections to the other host; keys stayed")
}

/// One JWK of each kind, with the reason why it is left aside.
fn kinds_of_bad_keys() -> Vec<(&'static str, Value)> {
    let good = Key::new(1);
    let with = |member: &str, value: Value| {
        let mut jwk = good.jwk().clone();
        jwk[member] = value;
        jwk
    };
    vec![
        ("malformed", json!(7)),
        ("malformed", with("x", json!(["AA"]))),
        ("symmetric", json!({"kty": "oct", "k": "AAAA"})),
        ("key_type", published("secp256k1")),
        ("not_for_verifying", with("use", json!("enc"))),
        ("algorithm", with("alg", json!("HS256"))),
        ("kid", with("kid", json!("k".repeat(257)))),
        ("weak_rsa", published("rsa-1024")),
        ("weak_rsa", published("e-1")),
        ("roca", published("rsa-roca")),
        ("invalid_point", published("off-curve")),
        ("weak_ed25519", published("identity")),
    ]
}

/// A JWK of the vectors.
fn published(kid: &str) -> Value {
    let groups = suites().into_iter().flat_map(|suite| suite.groups);
    let sets = groups.map(|group| group.config["authorization_servers"][0]["jwks"]["keys"].clone());
    let mut jwks = sets.flat_map(|keys| keys.as_array().cloned().unwrap_or_default());
    jwks.find(|jwk| jwk["kid"] == kid).unwrap_or_else(|| panic!("the vectors have the key {kid}"))
}

fn bad_keys(_: &Options) -> String {
    let (good, kinds) = (Key::new(1), kinds_of_bad_keys());
    let bad: Vec<_> = kinds.iter().cycle().take(99).collect();
    let mut expected = BTreeMap::<&str, usize>::new();
    bad.iter().for_each(|(reason, _)| *expected.entry(reason).or_default() += 1);
    let mut keys: Vec<Value> = bad.into_iter().map(|(_, jwk)| jwk.clone()).collect();
    keys.insert(50, good.jwk().clone());
    let scene = Scene::with(Stub::start().expect("a free port"), good, &json!({}));
    scene.stub.answer(JWKS, Answer::ok(json!({"keys": keys}).to_string()));
    assert_eq!(scene.authorize(&scene.token()), Verdict::Accepted);
    let status = &scene.server.stats().sources[0];
    assert_eq!((status.keys, &status.skipped), (1, &expected));
    format!("accepted; {} skipped of {} kinds: {expected:?}", expected.values().sum::<usize>(), kinds.len())
}

fn empty_sets(_: &Options) -> String {
    let scene = Scene::holding();
    let token = scene.token();
    publish(&scene.stub, &[]);
    scene.pass(TTL);
    let mut closed_after = 0;
    assert_eq!(scene.check(&token), Verdict::Accepted);
    while scene.check(&token) == Verdict::Accepted {
        scene.pass(seconds(1));
        closed_after += 1;
        assert!(closed_after <= 90, "never closed");
    }
    assert!(closed_after >= 30, "closed after {closed_after} s");
    assert_eq!(scene.check(&token), Verdict::UNAVAILABLE);
    publish(&scene.stub, &[&scene.key]);
    let mut open_after = 0;
    while scene.check(&token) != Verdict::Accepted {
        scene.pass(seconds(1));
        open_after += 1;
        assert!(open_after <= 60, "never open again");
    }
    format!("closed {closed_after} s after the first empty set, open {open_after} s after a good one came")
}

fn cache_headers(_: &Options) -> String {
    let scene = Scene::cold(&json!({}));
    let set = key_set(&[&scene.key]);
    scene.stub.answer(JWKS, Answer::ok(set.as_str()).etag("\"1\""));
    scene.server.warm_up().expect("a key server that works");
    scene.stub.answer(JWKS, Answer::status(429).header("Retry-After", "120"));
    scene.pass(TTL);
    let (before, mut silent_for) = (scene.fetches(), 0);
    let renewed = Answer::ok(set).etag("\"1\"").header("Cache-Control", "max-age=1000").header("Age", "100");
    scene.stub.answer(JWKS, renewed);
    while scene.fetches() == before {
        assert_eq!(scene.authorize(&scene.junk()), Verdict::Refused(Reason::KeysUnavailable));
        scene.pass(seconds(1));
        silent_for += 1;
    }
    let status = &scene.server.stats().sources[0];
    assert!((120..=121).contains(&silent_for), "{silent_for} s");
    assert_eq!((status.age_seconds, status.ttl_seconds), (Some(0), Some(900)));
    assert_eq!(status.fetches["not_modified"], 1);
    format!("the next fetch {silent_for} s later; age 0 s and ttl 900 s after the 304")
}

fn odd_freshness(_: &Options) -> String {
    let cases: [(&[(&str, &str)], u64); 12] = [
        (&[], 600),
        (&[("Cache-Control", "max-age=0")], 300),
        (&[("Cache-Control", "max-age=1000")], 1000),
        (&[("Cache-Control", "max-age=1000000000000")], 3600),
        (&[("Cache-Control", "max-age=99999999999999999999999")], 3600),
        (&[("Cache-Control", "max-age=-5")], 300),
        (&[("Cache-Control", "max-age=soon")], 300),
        (&[("Cache-Control", "max-age=1000"), ("Age", "100")], 900),
        (&[("Cache-Control", "max-age=1000"), ("Age", "2000")], 300),
        (&[("Cache-Control", "max-age=1000"), ("Age", "-1")], 1000),
        (&[("Cache-Control", "no-store, max-age=1000")], 300),
        (&[("Expires", "0")], 600),
    ];
    for (headers, ttl) in cases {
        let scene = Scene::cold(&json!({}));
        let set = Answer::ok(key_set(&[&scene.key]));
        let answer = headers.iter().fold(set, |answer, (name, value)| answer.header(name, value));
        scene.stub.answer(JWKS, answer);
        scene.server.warm_up().expect("a key server that works");
        assert_eq!(scene.server.stats().sources[0].ttl_seconds, Some(ttl), "{headers:?}");
    }
    format!("{} combinations, each with the ttl that was expected", cases.len())
}
