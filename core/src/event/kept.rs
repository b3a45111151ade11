//! An event while it waits: one piece of memory, so that it is soon made while a request waits for its answer. What can
//! wait is left to whoever drains.

use aws_lc_rs::digest;

use super::audit::{AuditEvent, AuditedCall, Caller, Decided, Outcome};
use super::texts::{MAX_TEXT, Texts};
use crate::reason::Reason;
use crate::token::cache::Digest;

#[derive(Debug)]
pub(super) struct Kept {
    time: Option<i64>,
    reason: Option<Reason>,
    identity: Identity,
    texts: Texts,
}

impl Kept {
    pub(super) fn of(decided: &Decided<'_>) -> Kept {
        let Decided { time, resource, reason, caller } = decided;
        let mut texts = Texts::new();
        texts.push(Some(resource));
        let identity = caller.as_ref().map_or(Identity::Unknown, |caller| {
            let identity = Identity::of(caller);
            push_caller(&mut texts, caller, &identity);
            identity
        });
        Kept { time: *time, reason: *reason, identity, texts }
    }

    /// The event, with the hash of its token by this salt.
    pub(super) fn event(&self, salt: Option<&[u8; 32]>) -> AuditEvent {
        let mut texts = self.texts.read();
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let resource = owned(texts.text()).unwrap_or_default();
        let (issuer, token_id) = (texts.text(), texts.text());
        AuditEvent {
            time: self.time,
            resource,
            outcome: if self.reason.is_none() { Outcome::Accepted } else { Outcome::Refused },
            reason: self.reason,
            issuer: owned(issuer),
            subject: owned(texts.text()),
            client_id: owned(texts.text()),
            scopes_needed: texts.list(),
            scopes_granted: texts.list(),
            calls: texts.pairs().into_iter().map(|(method, name)| AuditedCall { method, name }).collect(),
            token: salt.and_then(|salt| self.identity.hash(salt, issuer, token_id)),
        }
    }
}

/// In the order in which [`Kept::event`] reads it.
fn push_caller(texts: &mut Texts, caller: &Caller<'_>, identity: &Identity) {
    let token = caller.token;
    texts.push(Some(token.issuer()));
    texts.push(token.token_id().filter(|_| *identity == Identity::OfIssuer));
    texts.push(token.subject());
    texts.push(token.client_id());
    texts.push_list(caller.needed.iter());
    texts.push_list(token.scopes().iter().map(String::as_str));
    texts.push_pairs(caller.calls.iter().map(|call| {
        let name = call.names.first().map(|named| &*named.name);
        (&*call.method, name)
    }));
}

/// What tells a token from others.
#[derive(Debug, Eq, PartialEq)]
enum Identity {
    Unknown,
    /// Its `jti`, beside its issuer.
    OfIssuer,
    Digest(Digest),
}

impl Identity {
    fn of(caller: &Caller<'_>) -> Identity {
        match caller.token.token_id() {
            Some(id) if id.len() <= MAX_TEXT => Identity::OfIssuer,
            Some(id) => Identity::Digest(Digest::of([caller.token.issuer(), id].join("\0").as_bytes())),
            None => caller
                .request
                .credential()
                .map_or(Identity::Unknown, |token| Identity::Digest(Digest::of(token))),
        }
    }

    fn hash(&self, salt: &[u8; 32], issuer: Option<&str>, token_id: Option<&str>) -> Option<String> {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(salt);
        match self {
            Identity::Unknown => return None,
            Identity::OfIssuer => {
                hash.update(issuer?.as_bytes());
                hash.update(b"\0");
                hash.update(token_id?.as_bytes());
            }
            Identity::Digest(digest) => hash.update(digest.as_bytes()),
        }
        let hash = hash.finish();
        let digits = hash.as_ref().iter().take(HASH_BYTES).flat_map(|byte| [byte >> 4, byte & 0xf]);
        Some(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect())
    }
}

/// Enough to tell tokens apart.
const HASH_BYTES: usize = 16;
