//! What a configuration and a decision take grows no faster than what they are given. Allocations are counted, which is
//! the same on every machine; `make growth` counts instructions too.

mod scene;

use allocation_counter::{AllocationInfo, measure};
use scopegate_core::ResourceServer;

use scene::{Axis, Scene};

/// How much more than its share the larger of two may take: lists and tables grow by doubling.
const SLACK: f64 = 2.0;

fn server(config: &str) -> ResourceServer {
    ResourceServer::from_json(config).expect("a configuration")
}

/// One decision after others, with room for so many verified tokens.
fn decision(scene: &Scene, capacity: usize) -> AllocationInfo {
    let server = server(&scene.config(capacity));
    scene.decide(&server);
    scene.decide(&server);
    measure(|| scene.decide(&server))
}

/// Whether what the larger takes is in proportion to what the smaller takes, both beside what one takes.
fn is_linear(smallest: u64, smaller: u64, larger: u64, sizes: [usize; 2]) -> bool {
    let [few, many] = sizes.map(|size| size as f64);
    let each = (smaller - smallest) as f64 / few;
    (larger - smallest) as f64 <= (each * many * SLACK).max(4096.0)
}

#[test]
fn construction_takes_no_more_than_its_configuration_grows() {
    for axis in Axis::ALL {
        let sizes = [1, axis.most() / 10, axis.most()];
        let found = sizes.map(|size| {
            let config = Scene::new(axis, size).config(0);
            let found = measure(|| drop(ResourceServer::from_json(&config)));
            assert_eq!(ResourceServer::from_json(&config).is_err(), axis.is_wrong(), "{}", axis.name());
            [found.count_total, found.bytes_total, found.bytes_max]
        });
        for number in 0..3 {
            let [smallest, smaller, larger] = found.map(|found| found[number]);
            assert!(is_linear(smallest, smaller, larger, [sizes[1], sizes[2]]), "{}: {found:?}", axis.name());
        }
    }
}

#[test]
fn a_decision_takes_no_more_than_its_token_and_its_need_grow() {
    for axis in Axis::ALL.into_iter().filter(|axis| !axis.is_wrong()) {
        let sizes = [1, axis.most() / 10, axis.most()];
        for capacity in [0, 100] {
            let found = sizes.map(|size| {
                let found = decision(&Scene::new(axis, size), capacity);
                [found.count_total, found.bytes_total, found.bytes_max]
            });
            for number in 0..3 {
                let [smallest, smaller, larger] = found.map(|found| found[number]);
                assert!(
                    is_linear(smallest, smaller, larger, [sizes[1], sizes[2]]),
                    "{}: {found:?}",
                    axis.name()
                );
            }
        }
    }
}

#[test]
fn what_a_decision_does_not_look_at_costs_it_nothing() {
    for axis in [Axis::Issuers, Axis::Keys, Axis::ScopesListed, Axis::Patterns, Axis::Resources] {
        for capacity in [0, 100] {
            let [one, many] = [1, axis.most()].map(|size| {
                let found = decision(&Scene::new(axis, size), capacity);
                (found.count_total, found.bytes_total)
            });
            assert_eq!(one, many, "{}, room for {capacity}", axis.name());
        }
    }
}

#[test]
fn a_token_that_comes_again_allocates_nothing_without_a_policy() {
    for axis in [Axis::Issuers, Axis::Keys, Axis::ScopesGranted] {
        assert_eq!(decision(&Scene::new(axis, axis.most()), 100).count_total, 0, "{}", axis.name());
    }
}
