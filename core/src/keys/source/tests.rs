#![allow(clippy::disallowed_methods)]
//! A source with a scripted clock and a scripted server.

mod control;
mod faults;
mod foreground;
mod interleaving;
mod report;
mod simulation;
mod snapshot;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::time::Instant;

use scopegate_stub::{Answer as Http, Fault, Stub};

use super::world::*;
use super::*;
use crate::fetch::{Document, FetchStep, HttpClient, HttpSettings};
use crate::keys::plan::Validity;
use crate::keys::scheduler::{MAX_RUNNING, Scheduler};
use crate::keys::test_keys::{jwks, jwks_with_material};
use crate::lock::Condvar;

impl World {
    /// Fetches only when a test asks for it.
    fn new() -> World {
        World::with(|_| {}, false)
    }

    /// A world whose issuer publishes `a` and `b`, and whose source holds them.
    fn holding() -> World {
        let world = World::new();
        world.publish(&["a", "b"]);
        world.source.warm_up().unwrap();
        world.pass(1);
        world
    }

    fn with(change: impl FnOnce(&mut SourceSettings), scheduled: bool) -> World {
        let threads = if scheduled { Threads::OfTheProcess } else { Threads::Unscheduled };
        World::on(threads, slots(), change)
    }

    fn publish(&self, kids: &[&str]) {
        let document = document(&jwks(kids));
        self.answer(move |_| Ok(document.clone()));
    }

    fn fail(&self) {
        self.answer(|_| Err(FetchError::with_status(503)));
    }

    fn fetches(&self) -> usize {
        self.server.asked.lock().len()
    }

    fn select(&self, kid: &str) -> Selection {
        self.source.select(&want(kid), None)
    }

    /// What a request does: select, refresh if asked to, select again.
    fn request(&self, kid: &str) -> Selection {
        match self.select(kid) {
            Selection::NeedKeys(wanted) => {
                // An error shows in the second selection.
                let _ = self.source.refresh(&wanted);
                self.source.select(&want(kid), Some(&wanted))
            }
            answer => answer,
        }
    }

    fn holds(&self, kid: &str) -> bool {
        matches!(self.select(kid), Selection::Key(key) if key.kid.as_deref() == Some(kid))
    }

    /// A fetch in the background that is due now, to its end.
    fn fetch_when_due(&self) {
        let before = self.finished();
        self.source.run_due();
        eventually(|| self.finished() > before);
    }

    /// When a fetch last started. Starting one is not left to its thread.
    fn last_started(&self) -> Option<Duration> {
        self.source.here().records.lock().attempts.last_started()
    }

    fn finished(&self) -> u64 {
        self.source.status().fetches.values().sum()
    }
}

fn need(selection: Selection) -> KeyRequest {
    match selection {
        Selection::NeedKeys(wanted) => wanted,
        other => panic!("{other:?}"),
    }
}

fn retry_after(selection: Selection) -> Duration {
    match selection {
        Selection::Unavailable { retry_after } => retry_after,
        other => panic!("{other:?}"),
    }
}

fn eventually(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(20), "it did not come to that");
        thread::sleep(Duration::from_millis(1));
    }
}

/// Holds an answer back until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn open(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let mut open = self.0.0.lock();
        while !*open {
            open = self.0.1.wait(open);
        }
    }
}

#[test]
fn a_cold_source_fetches_once_and_then_knows_its_keys() {
    let world = World::new();
    world.publish(&["a", "b"]);
    assert!(matches!(world.request("a"), Selection::Key(_)));
    assert!(world.holds("b"));
    assert_eq!(world.fetches(), 1);
    assert!(matches!(world.request("c"), Selection::Unknown));
}

#[test]
fn making_a_source_fetches_nothing() {
    let world = World::with(|_| {}, true);
    assert_eq!(world.fetches(), 0);
    assert_eq!(world.source.status().state, "cold");
}

#[test]
fn a_cold_outage_is_unavailable_until_the_backoff_is_over() {
    let world = World::new();
    world.fail();
    let wait = retry_after(world.request("a"));
    assert!(wait >= Duration::from_millis(800) && wait <= Duration::from_secs(1), "{wait:?}");
    assert_eq!(retry_after(world.request("a")), wait);
    assert_eq!(world.fetches(), 1);
    world.pass(1);
    world.publish(&["a"]);
    assert!(matches!(world.request("a"), Selection::Key(_)));
}

