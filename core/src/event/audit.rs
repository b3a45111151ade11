//! Audit events: one for each decision, held in bounded memory until the host drains them.
//!
//! Recording never waits. Where there is no room the event is counted and gone, and so a slow sink slows nothing. Requests
//! whose token did not prove good fill half of the room at most: whoever floods a server with junk does not hide what
//! known callers do.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use arc_swap::{ArcSwap, Guard};
use aws_lc_rs::rand;
use serde::Serialize;

use super::kept::Kept;
use crate::call::McpCall;
use crate::event::Count;
use crate::lock::Mutex;
use crate::reason::Reason;
use crate::request::Request;
use crate::scope::ScopeSet;
use crate::token::access_token::AccessToken;

/// What was decided about one request, for whom, and what they asked for.
///
/// It holds values of claims that were verified, and never the token. Texts are cut after 256 bytes and lists after 32
/// items, with `…` in the place of the rest.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// When, in seconds since 1970; `None` where the machine's clock cannot be used.
    pub time: Option<i64>,
    /// The resource that was asked for, as configured.
    pub resource: String,
    /// Whether the request may pass.
    pub outcome: Outcome,
    /// Why it may not; `None` where it may.
    #[serde(serialize_with = "name_of_reason")]
    pub reason: Option<Reason>,
    /// The issuer of the token. This and all that follows is known only of tokens that proved good.
    pub issuer: Option<String>,
    /// Whom the token speaks for.
    pub subject: Option<String>,
    /// The client it was issued to.
    pub client_id: Option<String>,
    /// The scopes that the request needed, as far as they were found out.
    pub scopes_needed: Vec<String>,
    /// The scopes of the token.
    pub scopes_granted: Vec<String>,
    /// The MCP calls in the request, where they were read.
    pub calls: Vec<AuditedCall>,
    /// The token, to tell events of one from events of another: a salted hash of its issuer and `jti`, or of its digest
    /// where it has none, in hexadecimal; `None` where neither is known. The salt is drawn anew by each process that makes a resource server.
    pub token: Option<String>,
}

/// Whether a request may pass.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It may.
    Accepted,
    /// It was refused.
    Refused,
}

/// An MCP call that was asked for.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct AuditedCall {
    /// The JSON-RPC method.
    pub method: String,
    /// The tool, prompt or resource that it names first; `None` where it names none.
    pub name: Option<String>,
}

impl AuditEvent {
    /// The same as a JSON object, on one line.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same, and a line feed.
    pub(crate) fn write_line(&self, lines: &mut Vec<u8>) {
        let start = lines.len();
        match serde_json::to_writer(&mut *lines, self) {
            Ok(()) => lines.push(b'\n'),
            Err(_) => lines.truncate(start),
        }
    }
}

fn name_of_reason<S: serde::Serializer>(reason: &Option<Reason>, serializer: S) -> Result<S::Ok, S::Error> {
    reason.map(Reason::name).serialize(serializer)
}

/// What is known of a decision.
pub(crate) struct Decided<'a> {
    pub(crate) time: Option<i64>,
    pub(crate) resource: &'a str,
    pub(crate) reason: Option<Reason>,
    pub(crate) caller: Option<Caller<'a>>,
}

/// Who asked, of a token that proved good, and for what.
pub(crate) struct Caller<'a> {
    pub(crate) token: &'a AccessToken,
    /// The token as it came is in it, or was: a further need is checked without it.
    pub(crate) request: &'a Request<'a>,
    pub(crate) needed: ScopeSet,
    pub(crate) calls: &'a [McpCall<'a>],
}

/// The events that wait to be drained.
#[derive(Debug)]
pub(crate) struct AuditLog {
    capacity: usize,
    /// Of a fixed length, so that what is hashed after it begins at one place.
    salt: Option<[u8; 32]>,
    waiting: ArcSwap<Waiting>,
    dropped: Count,
}

/// A forked child begins with none: those that it finds are its parent's to drain, and in the parent a thread may hold the
/// lock that the child does not have.
#[derive(Debug)]
#[repr(align(128))]
struct Waiting {
    process: u32,
    /// These two change under the lock, and are read without it.
    length: AtomicUsize,
    recorded: AtomicU64,
    events: Mutex<Vec<Kept>>,
}

/// Room for an event.
pub(crate) struct Room<'a> {
    log: &'a AuditLog,
    waiting: Guard<Arc<Waiting>>,
    /// The most that may wait when it is kept.
    most: usize,
}

