//! How many cases came out how.

use std::collections::BTreeMap;

use scopegate_core::Reason;

/// Counts by outcome: `accepted`, or the reason of a refusal.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<String, usize>);

impl Tally {
    pub(crate) fn add(&mut self, outcome: &str) {
        *self.0.entry(outcome.to_owned()).or_default() += 1;
    }

    pub(crate) fn add_result<T>(&mut self, result: &Result<T, Reason>) {
        self.add(outcome(result));
    }

    /// Fails unless these are the counts, and no others.
    #[track_caller]
    pub(crate) fn expect(&self, counts: &[(&str, usize)]) {
        let expected: BTreeMap<String, usize> =
            counts.iter().map(|(outcome, count)| ((*outcome).to_owned(), *count)).collect();
        assert_eq!(self.0, expected);
    }
}

/// `accepted`, or the reason.
pub(crate) fn outcome<T>(result: &Result<T, Reason>) -> &'static str {
    match result {
        Ok(_) => "accepted",
        Err(reason) => reason.name(),
    }
}