#[test]
fn everyone_who_waits_shares_one_fetch() {
    let world = Arc::new(World::new());
    // Longer than the test takes: those who wait are woken.
    *world.server.timeout.lock() = Duration::from_secs(60);
    let (gate, document) = (Gate::default(), document(&jwks(&["a"])));
    let behind = gate.clone();
    world.answer(move |_| {
        behind.pass();
        Ok(document.clone())
    });
    let asked = Arc::new(Barrier::new(33));
    let requests: Vec<_> = (0..32)
        .map(|_| {
            let (world, asked) = (world.clone(), asked.clone());
            thread::spawn(move || {
                let wanted = need(world.select("a"));
                asked.wait();
                world.source.refresh(&wanted).unwrap();
                world.source.select(&want("a"), Some(&wanted))
            })
        })
        .collect();
    asked.wait();
    eventually(|| world.fetches() == 1);
    gate.open();
    eventually(|| requests.iter().all(|request| request.is_finished()));
    for request in requests {
        assert!(matches!(request.join().unwrap(), Selection::Key(_)));
    }
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_known_kid_does_not_wait_while_a_fetch_hangs() {
    let world = World::holding();
    let gate = Gate::default();
    let behind = gate.clone();
    world.answer(move |_| {
        behind.pass();
        Err(FetchError::with_status(503))
    });
    world.pass(600);
    world.source.run_due();
    eventually(|| world.fetches() == 2);
    assert!(world.holds("a"));
    assert!(matches!(world.select("new"), Selection::NeedKeys(_)));
    gate.open();
    eventually(|| world.finished() == 2);
    assert!(world.holds("a"));
    assert!(world.source.status().degraded);
}

#[test]
fn a_held_key_is_used_without_waiting_for_a_lock() {
    let world = World::holding();
    world.pass(700);
    let here = world.source.here();
    let _busy = here.records.lock();
    assert!(world.holds("a"));
}

#[test]
fn an_expired_key_is_not_used_even_where_that_means_to_wait_for_a_lock() {
    let world = World::holding();
    world.pass(86_400);
    let here = Guard::into_inner(world.source.here());
    let busy = here.records.lock();
    let source = world.source.clone();
    let selected = thread::spawn(move || matches!(source.select(&want("a"), None), Selection::Key(_)));
    thread::sleep(Duration::from_millis(50));
    drop(busy);
    assert!(!selected.join().unwrap());
}

#[test]
fn a_flood_of_unknown_kids_is_one_fetch_and_good_tokens_pass() {
    let world = World::holding();
    for round in 0..200 {
        let answer = world.request(&format!("junk-{round}"));
        assert!(matches!(answer, Selection::Unknown | Selection::Unavailable { .. }));
        assert!(world.holds("a"));
    }
    assert_eq!(world.fetches(), 2);
    world.pass(30);
    world.publish(&["a", "b", "new"]);
    world.request("junk");
    assert!(world.holds("new"));
}

#[test]
fn without_budget_only_a_token_older_than_the_set_is_proved_unknown() {
    let world = World::holding();
    world.request("junk");
    let issued = |at| world.source.select(&Want { issued_at: Some(at), ..want("other") }, None);
    assert!(matches!(issued(WALL - 29), Selection::Unknown));
    assert_eq!(retry_after(issued(WALL - 28)), Duration::from_secs(30));
}

#[test]
fn after_a_failed_fetch_an_unknown_kid_is_unavailable() {
    let world = World::holding();
    world.fail();
    assert!(matches!(world.request("new"), Selection::Unavailable { .. }));
    assert!(world.holds("a"));
}

#[test]
fn a_fetch_that_began_before_the_request_proves_nothing() {
    let world = World::holding();
    let gate = Gate::default();
    let (behind, document) = (gate.clone(), document(&jwks(&["a", "b"])));
    world.answer(move |_| {
        behind.pass();
        Ok(document.clone())
    });
    world.source.start_refresh(&need(world.select("first")));
    eventually(|| world.fetches() == 2);
    world.pass(1);
    let late = need(world.select("late"));
    gate.open();
    world.source.refresh(&late).unwrap();
    assert!(matches!(world.source.select(&want("late"), Some(&late)), Selection::Unavailable { .. }));
}

#[test]
fn a_set_that_was_held_when_the_request_came_proves_nothing_however_coarse_the_clock() {
    let world = World::new();
    world.publish(&["a"]);
    world.source.warm_up().unwrap();
    let wanted = need(world.select("new"));
    assert!(matches!(world.source.select(&want("new"), Some(&wanted)), Selection::Unavailable { .. }));
    world.source.refresh(&wanted).unwrap();
    assert!(matches!(world.source.select(&want("new"), Some(&wanted)), Selection::Unknown));
}

#[test]
fn a_refresh_for_a_set_that_has_moved_on_fetches_nothing() {
    let world = World::holding();
    let wanted = need(world.select("x"));
    world.request("y");
    assert_eq!(world.fetches(), 2);
    world.source.refresh(&wanted).unwrap();
    assert_eq!(world.fetches(), 2);
    assert!(matches!(world.source.select(&want("x"), Some(&wanted)), Selection::Unknown));
}

/// T43 (tests/attacks.md)
#[test]
fn a_bad_answer_leaves_the_held_set_as_it_is() {
    let world = World::holding();
    let bodies = [
        "",
        "<html>",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[],"keys":[]}"#,
        r#"{"keys":[{"kty":"oct"}]}"#,
    ];
    for body in bodies {
        world.pass(600);
        let document = document(body);
        world.answer(move |_| Ok(document.clone()));
        world.fetch_when_due();
        assert!(world.holds("a") || body.contains("oct"), "{body}");
        assert_eq!(world.source.status().last_error.unwrap().step, "parse");
        world.publish(&["a", "b"]);
        world.pass(60);
        world.fetch_when_due();
    }
}