/// How events have fared.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct AuditStats {
    /// Events that were kept to be drained.
    pub recorded: u64,
    /// Events for which there was no room.
    pub dropped: u64,
    /// Events that wait to be drained.
    pub waiting: usize,
}

impl AuditLog {
    /// A log with room for so many events.
    pub(crate) fn new(capacity: usize) -> AuditLog {
        let mut salt = [0; 32];
        let salt = rand::fill(&mut salt).ok().map(|()| salt);
        AuditLog {
            capacity,
            salt,
            waiting: ArcSwap::from_pointee(Waiting::new(0)),
            dropped: Count::default(),
        }
    }

    /// Room for one event more, of a token that proved good or of another request. Where there is none the event counts as
    /// dropped, and nothing need be found out about it.
    pub(crate) fn room(&self, is_known: bool) -> Option<Room<'_>> {
        let room = Room {
            log: self,
            waiting: self.waiting(),
            most: if is_known { self.capacity } else { self.capacity.div_ceil(2) },
        };
        if room.waiting.length.load(Ordering::Relaxed) < room.most {
            return Some(room);
        }
        self.dropped.add_one();
        None
    }

    /// Takes all that wait, in the order in which they were decided.
    pub(crate) fn drain(&self) -> Vec<AuditEvent> {
        let taken = self.waiting().take();
        taken.iter().map(|kept| kept.event(self.salt.as_ref())).collect()
    }

    pub(crate) fn stats(&self) -> AuditStats {
        let waiting = self.waiting();
        AuditStats {
            recorded: waiting.recorded.load(Ordering::Relaxed),
            dropped: self.dropped.now(),
            waiting: waiting.length.load(Ordering::Relaxed),
        }
    }

    fn waiting(&self) -> Guard<Arc<Waiting>> {
        let waiting = self.waiting.load();
        if waiting.process == process::id() {
            return waiting;
        }
        let own = Waiting::new(waiting.recorded.load(Ordering::Relaxed));
        let _ = self.waiting.compare_and_swap(&*waiting, Arc::new(own));
        self.waiting.load()
    }
}

impl Room<'_> {
    /// Keeps the event of this decision, unless others took the room meanwhile.
    pub(crate) fn keep(self, decided: &Decided<'_>) {
        if !self.waiting.push(Kept::of(decided), self.most) {
            self.log.dropped.add_one();
        }
    }
}

impl Waiting {
    /// For this process, in which so many events were recorded.
    fn new(recorded: u64) -> Waiting {
        Waiting {
            process: process::id(),
            length: AtomicUsize::new(0),
            recorded: AtomicU64::new(recorded),
            events: Mutex::new(Vec::new()),
        }
    }

    fn push(&self, event: Kept, most: usize) -> bool {
        let mut events = self.events.lock();
        if events.len() >= most {
            return false;
        }
        events.push(event);
        self.length.store(events.len(), Ordering::Relaxed);
        self.recorded.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn take(&self) -> Vec<Kept> {
        // As much room as was needed last, so that it need not grow while others wait for the lock.
        let empty = Vec::with_capacity(self.length.load(Ordering::Relaxed));
        let mut events = self.events.lock();
        self.length.store(0, Ordering::Relaxed);
        std::mem::replace(&mut *events, empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(log: &AuditLog) {
        let (time, resource) = (Some(7), "https://mcp.example/mcp");
        if let Some(room) = log.room(false) {
            room.keep(&Decided { time, resource, reason: Some(Reason::MissingToken), caller: None });
        }
    }

    #[test]
    fn what_has_no_room_is_counted_and_strangers_fill_half_of_it() {
        let log = AuditLog::new(5);
        for _ in 0..10 {
            refused(&log);
        }
        let stats = log.stats();
        assert_eq!((stats.recorded, stats.dropped, stats.waiting), (3, 7, 3));
        assert_eq!(log.drain().len(), 3);
        refused(&log);
        let stats = log.stats();
        assert_eq!((stats.recorded, stats.dropped, stats.waiting), (4, 7, 1));
    }

    #[test]
    fn an_event_is_one_line_of_json() {
        let log = AuditLog::new(2);
        refused(&log);
        let lines: Vec<_> = log.drain().iter().map(AuditEvent::to_json).collect();
        let expected = concat!(
            r#"{"time":7,"resource":"https://mcp.example/mcp","outcome":"refused","reason":"missing_token","#,
            r#""issuer":null,"subject":null,"client_id":null,"scopes_needed":[],"scopes_granted":[],"calls":[],"token":null}"#,
        );
        assert_eq!(lines, [expected]);
    }
}
