//! `background_refresh: false`: a request fetches what is due, and no thread is ever started.

use super::*;

fn world() -> (World, Arc<Mutex<Vec<Work>>>) {
    let (world, flights) = World::by_hand(slots(), |settings| settings.background_refresh = false);
    world.publish(&["a", "b"]);
    world.source.warm_up().unwrap();
    world.pass(1);
    (world, flights)
}

#[test]
fn the_request_that_finds_a_set_due_fetches_and_the_others_use_it() {
    let (world, flights) = world();
    assert!(world.holds("a"));
    for (age, state) in [(570, "due"), (600, "overdue"), (1200, "idle")] {
        world.pass(age);
        assert_eq!(world.source.status().state, state);
        let wanted = need(world.select("a"));
        assert_eq!(wanted.longest_wait(), Duration::from_secs(2));
        assert!(world.holds("a") && world.holds("b"), "only one waits");
        world.source.refresh(&wanted).unwrap();
        assert!(matches!(world.source.select(&want("a"), Some(&wanted)), Selection::Key(_)));
        assert_eq!(world.source.status().state, "fresh");
    }
    assert_eq!(world.fetches(), 4);
    assert!(flights.lock().is_empty(), "no thread was started");
}

#[test]
fn a_request_whose_fetch_fails_uses_what_is_held_and_backoff_spares_the_others() {
    let (world, flights) = world();
    world.fail();
    world.pass(570);
    for _ in 0..10 {
        assert!(matches!(world.request("a"), Selection::Key(_)));
    }
    assert_eq!(world.fetches(), 2);
    world.pass(1);
    assert!(matches!(world.request("a"), Selection::Key(_)));
    assert_eq!(world.fetches(), 2, "the claim to wait lasts as long as a wait");
    world.pass(2);
    assert!(matches!(world.request("a"), Selection::Key(_)));
    assert_eq!(world.fetches(), 3);
    assert!(flights.lock().is_empty());
}

#[test]
fn a_fetch_on_a_request_has_as_long_as_the_request_waits() {
    let (world, _) = world();
    world.pass(570);
    let wanted = need(world.select("a"));
    let clock = world.clock.clone();
    let began = clock.boot();
    world.answer(move |request| {
        assert!(request.timeout <= Duration::from_secs(2), "{:?}", request.timeout);
        clock.advance(request.timeout);
        Err(FetchError::with_status(503))
    });
    world.source.refresh(&wanted).unwrap_err();
    assert_eq!(world.clock.boot() - began, Duration::from_secs(2));
}

#[test]
fn a_token_without_kid_keeps_its_set_fetched_too() {
    let (world, flights) = world();
    world.pass(570);
    let without_kid = Want { kid: None, ..want("") };
    let wanted = need(world.source.select(&without_kid, None));
    world.source.refresh(&wanted).unwrap();
    assert_eq!((world.fetches(), flights.lock().len()), (2, 0));
}

#[test]
fn unknown_and_removed_kids_and_bad_signatures_start_no_thread() {
    let (world, flights) = world();
    world.publish(&["b"]);
    assert!(matches!(world.request("new"), Selection::Unknown));
    assert!(matches!(world.request("a"), Selection::Unavailable { .. }));
    world.source.bad_signature(&want("b"));
    world.pass(30);
    world.source.bad_signature(&want("b"));
    assert_eq!(world.fetches(), 2);
    assert!(matches!(world.request("a"), Selection::Unknown), "a second answer lacks it");
    assert_eq!(world.fetches(), 3);
    assert!(flights.lock().is_empty());
}
