//! Key sets outside of a process: what `export_keys` writes and `keys.snapshot` reads.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::key_set::KeySet;

/// The version of the format that is written and read.
pub(crate) const VERSION: u64 = 1;

/// Key sets as [`ResourceServer::export_keys`](crate::ResourceServer::export_keys) wrote them. Whoever can change a
/// snapshot can make tokens: it is to be kept like the configuration.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["version", "exported_at", "sources"])))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KeySnapshot {
    /// The version of this format: 1.
    pub version: Option<u64>,
    /// Wall time of the export, in seconds since 1970: the keys go on ageing while the snapshot lies around.
    pub exported_at: Option<u64>,
    /// The key sets that were usable then.
    pub sources: Vec<SourceSnapshot>,
}

/// The key set of one authorization server.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(extend("required" = ["issuers", "age_seconds", "ttl_seconds", "keys"])))]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SourceSnapshot {
    /// All accepted `iss` values of the server: the keys are imported for a server that has exactly these.
    pub issuers: Vec<String>,
    /// How old the set was at the export, in seconds.
    pub age_seconds: Option<u64>,
    /// From which age on the set is overdue, in seconds.
    pub ttl_seconds: Option<u64>,
    /// Its usable keys as public JWKs, each with the algorithm that it was bound to.
    pub keys: Vec<Value>,
}

/// One server's part of a snapshot, checked.
#[derive(Debug)]
pub(crate) struct ImportedKeys {
    pub(crate) keys: KeySet,
    /// At the export.
    pub(crate) age: Duration,
    pub(crate) ttl: Duration,
    /// Wall time.
    pub(crate) exported_at: i64,
}

impl ImportedKeys {
    /// How old the keys are now, or why that cannot be told. `tolerance` is the clock difference that is allowed, in
    /// seconds.
    pub(crate) fn age_at(&self, wall: Option<i64>, tolerance: i64) -> Result<Duration, &'static str> {
        let lain = wall.ok_or("the machine's clock is not usable")?.saturating_sub(self.exported_at);
        if lain < -tolerance {
            return Err("the snapshot is from the future, so its age is not known");
        }
        Ok(self.age.saturating_add(Duration::from_secs(u64::try_from(lain).unwrap_or(0))))
    }
}
