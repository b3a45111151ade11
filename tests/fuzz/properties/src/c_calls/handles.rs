//! The handles that the program holds, and where it has them put.

use std::mem::MaybeUninit;
use std::slice;

use scopegate_c::error::{self, Error};
use scopegate_c::key_request::{self, KeyRequest};
use scopegate_c::report::{self, Report};
use scopegate_c::response::{self, Response};
use scopegate_c::server::{self, Server};
use scopegate_c::status::Status;
use scopegate_c::string::Str;
use scopegate_c::token::{self, Token};
use serde_json::Value;

/// Boxed as C holds them: each at an address of its own.
#[derive(Default)]
#[allow(clippy::vec_box)]
pub(super) struct Handles {
    pub(super) servers: Vec<Box<Server>>,
    pub(super) tokens: Vec<Box<Token>>,
    pub(super) responses: Vec<Box<Response>>,
    pub(super) errors: Vec<Box<Error>>,
    pub(super) key_requests: Vec<Box<KeyRequest>>,
    pub(super) reports: Vec<Box<Report>>,
}

/// One of the handles, or NULL.
pub(super) fn pick<T>(handles: &[Box<T>], at: u8) -> Option<&T> {
    handles.get(usize::from(at) % (handles.len() + 1)).map(|handle| &**handle)
}

fn take<T>(handles: &mut Vec<Box<T>>, at: u8) -> Option<Box<T>> {
    let at = usize::from(at) % (handles.len() + 1);
    (at < handles.len()).then(|| handles.swap_remove(at))
}

impl Handles {
    pub(super) fn free(&mut self, kind: u8, at: u8) {
        match kind % 6 {
            0 => server::scopegate_server_free(take(&mut self.servers, at)),
            1 => token::scopegate_token_free(take(&mut self.tokens, at)),
            2 => response::scopegate_response_free(take(&mut self.responses, at)),
            3 => error::scopegate_error_free(take(&mut self.errors, at)),
            4 => key_request::scopegate_key_request_free(take(&mut self.key_requests, at)),
            _ => report::scopegate_report_free(take(&mut self.reports, at)),
        }
    }

    pub(super) fn read_all(&self, at: u8) {
        let server = pick(&self.servers, at);
        for text in [
            server::scopegate_server_resource(server),
            server::scopegate_server_hostname(server),
            server::scopegate_server_origin(server),
            server::scopegate_server_path(server),
            server::scopegate_server_metadata_url(server),
        ] {
            assert_eq!(is_text(text).is_some(), server.is_some());
        }
        let warnings = server::scopegate_server_warning_count(server);
        items(warnings, |index| server::scopegate_server_warning_at(server, index));
        assert!((0..=300).contains(&server::scopegate_server_leeway_seconds(server)));
        self.read_token(pick(&self.tokens, at));
        let response = pick(&self.responses, at);
        assert_eq!(response::scopegate_response_status(response) != 0, response.is_some());
        let error = pick(&self.errors, at);
        assert_eq!(is_text(error::scopegate_error_message(error)).is_some(), error.is_some());
        let mistakes = error::scopegate_error_count(error);
        assert_eq!(mistakes > 0, error.is_some());
        items(mistakes, |index| error::scopegate_error_path_at(error, index));
        items(mistakes, |index| error::scopegate_error_message_at(error, index));
        let wanted = pick(&self.key_requests, at);
        assert!(wanted.is_some() || key_request::scopegate_key_request_source(wanted) == 0);
        assert!((0..=5000).contains(&key_request::scopegate_key_request_longest_wait_ms(wanted)));
        let report = pick(&self.reports, at);
        let json = is_text(report::scopegate_report_text(report));
        assert!(
            json.is_none_or(|json| serde_json::from_slice::<Value>(json).is_ok_and(|json| json.is_object()))
        );
    }

    fn read_token(&self, token: Option<&Token>) {
        for always in [
            token::scopegate_token_issuer(token),
            token::scopegate_token_resource(token),
            token::scopegate_token_claims(token),
        ] {
            assert_eq!(is_text(always).is_some(), token.is_some());
        }
        assert_eq!(token::scopegate_token_verification(token) > 0, token.is_some());
        is_text(token::scopegate_token_subject(token));
        is_text(token::scopegate_token_client_id(token));
        is_text(token::scopegate_token_id(token));
        is_text(token::scopegate_token_principal(token));
        items(token::scopegate_token_scope_count(token), |at| token::scopegate_token_scope_at(token, at));
        let effective = token::scopegate_token_effective_scope_count(token);
        items(effective, |at| token::scopegate_token_effective_scope_at(token, at));
        items(token::scopegate_token_audience_count(token), |at| {
            token::scopegate_token_audience_at(token, at)
        });
        assert_eq!(token::scopegate_token_expires_at(token) > 0, token.is_some());
    }
}

