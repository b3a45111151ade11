//! More good tokens than a server keeps.

use serde_json::json;

use crate::scene::{Scene, Verdict};
use crate::{MEMORY, Options, Row};

pub(crate) const ROWS: &[Row] = &[Row {
    // T40 (tests/attacks.md)
    fault: "1,000,000 distinct good tokens through a cache of 1,000, 100 in use among them",
    required: "at most 1,000 are held, in no more memory than is reported; those in use stay",
    run: distinct_tokens,
}];

const CAPACITY: usize = 1000;
const IN_USE: usize = 100;

fn distinct_tokens(options: &Options) -> String {
    let count = if options.short { 5_000 } else { 1_000_000 };
    let scene = Scene::cold(&json!({"token_cache": {"capacity": CAPACITY}}));
    scene.server.warm_up().expect("a key server that works");
    let in_use: Vec<String> = (0..IN_USE).map(|_| scene.token()).collect();
    let before = MEMORY.current_usage();
    let (mut verified_again, mut most) = (0, 0);
    for number in 0..count {
        assert_eq!(scene.authorize(&scene.token()), Verdict::Accepted);
        let misses = scene.server.stats().token_cache.misses;
        assert_eq!(scene.authorize(&in_use[number % IN_USE]), Verdict::Accepted);
        let stats = scene.server.stats().token_cache;
        verified_again += stats.misses - misses;
        assert!(stats.entries <= CAPACITY);
        if number % 1000 == 999 {
            let taken = MEMORY.current_usage().saturating_sub(before);
            assert!(taken <= stats.bytes, "{taken} bytes are taken and {} reported", stats.bytes);
            most = most.max(taken);
        }
    }
    let stats = scene.server.stats().token_cache;
    assert_eq!(stats.entries, CAPACITY);
    assert!(verified_again <= (IN_USE + count / 1000) as u64, "{verified_again} verified again");
    format!(
        "{count} tokens; {} held in {} KiB, {} KiB reported; a token in use was verified {verified_again} times in {count}",
        stats.entries,
        most / 1024,
        stats.bytes / 1024,
    )
}
