//! The Authorization values of a batch, in memory that was just written, as a server has them.

use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sample::Values;

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Workload {
    /// One token again and again.
    Hot,
    /// Each token another.
    Cold,
    /// Of twenty tokens nineteen the same.
    Mixed,
    /// A token of another issuer.
    Refused,
}

impl Workload {
    pub(crate) fn named(name: &str) -> Result<Workload, Box<dyn Error>> {
        Ok(match name {
            "hot" => Workload::Hot,
            "cold" => Workload::Cold,
            "mixed" => Workload::Mixed,
            "refused" => Workload::Refused,
            _ => return Err(format!("{name}: expected hot, cold, mixed or refused").into()),
        })
    }
}

pub(crate) struct Requests<'a> {
    values: &'a Values,
    workload: Workload,
    /// How many distinct tokens came before, of all threads.
    position: &'a AtomicUsize,
    count: usize,
    buffer: String,
}

impl<'a> Requests<'a> {
    pub(crate) fn new(values: &'a Values, workload: Workload, position: &'a AtomicUsize) -> Requests<'a> {
        Requests {
            values,
            workload,
            position,
            count: 0,
            buffer: String::with_capacity(values.good.len() + 64),
        }
    }

    pub(crate) fn are_good(&self) -> bool {
        self.workload != Workload::Refused
    }

    pub(crate) fn next(&mut self) -> &str {
        self.count += 1;
        let value = match self.workload {
            Workload::Cold => self.another(),
            Workload::Mixed if self.count.is_multiple_of(20) => self.another(),
            Workload::Refused => &self.values.faulty["issuer"],
            Workload::Hot | Workload::Mixed => &self.values.good,
        };
        self.buffer.clear();
        self.buffer.push_str(value);
        &self.buffer
    }

    fn another(&mut self) -> &'a str {
        let position = self.position.fetch_add(1, Ordering::Relaxed);
        &self.values.distinct[position % self.values.distinct.len()]
    }
}
