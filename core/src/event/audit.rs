//! Audit events: one for each decision, held in bounded memory until the host drains them.
//!
//! Recording never waits. Where there is no room the event is counted and gone, and so a slow sink slows nothing. Requests
//! whose token did not prove good fill half of the room at most: whoever floods a server with junk does not hide what
//! known callers do.

use std::collections::VecDeque;
use std::process;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::{digest, rand};
use serde::Serialize;

use crate::call::McpCall;
use crate::event::Count;
use crate::lock::Mutex;
use crate::reason::Reason;
use crate::token::access_token::AccessToken;
use crate::token::cache::Digest;

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
    /// The token as it came, where it is known: a further need is checked without it.
    pub(crate) credential: Option<&'a [u8]>,
    pub(crate) needed: Vec<&'a str>,
    pub(crate) calls: &'a [McpCall<'a>],
}

/// The events that wait to be drained.
#[derive(Debug)]
pub(crate) struct AuditLog {
    capacity: usize,
    /// Of a fixed length, so that what is hashed after it begins at one place.
    salt: Option<[u8; 32]>,
    waiting: ArcSwap<Waiting>,
    recorded: Count,
    dropped: Count,
}

/// A forked child begins with none: those that it finds are its parent's to drain, and in the parent a thread may hold the
/// lock that the child does not have.
#[derive(Debug)]
struct Waiting {
    process: u32,
    events: Mutex<VecDeque<AuditEvent>>,
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
            waiting: ArcSwap::from_pointee(Waiting::new()),
            recorded: Count::default(),
            dropped: Count::default(),
        }
    }

    /// Keeps an event of this decision, where there is room.
    pub(crate) fn record(&self, decided: &Decided<'_>) {
        let room = if decided.caller.is_some() { self.capacity } else { self.capacity.div_ceil(2) };
        let waiting = self.waiting();
        if waiting.events.lock().len() >= room {
            return self.dropped.add_one();
        }
        let event = self.event(decided);
        let mut events = waiting.events.lock();
        if events.len() >= room {
            return self.dropped.add_one();
        }
        events.push_back(event);
        self.recorded.add_one();
    }

    /// Takes all that wait, in the order in which they were decided.
    pub(crate) fn drain(&self) -> Vec<AuditEvent> {
        let taken = std::mem::take(&mut *self.waiting().events.lock());
        taken.into()
    }

    pub(crate) fn stats(&self) -> AuditStats {
        let waiting = self.waiting().events.lock().len();
        AuditStats { recorded: self.recorded.now(), dropped: self.dropped.now(), waiting }
    }

    fn waiting(&self) -> Arc<Waiting> {
        let waiting = self.waiting.load();
        if waiting.process == process::id() {
            return Arc::clone(&waiting);
        }
        let own = Arc::new(Waiting::new());
        let before = self.waiting.compare_and_swap(&*waiting, Arc::clone(&own));
        if Arc::ptr_eq(&before, &waiting) { own } else { Arc::clone(&before) }
    }

    fn event(&self, decided: &Decided<'_>) -> AuditEvent {
        let Decided { time, resource, reason, caller } = decided;
        let caller = caller.as_ref();
        let token = caller.map(|caller| caller.token);
        let granted = token.map_or(&[][..], AccessToken::scopes);
        AuditEvent {
            time: *time,
            resource: (*resource).to_owned(),
            outcome: if reason.is_none() { Outcome::Accepted } else { Outcome::Refused },
            reason: *reason,
            issuer: token.map(|token| short(token.issuer())),
            subject: token.and_then(AccessToken::subject).map(short),
            client_id: token.and_then(AccessToken::client_id).map(short),
            scopes_needed: caller.map_or(Vec::new(), |caller| texts(caller.needed.iter().copied())),
            scopes_granted: texts(granted.iter().map(String::as_str)),
            calls: caller.map_or(Vec::new(), |caller| calls(caller.calls)),
            token: caller.and_then(|caller| self.hash(caller)),
        }
    }

    fn hash(&self, caller: &Caller<'_>) -> Option<String> {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(&self.salt?);
        match caller.token.token_id() {
            Some(id) => {
                hash.update(caller.token.issuer().as_bytes());
                hash.update(b"\0");
                hash.update(id.as_bytes());
            }
            None => hash.update(Digest::of(caller.credential?).as_bytes()),
        }
        let half = hash.finish().as_ref().iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect();
        Some(half)
    }
}

impl Waiting {
    fn new() -> Waiting {
        Waiting { process: process::id(), events: Mutex::new(VecDeque::new()) }
    }
}

/// Enough to tell tokens apart.
const HASH_BYTES: usize = 16;

/// The longest text in an event, in bytes, and the longest list.
const MAX_TEXT: usize = 256;
const MAX_LIST: usize = 32;
const CUT: &str = "…";

fn short(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default().to_owned() + CUT
}

fn texts<'a>(all: impl Iterator<Item = &'a str>) -> Vec<String> {
    cut(all.map(short), || CUT.to_owned())
}

fn calls(all: &[McpCall<'_>]) -> Vec<AuditedCall> {
    let audited = |call: &McpCall<'_>| AuditedCall {
        method: short(&call.method),
        name: call.names.first().map(|named| short(&named.name)),
    };
    cut(all.iter().map(audited), || AuditedCall { method: CUT.to_owned(), name: None })
}

fn cut<T>(mut all: impl Iterator<Item = T>, rest: impl FnOnce() -> T) -> Vec<T> {
    let mut kept: Vec<T> = all.by_ref().take(MAX_LIST).collect();
    if all.next().is_some() {
        kept.push(rest());
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(log: &AuditLog) {
        log.record(&Decided {
            time: Some(7),
            resource: "https://mcp.example/mcp",
            reason: Some(Reason::MissingToken),
            caller: None,
        });
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

    #[test]
    fn long_texts_and_lists_are_cut() {
        assert_eq!(short(&"é".repeat(128)), "é".repeat(128));
        assert_eq!(short(&"é".repeat(129)), format!("{}…", "é".repeat(128)));
        assert_eq!(short(&format!("a{}", "é".repeat(128))), format!("a{}…", "é".repeat(127)));
        let many: Vec<_> = (0..33).map(|_| "a").collect();
        assert_eq!(texts(many.iter().copied()).len(), 33);
        assert_eq!(texts(many.iter().copied()).last().map(String::as_str), Some("…"));
        assert_eq!(texts(many.iter().copied().take(32)).last().map(String::as_str), Some("a"));
    }
}
