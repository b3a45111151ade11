//! The table of the rules, every cell: each state, with each answer that the held set may give, in each situation.

use std::collections::BTreeSet;

use super::*;

/// How many things a held set may say to a token.
const LOOKUPS: usize = 6;

const SITUATIONS: [&str; 7] = ["free", "flight", "backoff", "cap", "slot", "budget", "full"];

/// An answer and what starts in the background.
///
/// `use`, `no` (no key of the issuer), `wait` (unavailable), or a fetch that the request waits for: `Cold`, `Kid`, `Idle`,
/// `Due`. After a plus the fetch in the background.
fn name(plan: Plan) -> String {
    let purpose = |purpose| match purpose {
        Purpose::Cold => "Cold",
        Purpose::UnknownKid => "Kid",
        Purpose::Idle => "Idle",
        Purpose::Due => "Due",
    };
    let answer = match plan.answer {
        Answer::Use => "use",
        Answer::UnknownKey => "no",
        Answer::Unavailable(wait) => {
            assert!(!wait.is_zero());
            "wait"
        }
        Answer::Fetch(fetch) => purpose(fetch),
    };
    plan.background.map_or(answer.to_owned(), |fetch| format!("{answer}+{}", purpose(fetch)))
}

fn scene(state: &str) -> Scene {
    let fixed = |standing| Scene { standing, ..Scene::aged(MAX_STALE) };
    match state {
        "cold" => Scene::cold(),
        "fresh" => Scene::fresh(),
        "due" => Scene::due(),
        "overdue" => Scene::overdue(),
        "idle" => Scene::idle(),
        "expired" => Scene::expired(),
        "closed" => Scene::closed(),
        "static" => fixed(Standing::Static),
        "pinned" => fixed(Standing::Pinned),
        other => panic!("{other}"),
    }
}

fn wanted(lookup: &str, now: Duration) -> Wanted {
    let removed = |ago, confirmed| Lookup::Removed { since: now - seconds(ago), confirmed };
    let lookup_of = match lookup {
        "known" => Lookup::Held,
        "no kid" => Lookup::WithoutKid,
        "unknown" | "old token" => Lookup::Unknown,
        "removed" => removed(30, false),
        "gone" => removed(60, true),
        other => panic!("{other}"),
    };
    Wanted { lookup: lookup_of, issued_at: (lookup == "old token").then_some(5_000) }
}

fn in_situation(scene: Scene, situation: &str) -> Scene {
    match situation {
        "free" => scene,
        "flight" => scene.in_flight(),
        "backoff" => scene.in_backoff(),
        "cap" => scene.at_the_cap(),
        "slot" => scene.without_slot(),
        "budget" => scene.without_budget(),
        "full" => scene.with_waiters(64, 8),
        other => panic!("{other}"),
    }
}

/// Checks a table. A row is for some states and some of what the set says, and has a cell for each situation.
fn check(table: &str, background: bool, decide: impl Fn(&State<'_>, Duration, &Wanted) -> Plan) {
    let mut checked = BTreeSet::new();
    for row in table.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [states, lookups] = cells[..2] else { panic!("{row}") };
        for state in states.split(", ") {
            for lookup in lookups.split(", ") {
                let cell = |situation: &&str| {
                    let base = Scene { background, seen_until: Some(5_000), ..scene(state) };
                    let scene = in_situation(base, situation);
                    name(decide(&scene.state(), scene.now, &wanted(lookup, scene.now)))
                };
                let found: Vec<String> = SITUATIONS.iter().map(cell).collect();
                assert_eq!(cells[2..], found, "{state}, {lookup}");
                assert!(checked.insert((state, lookup)), "{state}, {lookup} stands there twice");
            }
        }
    }
    assert_eq!(checked.len(), 9 * LOOKUPS, "each state with all that a set may say");
}

// The situations, from the left: nothing is in the way of a fetch; one runs; backoff; eight have started in this minute;
// no slot is free; the budget for unknown kids is spent; as many requests wait as may.

