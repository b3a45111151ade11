//! Keys that are replaced.

use std::collections::BTreeMap;
use std::time::Duration;

use scopegate_core::Reason;
use scopegate_stub::Answer;

use crate::key_server::{JWKS, Key, key_set, publish};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[
    Row { fault: "rotation with overlap", required: "0 good tokens refused", run: with_overlap },
    Row {
        fault: "rotation without overlap, the budget just spent",
        required: "new key within 30 s plus a fetch, until then 503; old one refused from the swap on",
        run: without_overlap,
    },
    Row {
        fault: "rotation without overlap under a flood of random kids",
        required: "the same",
        run: under_a_flood,
    },
    Row {
        fault: "same kid with new material",
        required: "new key within 30 s plus a fetch; old one refused from the swap on",
        run: same_kid,
    },
    Row {
        fault: "flapping replicas, 10 min: one has the old key, one the new",
        required: "each key back within 30 s plus a fetch; good tokens told 503, never 401",
        run: flapping,
    },
];

/// The budget for unknown kids comes back after this.
const INTERVAL: Duration = seconds(30);
const STEP: Duration = Duration::from_millis(500);
const BAD_SIGNATURE: Verdict = Verdict::Refused(Reason::BadSignature);
const UNKNOWN_KEY: Verdict = Verdict::Refused(Reason::UnknownKey);

fn with_overlap(_: &Options) -> String {
    let scene = Scene::holding();
    let (new, mut accepted) = (Key::new(2), 0);
    // Both sign while both are published; the old one is taken away once it signs no more.
    for signers in [&[&scene.key, &new][..], &[&new]] {
        publish(&scene.stub, signers);
        scene.pass_in_steps(seconds(900), seconds(1), |passed| {
            for key in signers {
                let verdict = scene.authorize(&key.token(scene.clock.wall()));
                assert_eq!(verdict, Verdict::Accepted, "{} after {passed:?}", key.kid());
                accepted += 1;
            }
        });
    }
    format!("{accepted} tokens accepted, 0 refused; {} fetches in 30 min", scene.fetches() - 1)
}

/// What tokens of both keys are told from a swap on, until the new one is accepted.
struct Swap {
    accepted_after: Duration,
    /// Good tokens by what they were told.
    told: BTreeMap<String, usize>,
}

/// Replaces the key without overlap. `between` comes before each pair of tokens.
fn swap(scene: &Scene, new: &Key, old_refused_as: &[Verdict], mut between: impl FnMut()) -> Swap {
    let old = scene.token();
    publish(&scene.stub, &[new]);
    let (mut swap, fetches) =
        (Swap { accepted_after: Duration::ZERO, told: BTreeMap::new() }, scene.fetches());
    loop {
        between();
        let verdict = scene.authorize(&new.token(scene.clock.wall()));
        scene.settle();
        let (old_verdict, swapped) = (scene.check(&old), scene.fetches() > fetches);
        if swapped {
            assert!(old_refused_as.contains(&old_verdict), "the old key is told {old_verdict:?}");
        }
        if verdict == Verdict::Accepted {
            return swap;
        }
        *swap.told.entry(format!("{verdict:?}")).or_default() += 1;
        scene.pass(STEP);
        swap.accepted_after += STEP;
        assert!(swap.accepted_after <= INTERVAL + seconds(1), "the new key is not accepted: {:?}", swap.told);
    }
}

/// From a swap on, and once it is confirmed, the old key is never accepted again.
fn watch_old_key(scene: &Scene, old: &str) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    scene.pass_in_steps(seconds(1200), seconds(1), |_| {
        let verdict = scene.authorize(old);
        assert!([Verdict::UNAVAILABLE, UNKNOWN_KEY].contains(&verdict), "{verdict:?}");
        *told.entry(format!("{verdict:?}")).or_default() += 1;
    });
    assert_eq!(scene.authorize(old), UNKNOWN_KEY);
    told
}

fn without_overlap(_: &Options) -> String {
    let scene = Scene::holding();
    let (new, old) = (Key::new(2), scene.token());
    assert_eq!(scene.authorize(&scene.junk()), UNKNOWN_KEY);
    assert_eq!(scene.check(&old), Verdict::Accepted);
    let swap = swap(&scene, &new, &[Verdict::UNAVAILABLE], || {});
    assert!(swap.told.keys().all(|told| told.contains("KeysUnavailable")), "{:?}", swap.told);
    let old = watch_old_key(&scene, &old);
    format!(
        "accepted after {:.1} s, told {:?}; old key in 20 min: {old:?}",
        swap.accepted_after.as_secs_f64(),
        swap.told
    )
}

fn under_a_flood(_: &Options) -> String {
    let scene = Scene::holding();
    let (new, old, mut junk) = (Key::new(2), scene.token(), 0);
    let flood = || {
        for _ in 0..100 {
            assert_ne!(scene.authorize(&scene.junk()), Verdict::Accepted);
            junk += 1;
        }
    };
    assert_eq!(scene.authorize(&scene.junk()), UNKNOWN_KEY);
    let swap = swap(&scene, &new, &[Verdict::UNAVAILABLE], flood);
    assert!(swap.told.keys().all(|told| told.contains("KeysUnavailable")), "{:?}", swap.told);
    let old = watch_old_key(&scene, &old);
    let after = swap.accepted_after.as_secs_f64();
    format!(
        "accepted after {after:.1} s and {junk} random kids, told {:?}; old key in 20 min: {old:?}",
        swap.told
    )
}

fn same_kid(_: &Options) -> String {
    let scene = Scene::holding();
    let new = Key::new(1);
    assert_eq!(new.kid(), scene.key.kid());
    assert_eq!(scene.authorize(&scene.junk()), UNKNOWN_KEY);
    let swap = swap(&scene, &new, &[BAD_SIGNATURE], || {});
    let old = scene.token();
    scene.pass_in_steps(seconds(1200), seconds(1), |_| assert_eq!(scene.authorize(&old), BAD_SIGNATURE));
    format!(
        "accepted after {:.1} s, told {:?}; old key refused for 20 min",
        swap.accepted_after.as_secs_f64(),
        swap.told
    )
}

fn flapping(_: &Options) -> String {
    let scene = Scene::holding();
    let new = Key::new(2);
    scene.stub.answer(JWKS, Answer::ok(key_set(&[&new])));
    scene.stub.then(JWKS, Answer::ok(key_set(&[&scene.key])));
    scene.stub.in_turn(JWKS);
    let mut told = BTreeMap::<String, usize>::new();
    let (mut away, mut longest) = ([Duration::ZERO; 2], Duration::ZERO);
    scene.pass_in_steps(seconds(600), STEP, |_| {
        for (key, away) in [&scene.key, &new].into_iter().zip(&mut away) {
            let verdict = scene.authorize(&key.token(scene.clock.wall()));
            assert!(
                [Verdict::Accepted, Verdict::UNAVAILABLE].contains(&verdict),
                "{}: {verdict:?}",
                key.kid()
            );
            *away = if verdict == Verdict::Accepted { Duration::ZERO } else { *away + STEP };
            longest = longest.max(*away);
            *told.entry(format!("{verdict:?}")).or_default() += 1;
        }
    });
    assert!(longest <= INTERVAL + seconds(1), "away for {longest:?}");
    let fetches = scene.fetches() - 1;
    format!("{told:?}; a key away for at most {:.1} s; {fetches} fetches", longest.as_secs_f64())
}
