//! A million accepted and a million refused tokens, no two alike, with memory flat.
//!
//! `scopegate-memory tokens <warm-up> <count>` writes what the programs of this folder read: a configuration, then a line
//! for each token that begins with `+` when it is good and with `-` when it must be refused, and a line `=` where a program
//! says what it has seen and how much memory it holds. `scopegate-memory` alone is the program for Rust.

use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufWriter, Write};

use scopegate_core::testing::Issuer;
use scopegate_core::{Request, ResourceServer};
use serde_json::json;

type Outcome = Result<(), Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => read(),
        [mode, warm_up, count] if mode == "tokens" => write(warm_up.parse()?, count.parse()?),
        _ => Err("expected no arguments, or: tokens <warm-up> <count>".into()),
    }
}

const RESOURCE: &str = "https://mcp.test/mcp";
const SAMPLES: u64 = 10;

fn write(warm_up: u64, count: u64) -> Outcome {
    let issuer = Issuer::new(RESOURCE);
    let mut out = BufWriter::new(io::stdout().lock());
    writeln!(out, r#"{{"resource":"{RESOURCE}","authorization_servers":[{}]}}"#, issuer.server())?;
    writeln!(out, "=")?;
    for number in 0..warm_up + count {
        let good =
            issuer.mint(&json!({"sub": format!("user-{number}"), "scope": "a b", "expires_in": 86_400}));
        writeln!(out, "+{good}\n-{}", bad(&issuer, &good, number))?;
        let after = (number + 1).checked_sub(warm_up);
        if after.is_some_and(|after| after % (count / SAMPLES).max(1) == 0) {
            writeln!(out, "=")?;
        }
    }
    Ok(out.flush()?)
}

/// A token to refuse, for one of four reasons in turn.
fn bad(issuer: &Issuer, good: &str, number: u64) -> String {
    let (signed, signature) = good.rsplit_once('.').unwrap_or_default();
    match number % 4 {
        0 => issuer.mint(&json!({"sub": format!("user-{number}"), "expires_in": -3600})),
        1 => format!("{signed}.{}", signature.chars().rev().collect::<String>().replace('=', "")),
        2 => format!("{signed}~{signature}"),
        _ => format!("{signature}.{signed}.{number}"),
    }
}

fn read() -> Outcome {
    let mut lines = io::stdin().lock().lines();
    let gate = ResourceServer::from_json(&lines.next().ok_or("expected a configuration")??)?;
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    for line in lines {
        let line = line?;
        let Some(token) = line.strip_prefix(['+', '-']) else {
            writeln!(io::stdout(), "{accepted} {refused} {}", resident()?)?;
            continue;
        };
        let authorization = format!("Bearer {token}");
        let verdict = gate.authorize(&Request::new("GET", "/mcp").authorization(&[authorization.as_bytes()]));
        if verdict.is_ok() != line.starts_with('+') {
            return Err(format!("{verdict:?} for {line}").into());
        }
        *if verdict.is_ok() { &mut accepted } else { &mut refused } += 1;
    }
    Ok(())
}

/// KiB that are in memory.
fn resident() -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