const BACKGROUND: &str = "\
cold, expired, closed | known, no kid, unknown, old token, removed, gone | Cold     | Cold     | wait     | wait     | wait     | Cold     | wait
fresh                 | known, no kid                                    | use      | use      | use      | use      | use      | use      | use
fresh                 | unknown                                          | Kid      | Kid      | wait     | wait     | wait     | wait     | wait
fresh                 | old token                                        | Kid      | Kid      | wait     | wait     | wait     | no       | wait
fresh                 | removed                                          | wait+Kid | wait     | wait     | wait     | wait     | wait     | wait+Kid
fresh                 | gone                                             | no       | no       | no       | no       | no       | no       | no
due, overdue          | known, no kid                                    | use+Due  | use      | use      | use      | use      | use+Due  | use+Due
idle                  | known                                            | Idle     | use      | use      | use      | use      | use+Due  | use+Due
idle                  | no kid                                           | use+Due  | use      | use      | use      | use      | use+Due  | use+Due
due, overdue, idle    | unknown                                          | Kid      | Kid      | wait     | wait     | wait     | wait+Due | wait+Due
due, overdue, idle    | old token                                        | Kid      | Kid      | wait     | wait     | wait     | no+Due   | wait+Due
due, overdue, idle    | removed                                          | wait+Due | wait     | wait     | wait     | wait     | wait+Due | wait+Due
due, overdue, idle    | gone                                             | no+Due   | no       | no       | no       | no       | no+Due   | no+Due
static, pinned        | known, no kid                                    | use      | use      | use      | use      | use      | use      | use
static, pinned        | unknown, old token, removed, gone                | no       | no       | no       | no       | no       | no       | no";

const FOREGROUND: &str = "\
cold, expired, closed     | known, no kid, unknown, old token, removed, gone | Cold     | Cold     | wait     | wait     | wait     | Cold     | wait
fresh                     | known, no kid                                    | use      | use      | use      | use      | use      | use      | use
due, overdue              | known, no kid                                    | Due      | use      | use      | use      | use      | Due      | use
idle                      | known, no kid                                    | Idle     | use      | use      | use      | use      | Due      | use
fresh, due, overdue, idle | unknown                                          | Kid      | Kid      | wait     | wait     | wait     | wait     | wait
fresh, due, overdue, idle | old token                                        | Kid      | Kid      | wait     | wait     | wait     | no       | wait
fresh, due, overdue, idle | removed                                          | Kid      | wait     | wait     | wait     | wait     | wait     | wait
fresh, due, overdue, idle | gone                                             | no       | no       | no       | no       | no       | no       | no
static, pinned            | known, no kid                                    | use      | use      | use      | use      | use      | use      | use
static, pinned            | unknown, old token, removed, gone                | no       | no       | no       | no       | no       | no       | no";

const AFTER_A_WAIT: &str = "\
cold, expired, closed | known, no kid, unknown, old token, removed, gone | wait     | wait     | wait     | wait     | wait     | wait     | wait
fresh                 | known, no kid                                    | use      | use      | use      | use      | use      | use      | use
fresh                 | unknown, old token                               | wait     | wait     | wait     | wait     | wait     | wait     | wait
fresh                 | removed                                          | wait+Kid | wait     | wait     | wait     | wait     | wait     | wait+Kid
fresh                 | gone                                             | no       | no       | no       | no       | no       | no       | no
due, overdue, idle    | known, no kid                                    | use+Due  | use      | use      | use      | use      | use+Due  | use+Due
due, overdue, idle    | unknown, old token, removed                      | wait+Due | wait     | wait     | wait     | wait     | wait+Due | wait+Due
due, overdue, idle    | gone                                             | no+Due   | no       | no       | no       | no       | no+Due   | no+Due
static, pinned        | known, no kid                                    | use      | use      | use      | use      | use      | use      | use
static, pinned        | unknown, old token, removed, gone                | no       | no       | no       | no       | no       | no       | no";

#[test]
fn every_cell_where_sets_are_fetched_in_the_background() {
    check(BACKGROUND, true, plan);
}

#[test]
fn every_cell_where_requests_fetch() {
    check(FOREGROUND, false, plan);
}

#[test]
fn every_cell_after_a_wait() {
    // For a request that came after the last good fetch began: that proves nothing.
    check(AFTER_A_WAIT, true, |state, now, wanted| plan_after(state, now, wanted, false));
}
