//! What an HTTP server hands in, and the one credential in it.

use std::fmt;

use memchr::memchr;

use crate::call::{McpCall, ReadBody};
use crate::reason::Reason;

/// The part of an HTTP request that decides whether it may pass.
///
/// Everything is borrowed and taken as the server received it: field values as bytes, one item for each field line, in
/// order. Joining lines, trimming or decoding before they reach this type would let two parsers disagree.
///
/// ```
/// use scopegate_core::Request;
/// let request = Request::new("POST", "/mcp").authorization(&[b"Bearer abc"]).body(b"{}");
/// ```
///
/// Its `Debug` form shows the HTTP method alone: the rest is the client's, and holds its token.
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) authorization: &'a [&'a [u8]],
    pub(crate) origin: &'a [&'a [u8]],
    pub(crate) access_control_request_method: Option<&'a [u8]>,
    pub(crate) access_control_request_headers: Option<&'a [u8]>,
    pub(crate) protocol_version: &'a [&'a [u8]],
    pub(crate) mcp_method: &'a [&'a [u8]],
    pub(crate) mcp_name: &'a [&'a [u8]],
    pub(crate) scopes: &'a [&'a str],
    pub(crate) body: Body<'a>,
    pub(crate) now: Option<i64>,
    pub(crate) aside: Option<Aside>,
}

/// Runs what it is given, once, and returns when that is done.
pub type Aside = fn(&mut (dyn FnMut() + Send));

/// What is known of the request's body.
#[derive(Clone, Copy, Default)]
pub(crate) enum Body<'a> {
    #[default]
    Unread,
    Bytes(&'a [u8]),
    #[cfg_attr(not(feature = "tower"), expect(dead_code))]
    Read(&'a ReadBody<'a>),
    Calls(&'a [McpCall<'a>]),
}

impl<'a> Body<'a> {
    pub(crate) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Body::Bytes(bytes) => Some(bytes),
            Body::Read(body) => Some(body.bytes),
            Body::Unread | Body::Calls(_) => None,
        }
    }
}

impl<'a> Request<'a> {
    /// A request with this HTTP method and target (path and query as received), and nothing else yet.
    pub fn new(method: &'a str, target: &'a str) -> Self {
        Request { method, target, ..Request::default() }
    }

    /// The values of **every** `Authorization` field line, in order. Two lines are two credentials.
    pub fn authorization(mut self, lines: &'a [&'a [u8]]) -> Self {
        self.authorization = lines;
        self
    }

    /// The values of every `Origin` field line.
    pub fn origin(mut self, lines: &'a [&'a [u8]]) -> Self {
        self.origin = lines;
        self
    }

    /// The value of `Access-Control-Request-Method`, which makes an OPTIONS request a preflight.
    pub fn access_control_request_method(mut self, value: Option<&'a [u8]>) -> Self {
        self.access_control_request_method = value;
        self
    }

    /// The value of `Access-Control-Request-Headers`.
    pub fn access_control_request_headers(mut self, value: Option<&'a [u8]>) -> Self {
        self.access_control_request_headers = value;
        self
    }

    /// The values of every `MCP-Protocol-Version` field line.
    pub fn protocol_version(mut self, lines: &'a [&'a [u8]]) -> Self {
        self.protocol_version = lines;
        self
    }

    /// The values of every `Mcp-Method` field line.
    pub fn mcp_method(mut self, lines: &'a [&'a [u8]]) -> Self {
        self.mcp_method = lines;
        self
    }

    /// The values of every `Mcp-Name` field line.
    pub fn mcp_name(mut self, lines: &'a [&'a [u8]]) -> Self {
        self.mcp_name = lines;
        self
    }

    /// Scopes that this request needs beside `required_scopes` and the policy's, such as those of a route.
    ///
    /// A scope that breaks the grammar of RFC 6749 section 3.3, or `offline_access`, is an error of the calling
    /// program and refuses the request as [`Reason::Internal`].
    pub fn scopes(mut self, scopes: &'a [&'a str]) -> Self {
        self.scopes = scopes;
        self
    }

    /// The whole body, as the server behind will read it. Empty when the request has none.
    ///
    /// Without this or [`Request::calls`] the body counts as not yet read.
    pub fn body(mut self, body: &'a [u8]) -> Self {
        self.body = Body::Bytes(body);
        self
    }

    /// [`Request::body`] that was read already, for a request that is judged more than once.
    #[cfg(feature = "tower")]
    pub(crate) fn read_body(mut self, body: &'a ReadBody<'a>) -> Self {
        self.body = Body::Read(body);
        self
    }

    /// The calls in the body, for hosts whose own parser ran first: policy and server then read the same object.
    /// No calls means a body without a request (none at all, or a response).
    pub fn calls(mut self, calls: &'a [McpCall<'a>]) -> Self {
        self.body = Body::Calls(calls);
        self
    }

    /// The time to judge by, in seconds since 1970 (default: the machine's clock).
    pub fn now(mut self, seconds: i64) -> Self {
        self.now = Some(seconds);
        self
    }

    /// Has a token that is not held read and verified by way of `run`: for hosts that let go of a lock meanwhile, such as
    /// Python's. It is the one part of a decision that takes long, and a token that was verified before needs none of it.
    ///
    /// If `run` does not run what it is given, the signature counts as bad.
    pub fn verify_aside(mut self, run: Aside) -> Self {
        self.aside = Some(run);
        self
    }

    /// What comes of `work`, unless it was not run.
    pub(crate) fn aside<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Option<T> {
        let Some(run) = self.aside else { return Some(work()) };
        let (mut work, mut outcome) = (Some(work), None);
        run(&mut || outcome = work.take().map(|work| work()));
        outcome
    }

    /// The bearer token of the request, by RFC 6750 section 2.1 and the order of checks 3 to 6. Tokens in the query
    /// or the body are not looked at (OAuth 2.1 section 5.1).
    pub(crate) fn credential(&self) -> Result<&'a [u8], Reason> {
        let value = match self.authorization {
            [] => return Err(Reason::MissingToken),
            [value] => value.trim_ascii_blanks(),
            _ => return Err(Reason::MultipleCredentials),
        };
        // Blanks alone part the two (RFC 9110 section 11.4): a tab belongs to whatever it stands in.
        let scheme_end = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
        let (scheme, mut token) = value.split_at(scheme_end);
        while let [b' ', rest @ ..] = token {
            token = rest;
        }
        if !scheme.eq_ignore_ascii_case(b"Bearer") || token.is_empty() {
            return Err(Reason::MissingToken);
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Reason::TokenTooLarge);
        }
        if memchr(b',', token).is_some() {
            return Err(Reason::MultipleCredentials);
        }
        Ok(token)
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request").field("method", &self.method).finish_non_exhaustive()
    }
}