#[test]
fn not_modified_renews_the_set_of_its_url() {
    let world = World::new();
    let body = jwks(&["a"]);
    world.answer(move |request| match request.etag {
        Some("\"1\"") => Ok(Document { lifetime: Some(Duration::from_secs(900)), ..Document::default() }),
        _ => Ok(Document { etag: Some("\"1\"".to_owned()), ..document(&body) }),
    });
    world.source.warm_up().unwrap();
    world.pass(600);
    let waiting = need(world.select("b"));
    world.fetch_when_due();
    let status = world.source.status();
    assert_eq!((status.age_seconds, status.ttl_seconds), (Some(0), Some(900)));
    assert_eq!((status.fetches["installed"], status.fetches["not_modified"]), (1, 1));
    assert!(world.holds("a"));
    world.source.refresh(&waiting).unwrap();
    assert_eq!(world.fetches(), 2);
    // An expired set is not asked to be renewed.
    world.pass(86_400);
    assert!(matches!(world.request("a"), Selection::Key(_)));
    let etags: Vec<_> = world.server.asked.lock().iter().map(|(_, etag)| etag.is_some()).collect();
    assert_eq!(etags, [false, true, false]);
}

#[test]
fn not_modified_is_a_failure_where_nothing_is_held() {
    let world = World::new();
    world.answer(|_| Ok(Document::default()));
    assert!(matches!(world.request("a"), Selection::Unavailable { .. }));
    assert_eq!(world.source.status().last_error.unwrap().step, "HTTP");
}

#[test]
fn a_second_answer_without_keys_closes_the_source_until_a_good_one() {
    let world = World::holding();
    world.publish(&[]);
    world.pass(600);
    world.fetch_when_due();
    assert!(world.holds("a"));
    world.pass(29);
    world.fetch_when_due();
    assert!(world.holds("a"));
    world.pass(31);
    world.fetch_when_due();
    assert_eq!(world.source.status().state, "closed");
    assert!(matches!(world.select("a"), Selection::Unavailable { .. }));
    world.pass(60);
    world.answer(|_| Ok(Document::default()));
    assert!(matches!(world.request("a"), Selection::Unavailable { .. }));
    world.pass(60);
    world.publish(&["a"]);
    assert!(matches!(world.request("a"), Selection::Key(_)));
    assert_eq!(world.source.status().state, "fresh");
}

#[test]
fn a_key_that_was_taken_away_is_refused_at_once_and_unknown_when_confirmed() {
    let world = World::holding();
    world.publish(&["b"]);
    world.pass(600);
    world.fetch_when_due();
    assert_eq!(retry_after(world.select("a")), Duration::from_secs(30));
    assert_eq!(world.fetches(), 2);
    world.pass(30);
    assert!(matches!(world.select("a"), Selection::Unavailable { .. }));
    eventually(|| world.finished() == 3);
    assert!(matches!(world.select("a"), Selection::Unknown));
    assert!(world.holds("b"));
}

