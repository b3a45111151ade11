//! Random histories of a source. `SCOPEGATE_PROPERTY_CASES` sets how many run (default 1,000).

use super::*;
use crate::keys::source::simulation::{Chance, run};

fn cases() -> u64 {
    std::env::var("SCOPEGATE_PROPERTY_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(1_000)
}

/// The choices of a history of about a hundred events, by SplitMix64.
fn drawn(seed: u64) -> Chance {
    let numbers = (1..=CHOICES / 8).map(|index| {
        let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(index));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    });
    Chance::of_bytes(numbers.flat_map(u64::to_le_bytes).collect())
}

const CHOICES: u64 = 240;

#[test]
fn whatever_happens_the_promises_of_the_rules_hold() {
    for case in 0..cases() {
        run(drawn(case), true);
    }
}

#[test]
fn under_a_flood_of_random_kids_a_new_key_is_accepted_within_thirty_seconds() {
    for case in 0..cases().div_ceil(10) {
        let mut chance = drawn(case);
        let (world, flights) = World::by_hand(slots(), |_| {});
        let finish = || std::mem::take(&mut *flights.lock()).into_iter().for_each(|fetch| fetch());
        world.publish(&["a"]);
        world.source.warm_up().unwrap();
        let flood = |seconds: u64| {
            for second in 0..seconds {
                let junk = world.select(&format!("junk-{second}"));
                if let Selection::NeedKeys(wanted) = junk {
                    world.source.start_refresh(&wanted);
                }
                assert!(world.holds("a"), "a good token is refused");
                finish();
                world.pass(1);
            }
        };
        flood(chance.below(200));
        world.publish(&["a", "new"]);
        let mut waited = 0;
        while !world.holds("new") {
            if let Selection::NeedKeys(wanted) = world.select("new") {
                world.source.start_refresh(&wanted);
            }
            finish();
            flood(1);
            waited += 1;
            assert!(waited <= 31, "case {case}");
        }
    }
}
