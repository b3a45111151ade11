//! Sequences of calls that a C program may make: handles are made, used and freed in any legal order, pointers are NULL,
//! and lengths are odd. Every call must end with a status that the header documents, and set what that status promises.
//!
//! This is the caller's half of the C interface, so it stands outside of Rust's checks. What it hands in is allocated to
//! the byte: AddressSanitizer sees whoever reads past it.
#![allow(unsafe_code)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod handles;
mod requests;

use std::ptr;

use arbitrary::{Result, Unstructured};
use scopegate_c::status::*;
use scopegate_c::string::Str;
use scopegate_c::{key_control, key_request, report, server, status, string, token, verdict, version};

use self::handles::{Handles, Out, OutNumber, is_text};
use self::requests::Asked;

/// Input: choices.
pub fn holds_for(input: &[u8]) {
    let mut program = Program { handles: Handles::default(), choices: Unstructured::new(input) };
    while !program.choices.is_empty() && program.step().is_ok() {}
}

struct Program<'a> {
    handles: Handles,
    choices: Unstructured<'a>,
}

/// Texts for arguments that are texts.
const TEXTS: [&[u8]; 12] = [
    b"", b"https://as.test", b"https://away.test", b"ed-a", b"weather", b"\xff", b"a\0b", b"mcp:read", b"offline_access",
    br#"{"keys":[]}"#, br#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"ed-a","x":"_wDJOm2cuBvvP-pa4U0id2kVP1Q9j_s77L8EhJ3XKvw"}]}"#,
    b"file:///reports/2026",
];

const CONFIGURATIONS: [&str; 7] = [
    r#"{"resource":"https://mcp.test/mcp","authorization_servers":[SERVER]}"#,
    r#"{"resource":"https://mcp.test/mcp/","authorization_servers":[SERVER],"required_scopes":["mcp:read"],"cors_origins":["https://app.test"]}"#,
    r#"{"resource":"https://mcp.test/mcp","authorization_servers":[SERVER],"policy":{"default":"deny","tools":{"weather":["mcp:read"]},"max_body_bytes":200}}"#,
    r#"{"resource":"https://mcp.test/mcp","authorization_servers":[{"issuer":"https://as.test","jwks_uri":"http://127.0.0.1:1/keys"}],"keys":{"background_refresh":false}}"#,
    r#"{"resource":"http://mcp.test","authorization_servers":[7],"leeway_seconds":-1}"#,
    "{}",
    "",
];

