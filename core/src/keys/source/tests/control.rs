//! What an operator does: distrusted keys, replaced keys, and fetching again.

use super::*;
use crate::event::Health;

impl World {
    fn publish_material(&self, keys: &[(&str, &str)]) {
        let document = document(&jwks_with_material(keys));
        self.answer(move |_| Ok(document.clone()));
    }

    /// Leaves a fetch behind a gate, in flight.
    fn fetch_behind(&self, gate: &Gate, answer: Document) {
        let behind = gate.clone();
        self.answer(move |_| {
            behind.pass();
            Ok(answer.clone())
        });
        let before = self.fetches();
        self.pass(600);
        self.source.run_due();
        eventually(|| self.fetches() > before);
    }

    fn refuses_as_unknown(&self, kid: &str) -> bool {
        matches!(self.select(kid), Selection::Unknown)
    }
}

#[test]
fn a_distrusted_key_never_answers_again() {
    let world = World::holding();
    world.source.distrust("a").unwrap();
    assert!(world.refuses_as_unknown("a") && world.holds("b"));
    for age in [600, 1200, 100_000] {
        world.pass(age);
        assert!(matches!(world.request("b"), Selection::Key(_)));
        assert!(world.refuses_as_unknown("a"));
    }
    world.fork();
    assert!(world.refuses_as_unknown("a") && world.holds("b"));
    let status = world.source.status();
    assert_eq!((status.distrusted_kids, status.distrusted_keys, status.keys), (1, 1, 1));
}

