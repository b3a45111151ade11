//! Our verdict on a case: a decision that is made afresh, and the same again from whatever the server keeps.

use scopegate_core::{Request, ResourceServer};
use scopegate_tests::said;

use crate::change::Credential;

/// The reason of the refusal, or nothing for a token that is accepted.
///
/// A server sees a token for the first time here, since none comes twice, and is then asked again: if it answers from a
/// cache, the answer must be the one without.
pub(crate) fn of(server: &ResourceServer, credential: &Credential, now: i64) -> Option<&'static str> {
    let lines = match credential {
        Credential::Token(token) => vec![[b"Bearer ", &token[..]].concat()],
        Credential::Lines(lines) => lines.clone(),
    };
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let request = Request::new("POST", "/mcp").authorization(&lines).now(now);
    let first = server.authorize(&request);
    let again = server.authorize(&request);
    assert_eq!(said(&first), said(&again), "the second answer differs from the first");
    first.err().map(|rejection| rejection.reason().name())
}
