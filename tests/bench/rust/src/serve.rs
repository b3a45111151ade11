//! Proves each contender, says who they are in one line, and then times one batch for each line that comes.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::contenders::{CONTENDERS, Check};
use crate::requests::{Requests, Workload};
use crate::sample::{Sample, Values};

/// Calls between two looks at the clock.
const STRIDE: u32 = 16;

#[derive(Deserialize)]
struct Asked {
    contender: String,
    algorithm: String,
    workload: String,
    lane: String,
    seconds: f64,
}

struct Row {
    check: Check,
    /// How many of the distinct tokens it has seen.
    position: AtomicUsize,
}

pub(crate) fn serve(folder: &Path) -> Result<(), Box<dyn Error>> {
    let sample = Sample::read(folder)?;
    let mut values = BTreeMap::new();
    let mut rows = BTreeMap::new();
    let mut contenders = Vec::new();
    for contender in &CONTENDERS {
        let mut refuses = Vec::new();
        for algorithm in sample.algorithms.keys() {
            if !values.contains_key(algorithm) {
                values.insert(algorithm.clone(), sample.values(algorithm, folder)?);
            }
            let check = (contender.make)(&sample, algorithm)?;
            refuses = proved(contender.name, contender.kind, &check, &values[algorithm])?;
            rows.insert(
                (contender.name.to_owned(), algorithm.clone()),
                Row { check, position: AtomicUsize::new(0) },
            );
        }
        contenders.push(described(contender.name, contender.kind, &refuses));
    }
    let versions = json!({"jsonwebtoken": locked("jsonwebtoken"), "aws-lc-rs": locked("aws-lc-rs")});
    let mut out = std::io::stdout();
    writeln!(out, "{}", json!({"versions": versions, "contenders": contenders}))?;
    for line in std::io::stdin().lock().lines() {
        let asked: Asked = serde_json::from_str(&line?)?;
        let row = rows.get(&(asked.contender.clone(), asked.algorithm.clone())).ok_or("unknown row")?;
        let nanoseconds = batch(row, &values[&asked.algorithm], &asked)?;
        writeln!(out, "{}", json!({"ns": nanoseconds}))?;
    }
    Ok(())
}

/// Makes so many calls.
pub(crate) fn repeat(
    folder: &Path,
    contender: &str,
    algorithm: &str,
    workload: &str,
    calls: u32,
) -> Result<(), Box<dyn Error>> {
    let sample = Sample::read(folder)?;
    let values = sample.values(algorithm, folder)?;
    let found = CONTENDERS.iter().find(|each| each.name == contender).ok_or("unknown contender")?;
    let check = (found.make)(&sample, algorithm)?;
    let position = AtomicUsize::new(0);
    let mut requests = Requests::new(&values, Workload::named(workload)?, &position);
    let good = requests.are_good();
    match (0..calls).all(|_| check(requests.next()) == good) {
        true => Ok(()),
        false => Err("a wrong verdict".into()),
    }
}

/// Accepts the good token and refuses the forged one; of the other faults, which are refused.
fn proved(name: &str, kind: &str, check: &Check, values: &Values) -> Result<Vec<String>, Box<dyn Error>> {
    if !check(&values.good) {
        return Err(format!("{name}: refuses a good token").into());
    }
    let refused = values.faulty.iter().filter(|(_, value)| !check(value));
    let refuses: Vec<String> = refused.map(|(fault, _)| fault.clone()).collect();
    if kind != "piece" && !refuses.iter().any(|fault| fault == "signature") {
        return Err(format!("{name}: accepts a forged token").into());
    }
    Ok(refuses)
}

fn described(name: &str, kind: &str, refuses: &[String]) -> Value {
    let mut described =
        json!({"name": name, "kind": kind, "refuses": refuses, "lanes": ["1 thread", "2 threads"]});
    match kind {
        "limit" => described["workloads"] = json!(["hot"]),
        "piece" => {
            described["workloads"] = json!(["hot"]);
            described["lanes"] = json!(["1 thread"]);
            described["algorithms"] = json!(["RS256"]);
        }
        "rival" => described["package"] = name.into(),
        "ours" => described["workloads"] = json!(["hot", "cold", "mixed", "refused"]),
        _ => {}
    }
    described
}

/// Nanoseconds of one call; of threads, of all their calls together.
fn batch(row: &Row, values: &Values, asked: &Asked) -> Result<f64, Box<dyn Error>> {
    let workload = Workload::named(&asked.workload)?;
    let threads = if asked.lane == "2 threads" { 2 } else { 1 };
    let length = Duration::from_secs_f64(asked.seconds);
    let done: Vec<_> = std::thread::scope(|scope| {
        let requests = || Requests::new(values, workload, &row.position);
        let started: Vec<_> =
            (0..threads).map(|_| scope.spawn(move || timed(&row.check, requests(), length))).collect();
        started.into_iter().map(|thread| thread.join().expect("no call panics")).collect()
    });
    if done.iter().any(|(_, as_expected)| !as_expected) {
        return Err(format!("{}: a wrong verdict", asked.contender).into());
    }
    Ok(1.0 / done.iter().map(|(nanoseconds, _)| 1.0 / nanoseconds).sum::<f64>())
}

/// Nanoseconds of one call, and whether each verdict was the expected one.
fn timed(check: &Check, mut requests: Requests<'_>, length: Duration) -> (f64, bool) {
    let good = requests.are_good();
    let mut as_expected = true;
    for _ in 0..STRIDE {
        as_expected &= check(requests.next()) == good;
    }
    let (start, mut calls) = (Instant::now(), 0_u32);
    while start.elapsed() < length {
        for _ in 0..STRIDE {
            as_expected &= check(requests.next()) == good;
        }
        calls += STRIDE;
    }
    (start.elapsed().as_nanos() as f64 / f64::from(calls), as_expected)
}

/// The version of a crate that this program was built with.
fn locked(name: &str) -> &'static str {
    let lock = include_str!("../Cargo.lock");
    let package = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).expect("in the lock file").1;
    package.split_once('"').expect("a version").0
}
