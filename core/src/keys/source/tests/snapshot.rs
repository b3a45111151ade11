//! Keys from a snapshot: as old as they are, and no better than others.

use super::*;
use crate::keys::snapshot::SourceSnapshot;

/// What a world exports now, and when.
fn exported(world: &World) -> (SourceSnapshot, i64) {
    (world.source.export(&["https://as.example".to_owned()]).unwrap(), world.clock.wall().unwrap())
}

/// A world that begins with this snapshot. Its clock shows [`WALL`].
fn importing(snapshot: &SourceSnapshot, exported_at: i64) -> World {
    importing_with(snapshot, exported_at, |_| {})
}

fn importing_with(
    snapshot: &SourceSnapshot,
    exported_at: i64,
    change: impl FnOnce(&mut SourceSettings),
) -> World {
    let with_snapshot = |settings: &mut SourceSettings| {
        settings.imported = Some(ImportedKeys {
            keys: KeySet::from_jwks(&snapshot.keys, &settings.rules).unwrap(),
            age: Duration::from_secs(snapshot.age_seconds.unwrap()),
            ttl: Duration::from_secs(snapshot.ttl_seconds.unwrap()),
            exported_at,
        });
        change(settings);
    };
    World::with(with_snapshot, false)
}

#[test]
fn a_process_begins_with_the_keys_of_another_and_needs_no_network() {
    let (snapshot, at) = exported(&World::holding());
    let world = importing(&snapshot, at);
    assert!(world.holds("a") && world.holds("b"));
    assert_eq!((world.source.status().state, world.fetches()), ("fresh", 0));
}

#[test]
fn keys_age_while_the_snapshot_lies_around() {
    let (snapshot, _) = exported(&World::holding());
    for (lain, state) in [(0, "fresh"), (570, "due"), (700, "overdue"), (1200, "idle"), (86_390, "idle")] {
        let world = importing(&snapshot, WALL - lain);
        assert_eq!(world.source.status().state, state, "{lain}");
        let age = world.source.status().age_seconds.unwrap();
        assert!((lain as u64 + 1..=lain as u64 + 3).contains(&age), "{lain} {age}");
    }
    let world = importing(&snapshot, WALL - 86_400);
    let status = world.source.status();
    assert_eq!(status.state, "cold");
    assert_eq!(status.warnings, ["the keys of the snapshot are not used: its keys are too old"]);
}

#[test]
fn imported_keys_are_fetched_anew_when_they_are_due_and_expire_like_others() {
    let (snapshot, _) = exported(&World::holding());
    let world = importing(&snapshot, WALL - 700);
    world.publish(&["b", "c"]);
    assert!(world.holds("a"));
    world.fetch_when_due();
    assert!(!world.holds("a") && world.holds("c"));
    let world = importing(&snapshot, WALL - 80_000);
    world.fail();
    assert!(matches!(world.request("a"), Selection::Key(_)));
    world.pass(6_400);
    assert!(matches!(world.request("a"), Selection::Unavailable { .. }));
}

#[test]
fn a_snapshot_from_the_future_is_not_used() {
    let (snapshot, _) = exported(&World::holding());
    assert!(importing(&snapshot, WALL + 30).holds("a"));
    let world = importing(&snapshot, WALL + 31);
    assert!(world.source.status().warnings[0].contains("from the future"));
    assert_eq!(world.source.status().state, "cold");
}

#[test]
fn a_snapshot_with_absurd_numbers_is_too_old() {
    let (snapshot, _) = exported(&World::holding());
    let snapshot = SourceSnapshot { age_seconds: Some(u64::MAX), ttl_seconds: Some(u64::MAX), ..snapshot };
    for exported_at in [0, WALL, i64::MIN] {
        assert_eq!(importing(&snapshot, exported_at).source.status().state, "cold");
    }
}

#[test]
fn distrusted_keys_are_neither_exported_nor_imported() {
    let world = World::holding();
    let (before, at) = exported(&world);
    world.source.distrust("a").unwrap();
    let (after, _) = exported(&world);
    assert_eq!((before.keys.len(), after.keys.len()), (2, 1));
    let world = importing_with(&before, at, |settings| settings.distrusted = ["a".to_owned()].into());
    assert!(matches!(world.select("a"), Selection::Unknown) && world.holds("b"));
}

#[test]
fn a_shorter_max_stale_of_the_importing_process_counts() {
    let (snapshot, _) = exported(&World::holding());
    let world =
        importing_with(&snapshot, WALL - 600, |settings| settings.max_stale = Duration::from_secs(60));
    assert_eq!(world.source.status().state, "cold");
}

#[test]
fn only_keys_that_came_from_the_issuer_are_exported() {
    let issuers = ["https://as.example".to_owned()];
    assert!(World::new().source.export(&issuers).is_none());
    let world = World::holding();
    world.source.pin(&jwks(&["own"])).unwrap();
    assert!(world.source.export(&issuers).is_none());
    let world = World::holding();
    world.pass(86_400);
    assert!(world.source.export(&issuers).is_none());
}