/// As many texts as there are, and none past the last.
fn items(count: usize, at: impl Fn(usize) -> Str) {
    assert!((0..count).all(|index| is_text(at(index)).is_some()));
    assert!([count, count.saturating_add(1), usize::MAX].iter().all(|index| is_text(at(*index)).is_none()));
}

/// The bytes of a text that was lent; it has a NUL behind it. None for `{NULL, 0}`.
pub(super) fn is_text<'a>(text: Str) -> Option<&'a [u8]> {
    if text.data.is_null() {
        assert_eq!(text.len, 0);
        return None;
    }
    // SAFETY: the header promises `len` bytes and a NUL, and the handles outlive the checks of what they lend.
    let bytes = unsafe { slice::from_raw_parts(text.data.cast::<u8>(), text.len + 1) };
    assert_eq!(bytes.last(), Some(&0), "no NUL behind a text");
    bytes.split_last().map(|(_, text)| text)
}

/// A response can be sent, in its parts and as a whole.
pub(super) fn response_is_whole(response: &Response, code: Status, status_of_call: Option<Status>) {
    let response = Some(response);
    assert_eq!(response::scopegate_response_code(response), code);
    let is_refusal = status_of_call.is_some();
    assert_eq!(is_text(response::scopegate_response_reason(response)).is_some(), is_refusal);
    assert_eq!(is_text(response::scopegate_response_detail(response)).is_some(), is_refusal);
    let count = response::scopegate_response_header_count(response);
    items(count, |index| response::scopegate_response_header_name_at(response, index));
    items(count, |index| response::scopegate_response_header_value_at(response, index));
    let body = is_text(response::scopegate_response_body(response)).expect("a body, be it empty");
    let whole = is_text(response::scopegate_response_http1(response)).expect("a message");
    let status = response::scopegate_response_status(response);
    assert!(whole.starts_with(format!("HTTP/1.1 {status} ").as_bytes()));
    let end = whole.windows(4).position(|window| window == b"\r\n\r\n").expect("an end of the head");
    let (head, sent) = (&whole[..end], &whole[end + 4..]);
    assert!(sent == body || sent.is_empty());
    let lines = head.split(|byte| *byte == b'\n').count();
    let own_length = (0..count).any(|index| {
        is_text(response::scopegate_response_header_name_at(response, index)) == Some(b"Content-Length")
    });
    let added = if status == 204 || own_length { 1 } else { 2 };
    assert_eq!(lines, 1 + count + added, "{}", head.escape_ascii());
}

/// A place for a handle or a number, or NULL. It holds a mark until something is put there.
pub(super) struct Out<T> {
    place: MaybeUninit<Option<Box<T>>>,
    is_given: bool,
}

const MARK: usize = 0x5a5a_5a5a;

impl<T> Out<T> {
    pub(super) fn new(is_given: bool) -> Out<T> {
        let mut place = MaybeUninit::<Option<Box<T>>>::uninit();
        // SAFETY: a pointer of one word, written through a pointer to it.
        unsafe { place.as_mut_ptr().cast::<usize>().write(MARK) };
        Out { place, is_given }
    }

    pub(super) fn is_given(&self) -> bool {
        self.is_given
    }

    pub(super) fn place(&mut self) -> Option<&mut MaybeUninit<Option<Box<T>>>> {
        Some(&mut self.place).filter(|_| self.is_given)
    }

    /// What was put there. Something must have been if the status promises it, and nothing if not.
    pub(super) fn taken_if(self, is_promised: bool) -> Option<Box<T>> {
        // SAFETY: the word was written when the place was made.
        let word = unsafe { self.place.as_ptr().cast::<usize>().read() };
        assert_eq!(
            word != MARK,
            is_promised && self.is_given,
            "an out-parameter is set without its status, or not set"
        );
        if word == MARK {
            return None;
        }
        // SAFETY: the library has put a handle there.
        let handle = unsafe { self.place.assume_init() };
        assert!(handle.is_some(), "NULL is handed out");
        handle
    }
}

/// The place for a number.
pub(super) struct OutNumber {
    place: MaybeUninit<usize>,
    is_given: bool,
}

impl OutNumber {
    pub(super) fn new(is_given: bool) -> OutNumber {
        OutNumber { place: MaybeUninit::new(MARK), is_given }
    }

    pub(super) fn is_given(&self) -> bool {
        self.is_given
    }

    pub(super) fn place(&mut self) -> Option<&mut MaybeUninit<usize>> {
        Some(&mut self.place).filter(|_| self.is_given)
    }

    pub(super) fn taken_if(self, is_promised: bool) -> Option<usize> {
        // SAFETY: it was written when the place was made.
        let number = unsafe { self.place.assume_init() };
        assert_eq!(
            number != MARK,
            is_promised && self.is_given,
            "an out-parameter is set without its status, or not set"
        );
        Some(number).filter(|number| *number != MARK)
    }
}
