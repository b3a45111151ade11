//! Makes the cases of the differential tests and says how Scopegate decides them.
//!
//!     scopegate-differential FOLDER
//!
//! writes `FOLDER/profiles.json` and `FOLDER/cases.jsonl`. `tests/differential/README.md` says what happens to them.

mod change;
mod changes;
mod members;
mod profile;
mod signing;
mod verdict;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use fastrand::Rng;
use serde_json::{Value, json};

use crate::change::{Change, Credential, Good};
use crate::profile::{Base, Profile};

/// Of the pairs of changes, with the name of the good token. Another seed makes other pairs, and other numbers of them that are judged in two ways.
const SEED: u64 = 9068;

/// How many pairs of changes each good token gets.
const PAIRS: usize = 3600;

fn main() -> std::io::Result<()> {
    let folder = std::env::args_os().nth(1).expect("the folder for the cases is the one argument");
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let profiles = [Profile::rfc9068(), Profile::generic()].map(Arc::new);
    let described: Vec<Value> = profiles.iter().map(|profile| profile.description()).collect();
    std::fs::write(folder.join("profiles.json"), json!(described).to_string())?;

    let bases: Vec<Base> = profiles.iter().flat_map(Base::all).collect();
    let mut cases = in_parallel(&bases, cases_of).concat();
    let mut seen = HashSet::new();
    cases.retain(|case| seen.insert((case.base.profile.name, case.credential.clone())));
    let verdicts = in_parallel(&profiles, |profile| verdicts_of(profile, &cases));

    let mut file = BufWriter::new(File::create(folder.join("cases.jsonl"))?);
    for (number, (case, reason)) in cases.iter().zip(verdicts.into_iter().flatten()).enumerate() {
        writeln!(file, "{}", case.line(number + 1, reason))?;
    }
    file.flush()?;
    writeln!(std::io::stdout(), "{} cases", cases.len())
}

/// A credential and how it was made.
#[derive(Clone)]
struct Case<'a> {
    base: &'a Base,
    classes: Vec<&'static str>,
    what: String,
    credential: Credential,
}

impl Case<'_> {
    fn line(&self, id: usize, reason: Option<&str>) -> Value {
        let mut line = json!({
            "id": id, "profile": self.base.profile.name, "base": self.base.name, "classes": self.classes,
            "what": self.what, "reason": reason,
        });
        match &self.credential {
            Credential::Token(token) => line["token"] = json!(latin1(token)),
            Credential::Lines(lines) => line["lines"] = lines.iter().map(|line| latin1(line)).collect(),
        }
        line
    }
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The good token, every single change to it, and pairs of changes.
fn cases_of(base: &Base) -> Vec<Case<'_>> {
    let good = Good::of(base);
    let singles = changes::singles(base);
    let seed = base.name.bytes().fold(SEED, |seed, byte| seed.wrapping_mul(31).wrapping_add(byte.into()));
    let mut random = Rng::with_seed(seed);
    let pairs = changes::pairs(&singles, PAIRS, &mut random);
    let alone = singles.iter().map(|change| vec![change]);
    let together = pairs.iter().map(|pair| pair.map(|index| &singles[index]).to_vec());
    alone.chain(together).enumerate().map(|(number, changes)| case(base, &good, &changes, number)).collect()
}

fn case<'a>(base: &'a Base, good: &Good, changes: &[&Change], number: usize) -> Case<'a> {
    let what: Vec<&str> = changes.iter().map(|change| change.what.as_str()).collect();
    let id = format!("{} {number}", base.name);
    Case {
        base,
        classes: changes.iter().map(|change| change.class).collect(),
        what: what.join("; "),
        credential: change::make(base, good, changes, &id),
    }
}

/// The verdicts on the cases of one profile, all by one server.
fn verdicts_of(profile: &Arc<Profile>, cases: &[Case<'_>]) -> Vec<Option<&'static str>> {
    let server = profile.server();
    cases
        .iter()
        .filter(|case| Arc::ptr_eq(&case.base.profile, profile))
        .map(|case| verdict::of(&server, &case.credential, profile.now))
        .collect()
}

/// The results in the order of the items.
fn in_parallel<'a, T: Sync, R: Send>(items: &'a [T], work: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    let size = items.len().div_ceil(thread::available_parallelism().map_or(2, usize::from));
    thread::scope(|scope| {
        let threads: Vec<_> = items
            .chunks(size)
            .map(|chunk| {
                let work = &work;
                scope.spawn(move || chunk.iter().map(work).collect::<Vec<R>>())
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no thread fails")).collect()
    })
}