impl Program<'_> {
    fn step(&mut self) -> Result<()> {
        match self.choices.int_in_range(0..=15)? {
            0 | 1 => self.new_server(),
            2 => self.share(),
            3 => self.free(),
            4..=6 => self.decide(),
            7 => self.check_after(),
            8 => self.require(),
            9 => self.document(),
            10 => self.allowed(),
            11 => self.control_keys(),
            12 => self.fetch_keys(),
            13 => self.report(),
            14 => self.constants(),
            _ => self.read_all(),
        }
    }

    fn text(&mut self) -> Result<Text> {
        if self.choices.ratio(1, 8)? {
            return Ok(Text::odd(self.choices.arbitrary()?));
        }
        let chosen = *self.choices.choose(&TEXTS)?;
        if self.choices.ratio(1, 6)? {
            let len = self.choices.int_in_range(0..=40)?;
            return Ok(Text::of(self.choices.bytes(len.min(self.choices.len()))?));
        }
        Ok(Text::of(chosen))
    }

    /// Mostly yes.
    fn given(&mut self) -> Result<bool> {
        Ok(!self.choices.ratio(1, 10)?)
    }

    fn new_server(&mut self) -> Result<()> {
        let entry = crate::issuer::server_entry().to_string();
        let json = self.choices.choose(&CONFIGURATIONS)?.replace("SERVER", &entry);
        let mut json = Text::of(json.as_bytes());
        if self.choices.ratio(1, 10)? {
            json = self.text()?;
        }
        let abi = if self.given()? { version::SCOPEGATE_ABI } else { self.choices.arbitrary()? };
        let (mut made, mut error) = (Out::new(self.given()?), Out::new(self.given()?));
        let Str { data, len } = json.lent();
        // SAFETY: `len` bytes are readable, or the length is one that no memory has.
        let status = unsafe { server::scopegate_server_new(abi, data, len, made.place(), error.place()) };
        assert!(
            matches!(
                status,
                SCOPEGATE_OK | SCOPEGATE_NULL_ARGUMENT | SCOPEGATE_INVALID_ARGUMENT | SCOPEGATE_ABI_MISMATCH
            ),
            "{status}"
        );
        assert_eq!(status == SCOPEGATE_ABI_MISMATCH, abi != version::SCOPEGATE_ABI);
        self.handles.servers.extend(made.taken_if(status == SCOPEGATE_OK));
        self.handles.errors.extend(error.taken_if(status != SCOPEGATE_OK));
        Ok(())
    }

    fn share(&mut self) -> Result<()> {
        let at = self.choices.arbitrary()?;
        let server = handles::pick(&self.handles.servers, at);
        let shared = server::scopegate_server_ref(server);
        assert_eq!(shared.is_some(), server.is_some());
        self.handles.servers.extend(shared);
        Ok(())
    }

    fn free(&mut self) -> Result<()> {
        let (kind, at) = (self.choices.arbitrary()?, self.choices.arbitrary()?);
        self.handles.free(kind, at);
        Ok(())
    }

    /// `authorize` or `check`.
    fn decide(&mut self) -> Result<()> {
        let asked = Asked::choose(&mut self.choices)?;
        let blocks = self.choices.arbitrary()?;
        let (mut token, mut answer) = (Out::new(self.given()?), Out::new(self.given()?));
        let (mut wanted, mut limit) = (Out::new(self.given()?), OutNumber::new(self.given()?));
        let is_complete = token.is_given() && (blocks || (wanted.is_given() && limit.is_given()));
        let at = self.choices.arbitrary()?;
        let server = handles::pick(&self.handles.servers, at);
        // SAFETY: the request is as it says, or a request that is refused before it is read.
        let status = asked.lend(|request| unsafe {
            if blocks {
                verdict::scopegate_server_authorize(server, request, token.place(), answer.place())
            } else {
                verdict::scopegate_server_check(
                    server,
                    request,
                    token.place(),
                    wanted.place(),
                    limit.place(),
                    answer.place(),
                )
            }
        });
        let fault = asked.fault(server.is_some(), answer.is_given(), is_complete);
        assert!(fault.is_none_or(|fault| fault == status), "{status}, not {fault:?}");
        assert!(
            fault.is_some()
                || status >= 2000
                || (status == SCOPEGATE_OK)
                || (!blocks && (SCOPEGATE_NEED_KEYS..=SCOPEGATE_NEED_BODY).contains(&status)),
            "{status}"
        );
        self.handles.tokens.extend(token.taken_if(status == SCOPEGATE_OK));
        self.handles.key_requests.extend(wanted.taken_if(status == SCOPEGATE_NEED_KEYS));
        let limit = limit.taken_if(status == SCOPEGATE_NEED_BODY);
        assert!(limit.is_none_or(|limit| limit == 200 || limit == 4 << 20), "{limit:?}");
        let has_answer = ![SCOPEGATE_OK, SCOPEGATE_NEED_KEYS, SCOPEGATE_NEED_BODY].contains(&status);
        self.answered(status, answer, has_answer);
        Ok(())
    }

    fn check_after(&mut self) -> Result<()> {
        let asked = Asked::choose(&mut self.choices)?;
        let (mut token, mut limit, mut answer) =
            (Out::new(self.given()?), OutNumber::new(true), Out::new(self.given()?));
        let (at, wanted_at) = (self.choices.arbitrary()?, self.choices.arbitrary()?);
        let server = handles::pick(&self.handles.servers, at);
        let wanted = handles::pick(&self.handles.key_requests, wanted_at);
        let is_complete = token.is_given() && wanted.is_some();
        // SAFETY: the request is as it says, or a request that is refused before it is read.
        let status = asked.lend(|request| unsafe {
            verdict::scopegate_server_check_after(
                server,
                request,
                wanted,
                token.place(),
                limit.place(),
                answer.place(),
            )
        });
        let fault = asked.fault(server.is_some(), answer.is_given(), is_complete);
        assert!(fault.is_none_or(|fault| fault == status), "{status}, not {fault:?}");
        assert_ne!(status, SCOPEGATE_NEED_KEYS);
        self.handles.tokens.extend(token.taken_if(status == SCOPEGATE_OK));
        limit.taken_if(status == SCOPEGATE_NEED_BODY);
        self.answered(status, answer, ![SCOPEGATE_OK, SCOPEGATE_NEED_BODY].contains(&status));
        Ok(())
    }

    fn require(&mut self) -> Result<()> {
        let asked = Asked::choose(&mut self.choices)?;
        let mut answer = Out::new(self.given()?);
        let (at, token_at) = (self.choices.arbitrary()?, self.choices.arbitrary()?);
        let server = handles::pick(&self.handles.servers, at);
        let token = handles::pick(&self.handles.tokens, token_at);
        // SAFETY: the request is as it says, or a request that is refused before it is read.
        let status = asked.lend(|request| unsafe {
            verdict::scopegate_server_require(server, token, request, answer.place())
        });
        let fault = asked.fault(server.is_some(), answer.is_given(), token.is_some());
        assert!(fault.is_none_or(|fault| fault == status), "{status}, not {fault:?}");
        self.answered(status, answer, status != SCOPEGATE_OK);
        Ok(())
    }

    /// `well_known`, `not_found`, `health_response`, `metrics_response` or `internal_error`.
    fn document(&mut self) -> Result<()> {
        let asked = Asked::choose(&mut self.choices)?;
        let (which, detail) = (self.choices.int_in_range(0..=4)?, self.text()?);
        let mut answer = Out::new(self.given()?);
        let at = self.choices.arbitrary()?;
        let server = handles::pick(&self.handles.servers, at);
        // SAFETY: the request is as it says, or a request that is refused before it is read; so is the text.
        let status = asked.lend(|request| unsafe {
            match which {
                0 => verdict::scopegate_server_well_known(server, request, answer.place()),
                1 => verdict::scopegate_server_not_found(server, request, answer.place()),
                3 => verdict::scopegate_server_health_response(server, request, answer.place()),
                4 => verdict::scopegate_server_metrics_response(server, request, answer.place()),
                _ => verdict::scopegate_server_internal_error(server, request, detail.lent(), answer.place()),
            }
        });
        if which == 2 {
            let fault = asked.fault(server.is_some(), answer.is_given(), true);
            assert_eq!(status, fault.unwrap_or(SCOPEGATE_INTERNAL));
            self.answered(status, answer, true);
        } else {
            assert!(
                matches!(
                    status,
                    SCOPEGATE_OK | SCOPEGATE_NOT_OURS | SCOPEGATE_NULL_ARGUMENT | SCOPEGATE_INVALID_ARGUMENT
                ),
                "{status}"
            );
            let document = answer.taken_if(status == SCOPEGATE_OK);
            document.iter().for_each(|document| handles::response_is_whole(document, SCOPEGATE_OK, None));
            self.handles.responses.extend(document);
        }
        Ok(())
    }

    fn answered(&mut self, status: Status, answer: Out<scopegate_c::response::Response>, is_promised: bool) {
        let answer = answer.taken_if(is_promised);
        let code = if status < 2000 { SCOPEGATE_INTERNAL } else { status };
        answer.iter().for_each(|answer| handles::response_is_whole(answer, code, Some(status)));
        self.handles.responses.extend(answer);
    }

    fn allowed(&mut self) -> Result<()> {
        let name = self.text()?;
        let kind =
            if self.given()? { self.choices.int_in_range(1..=3)? } else { self.choices.arbitrary()? };
        let (at, token_at) = (self.choices.arbitrary()?, self.choices.arbitrary()?);
        let server = handles::pick(&self.handles.servers, at);
        let token = handles::pick(&self.handles.tokens, token_at);
        // SAFETY: the text is readable, or has a length that no memory has.
        let status = unsafe { verdict::scopegate_server_allowed(server, token, kind, name.lent()) };
        match (server, token) {
            (Some(_), Some(_)) if !(1..=3).contains(&kind) || !name.is_utf8() => {
                assert_eq!(status, SCOPEGATE_INVALID_ARGUMENT)
            }
            (Some(_), Some(_)) => {
                assert!([SCOPEGATE_OK, SCOPEGATE_POLICY_DENIED].contains(&status), "{status}")
            }
            _ => assert_eq!(status, SCOPEGATE_NULL_ARGUMENT),
        }
        Ok(())
    }

    fn control_keys(&mut self) -> Result<()> {
        let (issuer, argument) = (self.text()?, self.text()?);
        let which = self.choices.int_in_range(0..=2)?;
        let mut error = Out::new(self.given()?);
        let at = self.choices.arbitrary()?;
        let server = handles::pick(&self.handles.servers, at);
        // SAFETY: the texts are readable, or have a length that no memory has.
        let status = unsafe {
            match which {
                0 => key_control::scopegate_server_distrust_key(
                    server,
                    issuer.lent(),
                    argument.lent(),
                    error.place(),
                ),
                1 => key_control::scopegate_server_replace_keys(
                    server,
                    issuer.lent(),
                    argument.lent(),
                    error.place(),
                ),
                _ => key_control::scopegate_server_resume(server, issuer.lent(), error.place()),
            }
        };
        let expected = if server.is_none() { SCOPEGATE_NULL_ARGUMENT } else { SCOPEGATE_INVALID_ARGUMENT };
        assert!(status == expected || (server.is_some() && status == SCOPEGATE_OK), "{status}");
        self.handles.errors.extend(error.taken_if(status != SCOPEGATE_OK));
        Ok(())
    }

    fn fetch_keys(&mut self) -> Result<()> {
        let which = self.choices.int_in_range(0..=1)?;
        let mut error = Out::new(self.given()?);
        let (at, wanted_at) = (self.choices.arbitrary()?, self.choices.arbitrary()?);
        let server = handles::pick(&self.handles.servers, at);
        let wanted = handles::pick(&self.handles.key_requests, wanted_at);
        let status = match which {
            0 => key_request::scopegate_server_refresh(server, wanted, error.place()),
            _ => key_request::scopegate_server_warm_up(server, error.place()),
        };
        assert!(
            matches!(status, SCOPEGATE_OK | SCOPEGATE_NULL_ARGUMENT | SCOPEGATE_KEYS_UNAVAILABLE),
            "{status}"
        );
        self.handles.errors.extend(error.taken_if(status != SCOPEGATE_OK));
        Ok(())
    }

    fn report(&mut self) -> Result<()> {
        let (mut made, mut error) = (Out::new(self.given()?), Out::new(self.given()?));
        let which = self.choices.int_in_range(0..=2)?;
        let at = self.choices.arbitrary()?;
        let server = handles::pick(&self.handles.servers, at);
        let status = match which {
            0 => report::scopegate_server_stats(server, made.place(), error.place()),
            1 => report::scopegate_server_health(server, made.place(), error.place()),
            _ => key_control::scopegate_server_export_keys(server, made.place(), error.place()),
        };
        let is_whole = server.is_some() && made.is_given();
        let expected: &[Status] = match which {
            _ if !is_whole => &[SCOPEGATE_NULL_ARGUMENT],
            1 => &[SCOPEGATE_OK, SCOPEGATE_KEYS_UNAVAILABLE],
            _ => &[SCOPEGATE_OK],
        };
        assert!(expected.contains(&status), "{status}");
        self.handles.reports.extend(made.taken_if(is_whole));
        self.handles.errors.extend(error.taken_if(!is_whole));
        Ok(())
    }

    fn constants(&mut self) -> Result<()> {
        let number = self.choices.arbitrary()?;
        assert!(is_text(status::scopegate_status_name(number)).is_some_and(|name| !name.is_empty()));
        assert!(is_text(version::scopegate_version()).is_some());
        assert_eq!(version::scopegate_abi(), version::SCOPEGATE_ABI);
        // SAFETY: a C string, and NULL.
        let (some, none) = unsafe {
            (string::scopegate_str_from(c"text".as_ptr()), string::scopegate_str_from(ptr::null()))
        };
        assert_eq!((some.len, none.len, none.data.is_null()), (4, 0, true));
        Ok(())
    }

    /// Everything that the handles lend.
    fn read_all(&mut self) -> Result<()> {
        self.handles.read_all(self.choices.arbitrary()?);
        assert_eq!(token::scopegate_token_issued_at(None), -1);
        Ok(())
    }
}

/// A text of the program's, without anything behind it.
struct Text {
    bytes: Box<[u8]>,
    /// A length that no memory has.
    odd: Option<usize>,
}

impl Text {
    fn of(bytes: &[u8]) -> Text {
        Text { bytes: bytes.into(), odd: None }
    }

    fn odd(len: usize) -> Text {
        Text { bytes: Box::default(), odd: Some(len | 1 << (usize::BITS - 1)) }
    }

    fn is_utf8(&self) -> bool {
        self.odd.is_none() && std::str::from_utf8(&self.bytes).is_ok()
    }

    fn lent(&self) -> Str {
        match self.odd {
            // Whether the pointer is NULL makes no difference.
            Some(len) if len & 2 == 0 => Str { data: ptr::null(), len },
            Some(len) => Str { data: self.bytes.as_ptr().cast(), len },
            None => Str { data: self.bytes.as_ptr().cast(), len: self.bytes.len() },
        }
    }
}
