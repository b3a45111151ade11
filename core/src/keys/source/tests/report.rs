//! What a source says about itself, and what health makes of it.

use super::*;
use crate::event::Health;

fn health(world: &World) -> Health {
    Health::new(vec![world.source.status()], Vec::new())
}

#[test]
fn a_warm_fleet_stays_in_rotation_while_the_issuer_is_down() {
    let (world, flights) = World::by_hand(slots(), |_| {});
    world.publish(&["a"]);
    world.source.warm_up().unwrap();
    world.fail();
    assert_eq!(health(&world).status, "ok");
    let mut seen = Vec::new();
    for _ in 0..1439 {
        world.pass(60);
        world.source.run_due();
        let started = std::mem::take(&mut *flights.lock());
        started.into_iter().for_each(|fetch| fetch());
        let health = health(&world);
        assert!(health.is_ready() && world.holds("a"), "{}", health.to_json());
        if seen.last() != Some(&health.status) {
            seen.push(health.status);
        }
    }
    assert_eq!(seen, ["ok", "degraded"]);
    world.pass(60);
    assert!(!health(&world).is_ready());
}

#[test]
fn budgets_and_the_last_error_are_told() {
    let world = World::holding();
    let fresh = world.source.status();
    assert_eq!((fresh.fetches_left, fresh.unknown_kid_wait_seconds, fresh.waiting), (7, 0, 0));
    let waiting = need(world.select("new"));
    assert_eq!(world.source.status().waiting, 1);
    drop(waiting);
    world.fail();
    world.request("new");
    world.pass(10);
    let after = world.source.status();
    assert_eq!((after.fetches_left, after.unknown_kid_wait_seconds, after.waiting), (6, 20, 0));
    let error = after.last_error.unwrap();
    assert_eq!((error.step, error.message.as_str(), error.seconds_ago), ("HTTP", "status 503", 10));
    world.pass(60);
    assert_eq!(world.source.status().fetches_left, 8);
}

#[test]
fn keys_that_were_skipped_are_counted_by_reason() {
    let world = World::new();
    let bad = [
        "7",
        r#"{"kty":"oct","k":"AA"}"#,
        r#"{"kty":"XYZ"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"AA"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"enc"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":""}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","alg":"RS256"}"#,
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
    ];
    let set = jwks(&["a"]).replace("]}", &format!(",{}]}}", bad.repeat(11).join(",")));
    world.answer(move |_| Ok(document(&set)));
    assert!(matches!(world.request("a"), Selection::Key(_)));
    let status = world.source.status();
    assert_eq!((status.keys, status.skipped.values().sum::<usize>()), (1, 99));
    let reasons: Vec<_> = status.skipped.keys().copied().collect();
    let expected = [
        "algorithm",
        "invalid_point",
        "key_type",
        "kid",
        "malformed",
        "not_for_verifying",
        "symmetric",
        "weak_ed25519",
        "weak_rsa",
    ];
    assert_eq!(reasons, expected);
}
