//! Who opened which MCP session: a service that does not compare principals would let another user's token into a
//! session whose id leaked.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::digest::{SHA256, digest};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::lock::Mutex;
use crate::token::access_token::AccessToken;

/// The sessions that one layer remembers. The one that its owner left alone for longest is forgotten first, and then
/// belongs to whoever uses it.
const MAX_SESSIONS: usize = 65_536;

const SESSION_ID: &str = "mcp-session-id";

/// The principal and client of a token. A token that names neither subject nor client is an owner of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Owner(String);

impl Owner {
    /// The owner of what this request opens. Its headers hold the token.
    pub(super) fn of(token: &AccessToken, headers: &HeaderMap) -> Owner {
        let client = token.client_id().unwrap_or_default();
        match token.principal() {
            // No claim that is read holds U+0000.
            Some(principal) => Owner(format!("{client}\0{principal}")),
            None => {
                let credential = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
                Owner(format!("{:?}", digest(&SHA256, credential)))
            }
        }
    }
}

/// The session ids in the header fields of a request or a response.
pub(super) fn ids(headers: &HeaderMap) -> Vec<String> {
    let lines = headers.get_all(SESSION_ID).into_iter();
    lines.map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned()).collect()
}

#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<Owners>);

#[derive(Debug, Default)]
struct Owners {
    by_id: HashMap<String, Session>,
    /// When each was last used -> its id; the oldest first.
    by_use: BTreeMap<u64, String>,
    uses: u64,
}

#[derive(Debug)]
struct Session {
    owner: Owner,
    last_use: u64,
}

impl Sessions {
    /// Whether one of these sessions is known to be another's; if none is, they count as used.
    pub(super) fn are_foreign(&self, ids: &[String], owner: &Owner) -> bool {
        if ids.is_empty() {
            return false;
        }
        let mut owners = self.0.lock();
        if ids.iter().any(|id| owners.by_id.get(id).is_some_and(|session| session.owner != *owner)) {
            return true;
        }
        for id in ids {
            if owners.by_id.contains_key(id) {
                owners.note(id, owner);
            }
        }
        false
    }

    /// Notes the sessions that the service opened for this owner.
    pub(super) fn opened(&self, ids: &[String], owner: &Owner) {
        if ids.is_empty() {
            return;
        }
        let mut owners = self.0.lock();
        for id in ids {
            if !owners.by_id.contains_key(id) {
                owners.note(id, owner);
            }
        }
        while owners.by_id.len() > MAX_SESSIONS {
            let Some((_, oldest)) = owners.by_use.pop_first() else { break };
            owners.by_id.remove(&oldest);
        }
    }
}

impl Owners {
    fn note(&mut self, id: &str, owner: &Owner) {
        self.uses += 1;
        let session = Session { owner: owner.clone(), last_use: self.uses };
        if let Some(before) = self.by_id.insert(id.to_owned(), session) {
            self.by_use.remove(&before.last_use);
        }
        self.by_use.insert(self.uses, id.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owner(name: &str) -> Owner {
        Owner(name.to_owned())
    }

    fn one(id: impl Into<String>) -> Vec<String> {
        vec![id.into()]
    }

    #[test]
    fn a_session_is_its_owners_alone() {
        let sessions = Sessions::default();
        sessions.opened(&one("a"), &owner("alice"));
        assert!(!sessions.are_foreign(&one("a"), &owner("alice")));
        assert!(sessions.are_foreign(&one("a"), &owner("bob")));
        assert!(sessions.are_foreign(&["b".to_owned(), "a".to_owned()], &owner("bob")));
        assert!(!sessions.are_foreign(&one("b"), &owner("bob")));
        sessions.opened(&one("a"), &owner("bob"));
        assert!(!sessions.are_foreign(&one("a"), &owner("alice")));
    }

    #[test]
    fn the_session_that_was_not_used_for_longest_is_forgotten_first() {
        let sessions = Sessions::default();
        for number in 0..MAX_SESSIONS {
            sessions.opened(&one(number.to_string()), &owner("alice"));
        }
        assert!(!sessions.are_foreign(&one("0"), &owner("alice")));
        sessions.opened(&one("one more"), &owner("alice"));
        assert!(sessions.are_foreign(&one("0"), &owner("bob")));
        assert!(!sessions.are_foreign(&one("1"), &owner("bob")));
        let owners = sessions.0.lock();
        assert_eq!((owners.by_id.len(), owners.by_use.len()), (MAX_SESSIONS, MAX_SESSIONS));
    }
}
