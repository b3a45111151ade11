//! An HTTP response that is ready to send.

/// An HTTP response: every byte that a refusal or a well-known document puts on the wire.
///
/// An adapter sends it unchanged. `Content-Length` is not among the headers, since every HTTP server computes it; only
/// the answer to a HEAD request carries one, because its body is empty.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HttpResponse {
    /// The status code.
    pub status: u16,
    /// Header fields in the order they are sent. Names are in their usual spelling, values visible ASCII and blanks.
    pub headers: Vec<(&'static str, String)>,
    /// The body, without a trailing newline.
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The value of the first field of this name, compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}