#[test]
fn a_distrusted_kid_is_unknown_at_once_where_nothing_is_held_or_to_be_had() {
    let world = World::new();
    world.fail();
    world.source.distrust("a").unwrap();
    assert!(world.refuses_as_unknown("a"));
    assert_eq!(world.fetches(), 0);
    world.request("b");
    assert!(world.refuses_as_unknown("a"));
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_key_that_is_distrusted_while_a_fetch_runs_does_not_come_with_it() {
    let world = World::holding();
    let gate = Gate::default();
    world.fetch_behind(&gate, document(&jwks_with_material(&[("a", "a"), ("again", "a"), ("b", "b")])));
    world.source.distrust("a").unwrap();
    assert!(world.refuses_as_unknown("a"));
    gate.open();
    eventually(|| world.finished() == 2);
    assert!(world.refuses_as_unknown("a") && world.refuses_as_unknown("again") && world.holds("b"));
}

#[test]
fn a_distrusted_key_does_not_come_back_under_another_kid_or_none() {
    let world = World::holding();
    world.source.distrust("a").unwrap();
    world.publish_material(&[("new-name", "a"), ("c", "c")]);
    world.pass(600);
    world.fetch_when_due();
    assert!(world.refuses_as_unknown("new-name") && world.holds("c"));
    let without_kid = Want { kid: None, ..want("") };
    assert!(
        matches!(world.source.select(&without_kid, None), Selection::Key(key) if key.kid.as_deref() == Some("c"))
    );
}

#[test]
fn a_distrusted_kid_stays_distrusted_with_new_material_and_takes_that_along() {
    let world = World::holding();
    world.source.distrust("a").unwrap();
    world.publish_material(&[("a", "new"), ("b", "b")]);
    world.pass(600);
    world.fetch_when_due();
    assert!(world.refuses_as_unknown("a"));
    world.publish_material(&[("other", "new"), ("b", "b")]);
    world.pass(600);
    world.fetch_when_due();
    assert!(world.refuses_as_unknown("other") && world.holds("b"));
}

#[test]
fn material_that_an_earlier_set_showed_under_the_kid_is_distrusted_too() {
    let world = World::holding();
    world.publish_material(&[("a", "second"), ("b", "b")]);
    world.pass(600);
    world.fetch_when_due();
    world.source.distrust("a").unwrap();
    world.publish_material(&[("first-again", "a"), ("b", "b")]);
    world.pass(600);
    world.fetch_when_due();
    assert!(world.refuses_as_unknown("first-again") && world.holds("b"));
}

#[test]
fn a_set_of_distrusted_keys_alone_is_held_and_not_a_failure() {
    let world = World::holding();
    world.source.distrust("a").unwrap();
    world.source.distrust("b").unwrap();
    world.pass(600);
    world.fetch_when_due();
    let status = world.source.status();
    assert_eq!((status.state, status.keys, status.distrusted_keys), ("fresh", 0, 2));
    assert!(status.is_usable() && status.last_error.is_none());
    assert_eq!(Health::new(vec![status], Vec::new()).status, "degraded");
    assert!(world.refuses_as_unknown("a") && world.refuses_as_unknown("b"));
}

#[test]
fn keys_that_are_distrusted_from_the_start_are_left_out_of_every_set() {
    let world = World::with(|settings| settings.distrusted = ["a".to_owned()].into(), false);
    world.publish(&["a", "b"]);
    assert!(matches!(world.request("b"), Selection::Key(_)));
    assert!(world.refuses_as_unknown("a"));
}

#[test]
fn static_keys_can_be_distrusted_replaced_and_put_back() {
    let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
    let keys = KeySet::parse(jwks(&["a", "b"]).as_bytes(), &rules).unwrap();
    let world = World::with(|settings| settings.location = KeyLocation::Static(keys), true);
    world.source.distrust("a").unwrap();
    assert!(world.refuses_as_unknown("a") && world.holds("b"));
    world.source.pin(&jwks(&["a", "c"])).unwrap();
    assert!(world.refuses_as_unknown("a") && world.refuses_as_unknown("b") && world.holds("c"));
    assert_eq!(world.source.status().state, "pinned");
    world.source.resume();
    assert!(world.refuses_as_unknown("a") && world.holds("b") && world.refuses_as_unknown("c"));
    assert_eq!((world.source.status().state, world.fetches()), ("static", 0));
}

#[test]
fn replaced_keys_alone_answer_and_nothing_is_fetched_until_it_resumes() {
    let world = World::holding();
    world.source.pin(&jwks(&["b", "own"])).unwrap();
    for _ in 0..3 {
        assert!(world.holds("own") && world.holds("b") && world.refuses_as_unknown("a"));
        world.source.bad_signature(&want("own"));
        world.source.run_due();
        world.source.warm_up().unwrap();
        world.pass(1_000_000);
    }
    world.fork();
    assert!(world.holds("own"));
    let status = world.source.status();
    assert_eq!((status.state, status.ttl_seconds, status.next_refresh_seconds), ("pinned", None, None));
    assert_eq!(world.fetches(), 1);
    world.source.resume();
    assert!(world.holds("own"));
    world.fetch_when_due();
    assert!(world.holds("a") && !world.holds("own"));
    assert_eq!(world.source.status().state, "fresh");
}

#[test]
fn a_fetch_that_ran_when_the_keys_were_replaced_changes_nothing_even_after_it_resumes() {
    let world = World::holding();
    let gate = Gate::default();
    world.fetch_behind(&gate, document(&jwks(&["late"])));
    world.source.pin(&jwks(&["own"])).unwrap();
    world.source.resume();
    gate.open();
    eventually(|| world.source.status().fetches.get("abandoned") == Some(&1));
    assert!(world.holds("own") && !world.holds("late"));
}

#[test]
fn those_who_wait_are_answered_by_the_keys_that_replace_the_missing_ones() {
    let world = Arc::new(World::new());
    *world.server.timeout.lock() = Duration::from_secs(60);
    let gate = Gate::default();
    let behind = gate.clone();
    world.answer(move |_| {
        behind.pass();
        Err(FetchError::with_status(503))
    });
    let leads = need(world.select("own"));
    world.source.start_refresh(&leads);
    let joins = need(world.select("own"));
    let waiting = {
        let world = world.clone();
        thread::spawn(move || {
            world.source.refresh(&joins).unwrap();
            matches!(world.source.select(&want("own"), Some(&joins)), Selection::Key(_))
        })
    };
    thread::sleep(Duration::from_millis(20));
    world.source.pin(&jwks(&["own"])).unwrap();
    assert!(waiting.join().unwrap());
    gate.open();
}

#[test]
fn what_cannot_be_pinned_changes_nothing() {
    let world = World::holding();
    world.source.distrust("z").unwrap();
    for (jwks, expected) in [
        ("{", "strict JSON"),
        ("[]", "JWK Set"),
        (r#"{"keys":[]}"#, "it holds none"),
        (r#"{"keys":[{"kty":"oct"}]}"#, "skipped: 1 key_type"),
        (jwks_with_material(&[("z", "a")]).as_str(), "skipped: 1 distrusted"),
    ] {
        let error = world.source.pin(jwks).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(world.holds("a"));
    assert_eq!(world.source.distrust(""), Err(KeyControlError::InvalidKid));
    assert_eq!(world.source.distrust(&"k".repeat(257)), Err(KeyControlError::InvalidKid));
    world.source.resume();
    assert_eq!(world.source.status().state, "fresh");
}