/// The longest token that is looked at, in bytes.
pub(crate) const MAX_TOKEN_BYTES: usize = 16 * 1024;

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

trait TrimBlanks {
    fn trim_ascii_blanks(&self) -> &Self;
}

impl TrimBlanks for [u8] {
    fn trim_ascii_blanks(mut self: &Self) -> &Self {
        while let [first, rest @ ..] = self {
            if !is_blank(*first) {
                break;
            }
            self = rest;
        }
        while let [rest @ .., last] = self {
            if !is_blank(*last) {
                break;
            }
            self = rest;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(value: &[u8]) -> Result<Vec<u8>, Reason> {
        Request::new("GET", "/").authorization(&[value]).credential().map(<[u8]>::to_vec)
    }

    #[test]
    fn scheme_is_compared_without_case_and_blanks_are_not_counted() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc", " \tBearer abc \t"] {
            assert_eq!(credential(value.as_bytes()), Ok(b"abc".to_vec()), "{value:?}");
        }
    }

    #[test]
    fn a_tab_is_no_blank_between_scheme_and_token() {
        for value in ["Bearer\tabc", "Bearer\t abc"] {
            assert_eq!(credential(value.as_bytes()), Err(Reason::MissingToken), "{value:?}");
        }
        assert_eq!(credential(b"Bearer \tabc"), Ok(b"\tabc".to_vec()));
    }

    #[test]
    fn anything_but_one_bearer_token_has_its_reason() {
        for value in ["", " ", "Bearer", "Bearer  ", "Basic abc", "Bearerabc", "abc"] {
            assert_eq!(credential(value.as_bytes()), Err(Reason::MissingToken), "{value:?}");
        }
        assert_eq!(credential(b"Bearer a, Bearer b"), Err(Reason::MultipleCredentials));
        let two = Request::new("GET", "/").authorization(&[b"Basic x", b"Basic y"]).credential();
        assert_eq!(two, Err(Reason::MultipleCredentials));
    }

    #[test]
    fn what_was_not_done_aside_has_no_outcome() {
        let request = Request::new("GET", "/");
        assert_eq!(request.aside(|| 7), Some(7));
        assert_eq!(request.verify_aside(|work| work()).aside(|| 7), Some(7));
        assert_eq!(request.verify_aside(|_| ()).aside(|| 7), None);
    }

    #[test]
    fn size_counts_everything_after_the_scheme() {
        let mut value = b"Bearer ".to_vec();
        value.resize(7 + MAX_TOKEN_BYTES, b'a');
        assert!(credential(&value).is_ok());
        value.push(b',');
        assert_eq!(credential(&value), Err(Reason::TokenTooLarge));
    }
}
