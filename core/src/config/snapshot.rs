//! Checking the snapshot of keys.

use std::time::Duration;

use super::mistakes::Mistakes;
use crate::keys::jwk::KeyRules;
use crate::keys::key_set::KeySet;
use crate::keys::snapshot::{ImportedKeys, KeySnapshot, SourceSnapshot, VERSION};

/// Checks what is not a single server's.
pub(super) fn check(snapshot: &KeySnapshot, mistakes: &mut Mistakes) {
    if snapshot.version != Some(VERSION) {
        mistakes.add("keys.snapshot.version", "expected 1: a snapshot that export_keys wrote");
    }
    if snapshot.exported_at.is_none_or(|time| i64::try_from(time).is_err()) {
        mistakes.add("keys.snapshot.exported_at", "required: the time of the export, in seconds since 1970");
    }
    for (index, source) in snapshot.sources.iter().enumerate() {
        let path = |member: &str| format!("keys.snapshot.sources[{index}].{member}");
        let earlier = snapshot.sources.iter().take(index);
        if source.issuers.is_empty() {
            mistakes.add(path("issuers"), "required: the issuers whose keys these are");
        } else if earlier.flat_map(|earlier| &earlier.issuers).any(|issuer| source.issuers.contains(issuer)) {
            mistakes.add(path("issuers"), "expected issuers that stand in one entry alone");
        }
        if source.age_seconds.is_none() {
            mistakes.add(path("age_seconds"), "required: the age of the keys at the export");
        }
        if source.ttl_seconds.is_none() {
            mistakes.add(path("ttl_seconds"), "required: the age from which the keys are overdue");
        }
    }
}

/// The keys of the server with exactly these issuers. Keys of other servers are passed over: two servers' keys never
/// mix.
pub(super) fn keys_of(
    issuers: &[String],
    snapshot: &KeySnapshot,
    rules: &KeyRules,
    mistakes: &mut Mistakes,
) -> Option<ImportedKeys> {
    let is_of_server = |source: &SourceSnapshot| {
        issuers.iter().all(|issuer| source.issuers.contains(issuer))
            && source.issuers.iter().all(|issuer| issuers.contains(issuer))
    };
    let (index, source) = snapshot.sources.iter().enumerate().find(|(_, source)| is_of_server(source))?;
    match KeySet::from_jwks(&source.keys, rules) {
        Ok(keys) => Some(ImportedKeys {
            keys,
            age: Duration::from_secs(source.age_seconds?),
            ttl: Duration::from_secs(source.ttl_seconds?),
            exported_at: i64::try_from(snapshot.exported_at?).ok()?,
        }),
        Err(error) => {
            mistakes.add(format!("keys.snapshot.sources[{index}].keys"), error.to_string());
            None
        }
    }
}
