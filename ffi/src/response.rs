//! An HTTP response that is ready to send.

use std::sync::OnceLock;

use http::StatusCode;
use scopegate_core::{HttpResponse, Reason, Rejection};

use crate::guard::{guard, read};
use crate::status::{self, Status};
use crate::string::{Place, Str, Texts};

/// An HTTP response that is ready to send: a refusal, or a well-known document. It is unchangeable, any thread may read
/// it, and it may outlive its server.
pub struct Response {
    status: u16,
    reason: Option<Reason>,
    texts: Texts,
    headers: Vec<Field>,
    body: Place,
    detail: Option<Place>,
    /// The answer to a HEAD request has no body on the wire (RFC 9110 section 9.3.2).
    to_head: bool,
    http1: OnceLock<Texts>,
}

struct Field {
    name: Place,
    value: Place,
}

impl Response {
    /// The refusal of a request with this method.
    pub(crate) fn of_rejection(rejection: &Rejection, method: &str) -> Box<Response> {
        let mut response = Response::new(rejection.response(), method);
        response.reason = Some(rejection.reason());
        response.detail = Some(response.texts.add(rejection.detail()));
        Box::new(response)
    }

    /// The document that answers a request with this method.
    pub(crate) fn of_document(document: &HttpResponse, method: &str) -> Box<Response> {
        Box::new(Response::new(document, method))
    }

    fn new(core: &HttpResponse, method: &str) -> Response {
        let sizes = core.headers.iter().map(|(name, value)| name.len() + value.len() + 2);
        let mut texts = Texts::with_capacity(sizes.sum::<usize>() + core.body.len() + 128);
        let headers = core.headers.iter();
        let headers = headers.map(|(name, value)| Field { name: texts.add(name), value: texts.add(value) });
        Response {
            status: core.status,
            reason: None,
            headers: headers.collect(),
            body: texts.add(&core.body),
            texts,
            detail: None,
            to_head: method == "HEAD",
            http1: OnceLock::new(),
        }
    }

    /// RFC 9112: status line, fields, an empty line, the body.
    fn to_http1(&self) -> Vec<u8> {
        let status = StatusCode::from_u16(self.status).ok();
        let phrase = status.and_then(|status| status.canonical_reason()).unwrap_or_default();
        let body = self.texts.bytes(self.body);
        let mut bytes = format!("HTTP/1.1 {} {phrase}\r\n", self.status).into_bytes();
        let mut has_length = status == Some(StatusCode::NO_CONTENT); // RFC 9110 section 8.6: it must not have one
        for field in &self.headers {
            let (name, value) = (self.texts.bytes(field.name), self.texts.bytes(field.value));
            has_length |= name.eq_ignore_ascii_case(b"Content-Length"); // the answer to HEAD brings its own
            bytes.extend([name, b": ", value, b"\r\n"].concat());
        }
        if !has_length {
            bytes.extend(format!("Content-Length: {}\r\n", body.len()).bytes());
        }
        bytes.extend_from_slice(b"Connection: close\r\n\r\n");
        bytes.extend_from_slice(if self.to_head { b"" } else { body });
        bytes
    }
}

/// The HTTP status code.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_status(response: Option<&Response>) -> i32 {
    read("scopegate_response_status", response, 0, |response| i32::from(response.status))
}

/// How many header fields it has. Content-Length, Connection and Date are not among them, but for the Content-Length
/// of an answer to a HEAD request.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_header_count(response: Option<&Response>) -> usize {
    read("scopegate_response_header_count", response, 0, |response| response.headers.len())
}

/// The name of a header field, in the order they are sent. `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_header_name_at(response: Option<&Response>, index: usize) -> Str {
    read("scopegate_response_header_name_at", response, Str::NONE, |response| {
        response.texts.lend_some(response.headers.get(index).map(|field| field.name))
    })
}

/// The value of a header field. `{NULL, 0}` past the last.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_header_value_at(response: Option<&Response>, index: usize) -> Str {
    read("scopegate_response_header_value_at", response, Str::NONE, |response| {
        response.texts.lend_some(response.headers.get(index).map(|field| field.value))
    })
}

/// The body; it may be empty.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_body(response: Option<&Response>) -> Str {
    read("scopegate_response_body", response, Str::NONE, |response| response.texts.lend(response.body))
}

/// The whole response as the bytes of an HTTP/1.1 message, with `Content-Length` and `Connection: close`: write it and
/// close the connection. The answer to a HEAD request comes without its body. No Date field is written.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_http1(response: Option<&Response>) -> Str {
    read("scopegate_response_http1", response, Str::NONE, |response| {
        response.http1.get_or_init(|| Texts::of(response.to_http1())).first()
    })
}

/// The number of the reason of a refusal, such as `SCOPEGATE_EXPIRED`; `SCOPEGATE_OK` for a document. A refusal of a
/// call that ended with a status below 100 has the reason `SCOPEGATE_INTERNAL`.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_code(response: Option<&Response>) -> Status {
    read("scopegate_response_code", response, status::SCOPEGATE_NULL_ARGUMENT, |response| {
        response.reason.map_or(status::SCOPEGATE_OK, status::of)
    })
}

/// The name of the reason of a refusal, such as "expired"; `{NULL, 0}` for a document. Lent for ever.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_reason(response: Option<&Response>) -> Str {
    read("scopegate_response_reason", response, Str::NONE, |response| {
        response.reason.map_or(Str::NONE, status::reason_name)
    })
}

/// What was expected, in a sentence for the operator's log; `{NULL, 0}` for a document. It holds no byte of the token
/// and no claim value, and must not be sent to the client all the same.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_detail(response: Option<&Response>) -> Str {
    read("scopegate_response_detail", response, Str::NONE, |response| {
        response.texts.lend_some(response.detail)
    })
}

/// Frees a response and everything that it lent. NULL is ignored.
#[unsafe(no_mangle)]
pub extern "C" fn scopegate_response_free(response: Option<Box<Response>>) {
    guard("scopegate_response_free", || (), || drop(response));
}