#[test]
fn a_bad_signature_may_spend_the_budget_in_the_background() {
    let world = World::holding();
    for _ in 0..10 {
        world.source.bad_signature(&want("a"));
    }
    eventually(|| world.finished() == 2);
    assert!(matches!(world.select("new"), Selection::Unavailable { .. }));
    world.pass(30);
    let before = world.last_started();
    world.source.bad_signature(&Want { kid: None, ..want("a") });
    assert_eq!(world.last_started(), before);
    world.source.bad_signature(&want("a"));
    assert!(world.last_started() > before);
}

#[test]
fn a_token_without_kid_fits_one_key_or_none_and_starts_no_fetch() {
    let world = World::holding();
    let without_kid = Want { kid: None, ..want("") };
    assert!(matches!(world.source.select(&without_kid, None), Selection::Ambiguous));
    let other_algorithm = Want { algorithm: Algorithm::RS256, ..without_kid };
    assert!(matches!(world.source.select(&other_algorithm, None), Selection::Unknown));
    world.pass(1200);
    assert!(matches!(world.source.select(&without_kid, None), Selection::Ambiguous));
    assert_eq!(world.fetches(), 1);
}

#[test]
fn one_request_waits_for_an_idle_set_and_the_others_use_it() {
    let world = World::holding();
    world.pass(1200);
    assert_eq!(world.source.status().state, "idle");
    world.fail();
    let wanted = need(world.select("a"));
    assert_eq!(wanted.longest_wait(), Duration::from_secs(2));
    assert!(world.holds("a"));
    world.source.refresh(&wanted).unwrap_err();
    assert!(matches!(world.source.select(&want("a"), Some(&wanted)), Selection::Key(_)));
    assert_eq!(world.source.status().state, "overdue");
    assert!(world.holds("a"));
}

#[test]
fn an_expired_set_is_not_used() {
    let world = World::holding();
    world.fail();
    world.pass(86_400);
    assert!(matches!(world.request("a"), Selection::Unavailable { .. }));
    assert!(!world.source.status().is_usable());
    world.pass(1);
    world.publish(&["a"]);
    assert!(matches!(world.request("a"), Selection::Key(_)));
}

#[test]
fn those_who_wait_are_bounded() {
    let world = World::with(|settings| settings.max_waiters = 20, false);
    let waiting: Vec<_> = (0..20).map(|_| need(world.select("a"))).collect();
    assert_eq!(retry_after(world.select("a")), Duration::from_secs(1));
    drop(waiting);
    world.publish(&["a"]);
    assert!(matches!(world.request("a"), Selection::Key(_)));
    let for_unknown: Vec<_> = (0..8).map(|_| need(world.select("new"))).collect();
    assert_eq!(retry_after(world.select("new")), Duration::from_secs(1));
    assert!(world.holds("a"));
    drop(for_unknown);
    need(world.select("new"));
}

#[test]
fn a_fetch_that_panics_does_not_block_the_next() {
    let world = World::new();
    world.answer(|_| panic!("in the test"));
    let wanted = need(world.select("a"));
    let source = world.source.clone();
    thread::spawn(move || source.refresh(&wanted)).join().unwrap_err();
    assert!(matches!(world.select("a"), Selection::Unavailable { .. }));
    world.pass(1);
    world.publish(&["a"]);
    assert!(matches!(world.request("a"), Selection::Key(_)));
}

#[test]
fn a_fetch_that_is_overtaken_installs_nothing() {
    let world = World::new();
    let gate = Gate::default();
    let (behind, old) = (gate.clone(), document(&jwks(&["old"])));
    world.answer(move |_| {
        behind.pass();
        Ok(old.clone())
    });
    world.source.start_refresh(&need(world.select("a")));
    eventually(|| world.fetches() == 1);
    world.pass(7);
    world.publish(&["new"]);
    assert!(matches!(world.request("new"), Selection::Key(_)));
    gate.open();
    eventually(|| world.source.status().fetches.get("abandoned") == Some(&1));
    assert!(world.holds("new"));
    assert_eq!(world.source.status().kids, ["new"]);
}

