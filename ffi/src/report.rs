//! Reports for operators.

use std::mem::MaybeUninit;

use scopegate_core::ResourceServer;

use crate::argument::required;
use crate::error::{Error, reported};
use crate::guard::{guard, read};
use crate::server::Server;
use crate::status::{SCOPEGATE_KEYS_UNAVAILABLE, SCOPEGATE_OK, Status};
use crate::string::{Str, Texts};

/// A document for operators. It is unchangeable, any thread may read it, and it may outlive its server.
pub struct Report(Texts);

impl Report {
    pub(crate) fn new(text: &str) -> Box<Report> {
        Box::new(Report(Texts::of(text)))
    }
}

/// The guard of functions that give a report.
pub(crate) fn told(
    entry: &str,
    server: Option<&Server>,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
    tell: impl FnOnce(&ResourceServer) -> (Status, String),
) -> Status {
    reported(entry, error, || {
        let server = required(server, "server")?;
        let report = required(report, "report")?;
        let (status, text) = tell(&server.core);
        report.write(Some(Report::new(&text)));
        Ok(status)
    })
}

/// Counters of decisions and fetches, and the state of each key source. With `SCOPEGATE_OK` comes `report`, else
/// `error`, which may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_stats(
    server: Option<&Server>,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    told("scopegate_server_stats", server, report, error, |server| (SCOPEGATE_OK, server.stats().to_json()))
}

/// The same counters as Prometheus text, to be served as `text/plain; version=0.0.4; charset=utf-8`. It names issuers:
/// show it to operators alone. With `SCOPEGATE_OK` comes `report`, else `error`, which may be NULL.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_metrics(
    server: Option<&Server>,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    told("scopegate_server_metrics", server, report, error, |server| {
        (SCOPEGATE_OK, server.stats().to_prometheus())
    })
}

/// Takes the audit events that were kept since they were last taken, as JSON lines: an object for each request that was
/// accepted or refused, with a line feed after it. Empty when there are none, and where `events` is not configured.
/// Nothing waits for who drains: without room events are dropped and counted (`scopegate_server_stats`).
///
/// With `SCOPEGATE_OK` comes `report`, else `error`, which may be NULL. The events hold values of claims, and never a
/// token.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_drain_events(
    server: Option<&Server>,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    told("scopegate_server_drain_events", server, report, error, |server| {
        (SCOPEGATE_OK, server.drain_events_as_lines())
    })
}

/// Whether tokens can be judged now: what a readiness probe asks. Needs no network, and does not depend on an issuer
/// once its keys are held.
///
/// `SCOPEGATE_OK` when some issuer's tokens can be judged, `SCOPEGATE_KEYS_UNAVAILABLE` when none's; with either comes
/// `report`. It names hosts and errors: show it to operators alone. With any other status comes `error`, which may be
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_server_health(
    server: Option<&Server>,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    told("scopegate_server_health", server, report, error, |server| {
        let health = server.health();
        let status = if health.is_ready() { SCOPEGATE_OK } else { SCOPEGATE_KEYS_UNAVAILABLE };
        (status, health.to_json())
    })
}

/// The text of the report: a JSON object, unless its function says otherwise.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_report_text(report: Option<&Report>) -> Str {
    read("scopegate_report_text", report, Str::NONE, |report| report.0.first())
}

/// Frees a report and what it lent. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_report_free(report: Option<Box<Report>>) {
    guard("scopegate_report_free", || (), || drop(report));
}
