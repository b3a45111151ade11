//! Many processes with one configuration that start at once.

use std::collections::BTreeMap;
use std::time::Duration;

use scopegate_core::testing::refresh_age;
use scopegate_stub::Answer;
use serde_json::json;

use crate::key_server::{JWKS, key_set};
use crate::scene::{Scene, Verdict, seconds};
use crate::{Options, Row};

pub(crate) const ROWS: &[Row] = &[Row {
    fault: "10,000 processes with one configuration over 24 h (simulated)",
    required: "busiest second below 1.5 % of a cycle's fetches after the first ttl",
    run: a_day_of_a_fleet,
}];

const PROCESSES: usize = 10_000;
const DAY: Duration = seconds(24 * 3600);

fn a_day_of_a_fleet(_: &Options) -> String {
    let reports = [600, 3600].map(|ttl| {
        let (ttl_text, ttl) = (format!("ttl {ttl}"), seconds(ttl));
        let fleet = Fleet::simulate(ttl);
        // Each process fetches once in a cycle.
        let share = fleet.busiest_second as f64 / PROCESSES as f64;
        assert!(share < 0.015, "{ttl_text}: {}", fleet.busiest_second);
        let each = fleet.requests as f64 / PROCESSES as f64;
        let real = requests_of_a_real_server(ttl) as f64;
        assert!((real - each).abs() < each * 0.05, "{ttl_text}: {real} by a server, {each} simulated");
        format!(
            "{ttl_text}: {:.2} % ({} fetches), {} requests a day to the issuer, {each:.1} each ({real} by a real server)",
            share * 100.0, fleet.busiest_second, fleet.requests
        )
    });
    reports.join("; ")
}

struct Fleet {
    requests: usize,
    busiest_second: usize,
}

impl Fleet {
    /// The processes draw their refresh points as servers do, and every fetch is good.
    fn simulate(ttl: Duration) -> Fleet {
        let mut by_second = BTreeMap::<u64, usize>::new();
        for _ in 0..PROCESSES {
            let mut now = Duration::ZERO;
            while now < DAY {
                *by_second.entry(now.as_secs()).or_default() += 1;
                now += refresh_age(ttl);
            }
        }
        let after_first_ttl = by_second.range(ttl.as_secs()..).map(|(_, fetches)| *fetches);
        Fleet {
            requests: by_second.values().sum(),
            busiest_second: after_first_ttl.max().unwrap_or_default(),
        }
    }
}

/// What the simulation must agree with.
fn requests_of_a_real_server(ttl: Duration) -> usize {
    let scene = Scene::cold(&json!({"keys": {"default_ttl_seconds": ttl.as_secs()}}));
    scene.stub.answer(JWKS, Answer::ok(key_set(&[&scene.key])));
    let token = scene.token();
    scene.server.warm_up().expect("a key server that works");
    scene.pass_in_steps(DAY, seconds(1), |_| {});
    assert_eq!(scene.check(&token), Verdict::Accepted);
    scene.fetches()
}