#[test]
fn a_wait_ends_before_the_fetch_does() {
    let world = World::new();
    world.publish(&["a"]);
    world.source.warm_up().unwrap();
    let gate = Gate::default();
    let behind = gate.clone();
    world.answer(move |_| {
        behind.pass();
        Err(FetchError::with_status(503))
    });
    let wanted = KeyRequest { longest_wait: Duration::from_millis(20), ..need(world.select("new")) };
    let start = Instant::now();
    let error = world.source.refresh(&wanted).unwrap_err();
    assert_eq!(error.step(), FetchStep::Start);
    assert!(start.elapsed() < Duration::from_secs(4));
    gate.open();
    eventually(|| world.finished() == 2);
}

#[test]
fn no_more_fetches_run_at_once_than_the_process_has_slots() {
    let world = World::holding();
    let taken: Vec<_> = (0..MAX_RUNNING).map(|_| world.source.flights.slots.take().unwrap()).collect();
    assert!(world.source.flights.slots.take().is_none());
    assert!(world.holds("a"));
    assert_eq!(retry_after(world.select("new")), Duration::from_secs(1));
    drop(taken);
    assert!(matches!(world.request("new"), Selection::Unknown));
}

/// T61 (tests/attacks.md)
#[test]
fn a_forked_child_keeps_the_set_and_touches_no_lock_of_its_parent() {
    let world = World::holding();
    world.request("junk");
    // As a child finds it: another process's state, with its lock held by a thread that is not there.
    let inherited = world.fork();
    let _locked = inherited.records.lock();
    assert!(world.holds("a"));
    assert!(matches!(world.request("new"), Selection::Unknown));
    assert_eq!(world.fetches(), 3);
    assert_eq!(world.source.status().fetches["installed"], 1);
}

#[test]
fn static_keys_are_never_fetched() {
    let rules = KeyRules { algorithms: Algorithm::DEFAULT.to_vec(), rsa_max_bits: 4096 };
    let keys = KeySet::parse(jwks(&["a"]).as_bytes(), &rules).unwrap();
    let world = World::with(|settings| settings.location = KeyLocation::Static(keys), true);
    world.source.warm_up().unwrap();
    assert!(world.holds("a"));
    assert!(matches!(world.select("b"), Selection::Unknown));
    world.source.bad_signature(&want("a"));
    world.pass(1_000_000);
    assert!(world.holds("a"));
    let status = world.source.status();
    assert_eq!((status.state, status.keys, status.next_refresh_seconds), ("static", 1, None));
    assert_eq!(world.fetches(), 0);
}

