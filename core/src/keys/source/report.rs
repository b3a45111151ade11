//! What a source says about itself.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Fetched, KeySet, Source, SourceStatus, plan};
use crate::keys::plan::Standing;

impl Source {
    /// What `stats` and `health` show.
    pub(crate) fn status(&self) -> SourceStatus {
        let here = self.here();
        let records = here.records.lock();
        let held = here.held.load_full();
        let now = self.flights.clock.boot();
        let state = self.state(&here, held.as_deref(), &records.attempts);
        let keys = held.as_ref().map(|held| &*held.keys);
        let ages = held.as_ref().filter(|held| held.standing != Standing::Static);
        let next = plan::next_fetch(&state, now).filter(|_| self.settings.background_refresh);
        SourceStatus {
            issuer: self.settings.issuer.clone(),
            state: state.phase(now).name(),
            degraded: state.is_degraded(now),
            age_seconds: ages.map(|held| held.validity.age(now).as_secs()),
            ttl_seconds: ages
                .filter(|held| held.standing != Standing::Pinned)
                .map(|held| held.validity.ttl.as_secs()),
            keys: keys.map_or(0, KeySet::len),
            kids: keys.map(|keys| keys.kids().map(str::to_owned).collect()).unwrap_or_default(),
            skipped: keys.map(skipped).unwrap_or_default(),
            private_members: keys.map_or(0, KeySet::private_members),
            distrusted_kids: self.distrust.len(),
            distrusted_keys: keys.map_or(0, KeySet::distrusted),
            last_error: records.last_error(now),
            next_refresh_seconds: next.map(|at| at.saturating_sub(now).as_secs()),
            fetches_left: records.attempts.starts_left(now),
            unknown_kid_wait_seconds: whole_seconds(records.attempts.budget_wait(now)),
            waiting: here.waiting.all(),
            fetches: records.fetches.clone(),
            warnings: keys.map_or_else(|| self.import_warning(), warnings),
        }
    }

    /// Of no interest once keys are held.
    fn import_warning(&self) -> Vec<String> {
        self.import_problem
            .iter()
            .map(|problem| format!("the keys of the snapshot are not used: {problem}"))
            .collect()
    }
}

/// Rounded up: 0 means now.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn skipped(keys: &KeySet) -> BTreeMap<&'static str, usize> {
    keys.skipped().iter().map(|(reason, count)| (reason.name(), *count)).collect()
}

fn warnings(keys: &KeySet) -> Vec<String> {
    let mut warnings = Vec::new();
    if keys.private_members() > 0 {
        warnings.push(format!(
            "{} published keys hold private members and must be replaced",
            keys.private_members()
        ));
    }
    if keys.is_empty() {
        warnings.push("the key set holds no usable key".to_owned());
    }
    warnings
}
