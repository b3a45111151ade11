//! All single changes to a good token, and pairs of them.

mod base64url;
mod characters;
mod claims;
mod header;
mod json;
mod lines;
mod numbers;
mod parts;
mod signature;
mod signers;
mod times;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use crate::change::{Change, Step};
use crate::profile::Base;

/// Every single change. Of a full token those before the signature come twice: signed, and under the signature that the
/// good token has.
pub(crate) fn singles(base: &Base) -> Vec<Change> {
    let modules = [
        header::changes,
        claims::changes,
        times::changes,
        json::changes,
        characters::changes,
        numbers::changes,
        base64url::changes,
        parts::changes,
        signature::changes,
        signers::changes,
        lines::changes,
    ];
    let mut changes = vec![Change { class: "none", what: "a good token".into(), steps: Vec::new() }];
    changes.extend(modules.iter().flat_map(|module| module(base)));
    let again: Vec<Change> = modules.iter().flat_map(|module| module(base)).collect();
    let again = again.into_iter().filter(|change| base.is_full && change.is_signed());
    changes.extend(again.map(under_the_old_signature));
    changes
}

fn under_the_old_signature(mut change: Change) -> Change {
    change.what.push_str(", not signed again");
    change.steps.push(Step::KeepSignature);
    Change { class: "not-signed-again", ..change }
}

/// Pairs of changes of two classes, each pair once, every class as likely as any other.
pub(crate) fn pairs(singles: &[Change], count: usize, random: &mut Rng) -> Vec<[usize; 2]> {
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, change) in singles.iter().enumerate().filter(|(_, change)| combines(change)) {
        classes.entry(change.class).or_default().push(index);
    }
    let classes: Vec<Vec<usize>> = classes.into_values().collect();
    let mut seen = BTreeSet::new();
    let mut pairs = Vec::new();
    while pairs.len() < count {
        let (first, second) = (random.usize(..classes.len()), random.usize(..classes.len()));
        let pick = |class: &Vec<usize>, random: &mut Rng| class[random.usize(..class.len())];
        let pair = [pick(&classes[first], random), pick(&classes[second], random)];
        if first < second && seen.insert(pair) {
            pairs.push(pair);
        }
    }
    pairs
}

/// Not the good token itself, which changes nothing, nor other lines, which are judged by themselves; no class that
/// only says again that a signature is wrong, nor the one that signs some hundred times.
fn combines(change: &Change) -> bool {
    !["none", "lines", "not-signed-again", "signature-bits", "signature-zero"].contains(&change.class)
}