#[test]
fn the_metadata_leads_to_the_keys() {
    let issuer = "https://as.example/tenant";
    let location = KeyLocation::Discovery { url: None, issuer: issuer.to_owned() };
    let world = World::with(|settings| settings.location = location, false);
    let (metadata, keys) = (format!(r#"{{"issuer":"{issuer}","jwks_uri":"{URL}"}}"#), jwks(&["a"]));
    world.answer(move |request| match request.url {
        "https://as.example/tenant/.well-known/openid-configuration" => Ok(document(&metadata)),
        URL => Ok(document(&keys)),
        _ => Err(FetchError::with_status(404)),
    });
    assert!(matches!(world.request("a"), Selection::Key(_)));
    assert_eq!(world.fetches(), 4);
    world.pass(600);
    world.fetch_when_due();
    assert_eq!(world.server.asked.lock().last().unwrap().0, URL);
    assert_eq!(world.fetches(), 5);
}

#[test]
fn a_due_set_is_fetched_in_the_background() {
    let world = World::with(|_| {}, true);
    world.publish(&["a"]);
    assert!(matches!(world.request("a"), Selection::Key(_)));
    world.publish(&["a", "b"]);
    world.pass(570);
    assert!(world.holds("a"));
    eventually(|| world.fetches() == 2);
    eventually(|| world.holds("b"));
}

#[test]
fn the_scheduler_ends_with_the_last_source() {
    let scheduler = Arc::new(Scheduler::new());
    let (one, other) = (World::holding(), World::holding());
    scheduler.watch(&one.source);
    scheduler.watch(&other.source);
    one.pass(570);
    scheduler.wake();
    eventually(|| one.fetches() == 2);
    drop(one);
    scheduler.wake();
    assert!(scheduler.is_running());
    drop(other);
    // Sources that were made for the process's scheduler wake it when they are dropped; these do not know this one.
    eventually(|| {
        scheduler.wake();
        !scheduler.is_running()
    });
    let again = World::holding();
    again.pass(570);
    scheduler.watch(&again.source);
    eventually(|| again.fetches() == 2);
}

#[test]
fn warming_up_names_the_issuers_whose_keys_are_missing() {
    let (good, bad) =
        (World::new(), World::with(|settings| settings.issuer = "https://bad.example".to_owned(), false));
    good.publish(&["a"]);
    bad.fail();
    let failed = warm_up(&[bad.source.clone(), good.source.clone()]);
    assert_eq!(failed.len(), 1);
    assert_eq!((failed[0].0.as_str(), failed[0].1.status()), ("https://bad.example", Some(503)));
    assert!(good.holds("a"));
    good.source.warm_up().unwrap();
    assert_eq!(good.fetches(), 1);
}

#[test]
fn a_panic_on_a_thread_that_warms_up_is_not_taken_for_success() {
    let both_ask = Arc::new(Barrier::new(2));
    let worlds = [World::new(), World::new()];
    for world in &worlds {
        let both_ask = both_ask.clone();
        world.answer(move |_| {
            both_ask.wait();
            let is_a_helper = thread::current().name() == Some("scopegate-warm-up");
            assert!(!is_a_helper, "asked for by the test");
            Ok(document(&jwks(&["a"])))
        });
    }
    let sources = worlds.each_ref().map(|world| world.source.clone());
    let warmed = catch_unwind(AssertUnwindSafe(|| warm_up(&sources)));
    assert!(warmed.is_err());
    assert_eq!(worlds.iter().filter(|world| world.holds("a")).count(), 1);
}

#[test]
fn the_status_tells_what_is_held_and_what_failed() {
    let world = World::new();
    world.answer(|_| {
        let set = jwks(&["a"]).replace(r#"{"keys":["#, r#"{"keys":[{"kty":"oct","k":"AAAA"},"#);
        Ok(Document { lifetime: Some(Duration::from_secs(700)), ..document(&set) })
    });
    world.source.warm_up().unwrap();
    world.pass(10);
    let status = world.source.status();
    assert_eq!(
        (status.state, status.keys, status.age_seconds, status.ttl_seconds),
        ("fresh", 1, Some(10), Some(700))
    );
    assert_eq!((status.skipped.len(), status.private_members, status.warnings.len()), (1, 1, 1));
    assert!(status.is_usable() && !status.degraded && status.last_error.is_none());
    world.fail();
    world.pass(700);
    world.fetch_when_due();
    let status = world.source.status();
    assert_eq!((status.state, status.degraded), ("overdue", true));
    assert_eq!(status.last_error.unwrap().step, "HTTP");
    assert!(
        serde_json::to_string(&world.source.status())
            .unwrap()
            .starts_with(r#"{"issuer":"https://as.example""#)
    );
}

#[test]
fn over_http_keys_are_discovered_rotated_and_kept_when_the_server_dies() {
    let stub = Stub::start().unwrap();
    let issuer = stub.url("/tenant");
    let metadata = format!(r#"{{"issuer":"{issuer}","jwks_uri":"{{origin}}/jwks"}}"#);
    stub.answer("/.well-known/openid-configuration/tenant", Http::ok(metadata));
    stub.answer("/jwks", Http::ok(jwks(&["a"])));
    stub.then("/jwks", Http::ok(jwks(&["a", "b"])));
    stub.then("/jwks", Http::ok("").fault(Fault::Hang));
    let world =
        World::with(|settings| settings.location = KeyLocation::Discovery { url: None, issuer }, false);
    let client = HttpClient::new(HttpSettings {
        timeout: Duration::from_millis(500),
        extra_roots: Vec::new(),
        proxy: None,
        user_agent: None,
        allow_private_addresses: false,
        insecure_hosts: Vec::new(),
        client_certificate: None,
    });
    world.answer(move |request| client.get(request));
    assert!(matches!(world.request("a"), Selection::Key(_)));
    assert!(matches!(world.request("b"), Selection::Key(_)));
    world.pass(600);
    // The scripted clock stands still, so the client's own time-out ends the fetch.
    *world.server.timeout.lock() = Duration::from_millis(500);
    world.fetch_when_due();
    assert_eq!(world.source.status().last_error.unwrap().message, "key set: timed out");
    assert!(world.holds("a") && world.holds("b"));
    assert_eq!((stub.count("/jwks"), stub.count("/.well-known/oauth-authorization-server/tenant")), (3, 1));
}
