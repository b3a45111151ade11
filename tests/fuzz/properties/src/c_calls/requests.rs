//! Requests as a C program builds them, good and odd.

use std::mem;
use std::ptr;
use std::sync::LazyLock;

use arbitrary::{Result, Unstructured};
use scopegate_c::request::{Call, Request};
use scopegate_c::status::{SCOPEGATE_INVALID_ARGUMENT, SCOPEGATE_NULL_ARGUMENT, Status};
use scopegate_c::string::Str;

use super::Text;
use crate::issuer::{self, NOW};

/// The parts of a request.
pub(super) struct Asked {
    method: Text,
    target: Text,
    /// Authorization, Origin, MCP-Protocol-Version, Mcp-Method, Mcp-Name, scopes.
    lists: [Vec<Text>; 6],
    preflight: [Option<Text>; 2],
    body: Option<Text>,
    calls: Option<Vec<McpCall>>,
    now: Option<i64>,
    oddity: Oddity,
}

struct McpCall {
    method: Text,
    name: Option<Text>,
    id_number: Option<i64>,
    id_text: Option<Text>,
}

/// What is wrong with a request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Oddity {
    Nothing,
    Null,
    Size(usize),
    /// A member that the library does not know is not 0.
    Tail,
    /// A later version of the struct, whose members are 0.
    Later,
    Flag(i32),
    BothForms,
    CountWithoutList(usize),
    OddLength(usize),
}

static TOKEN_LINES: LazyLock<[Vec<u8>; 5]> = LazyLock::new(|| {
    let good = issuer::good_token("mcp:read other");
    let lines = [
        format!("Bearer {good}"),
        format!("bearer  {good} "),
        "Bearer a.b.c".to_owned(),
        "Basic x".to_owned(),
    ];
    let [a, b, c, d] = lines.map(String::into_bytes);
    [a, b, c, d, b"Bearer \xff".to_vec()]
});

const BODIES: [&[u8]; 6] = [
    b"",
    br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"weather"}}"#,
    br#"{"jsonrpc":"2.0","id":"x","method":"tools/call","params":{"name":"other"}}"#,
    br#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#,
    b"{",
    &[b'['; 300],
];

const WORDS: [&[u8]; 12] = [
    b"",
    b"https://app.test",
    b"2026-07-28",
    b"tools/call",
    b"weather",
    b"other",
    b"mcp:read",
    b"mcp:write",
    b"a b",
    b"\xc3",
    b"=?base64?d2VhdGhlcg==?=",
    b"ping",
];

const TARGETS: [&[u8]; 5] = [
    b"/mcp",
    b"/.well-known/oauth-protected-resource/mcp",
    b"/.well-known/oauth-protected-resource/x?y",
    b"\xff",
    b"",
];

impl Asked {
    pub(super) fn choose(choices: &mut Unstructured<'_>) -> Result<Asked> {
        let method = Text::of(choices.choose(&[&b"POST"[..], b"GET", b"HEAD", b"OPTIONS", b"\xff"])?);
        let target = Text::of(choices.choose(&TARGETS)?);
        let mut lists: [Vec<Text>; 6] = Default::default();
        if choices.ratio(7, 8)? {
            lists[0].push(Text::of(choices.choose(&*TOKEN_LINES)?));
        }
        for _ in 0..choices.int_in_range(0..=3)? {
            let word = Text::of(choices.choose(&WORDS)?);
            lists[choices.int_in_range(0..=5)?].push(word);
        }
        let preflight = [word_or_none(choices)?, word_or_none(choices)?];
        let (mut body, mut calls) = (None, None);
        match choices.int_in_range(0..=3)? {
            0 | 1 => body = Some(Text::of(choices.choose(&BODIES)?)),
            2 => {
                calls = Some((0..choices.int_in_range(0..=2)?).map(|_| call(choices)).collect::<Result<_>>()?)
            }
            _ => {}
        }
        let now = match choices.int_in_range(0..=9)? {
            0 => None,
            1 => Some(choices.arbitrary()?),
            _ => Some(NOW),
        };
        let oddity = if choices.ratio(1, 5)? { oddity(choices)? } else { Oddity::Nothing };
        Ok(Asked { method, target, lists, preflight, body, calls, now, oddity })
    }

    /// The status that what is wrong with the arguments must have: looked at in this order.
    pub(super) fn fault(&self, has_server: bool, has_answer: bool, is_complete: bool) -> Option<Status> {
        if !has_answer || !has_server || self.oddity == Oddity::Null {
            return Some(SCOPEGATE_NULL_ARGUMENT);
        }
        let has_text = |call: &McpCall| {
            let texts = [Some(&call.method), call.name.as_ref(), call.id_text.as_ref()];
            texts.into_iter().flatten().all(Text::is_utf8)
        };
        let calls_fit = self
            .calls
            .iter()
            .flatten()
            .all(|call| has_text(call) && (call.id_number.is_none() || call.id_text.is_none()));
        if !matches!(self.oddity, Oddity::Nothing | Oddity::Later) || !calls_fit {
            return Some(SCOPEGATE_INVALID_ARGUMENT);
        }
        (!is_complete).then_some(SCOPEGATE_NULL_ARGUMENT)
    }

    /// Lends the request in the form of the interface.
    pub(super) fn lend<T>(&self, call: impl FnOnce(*const Request) -> T) -> T {
        #[repr(C)]
        struct Larger {
            request: Request,
            more: [usize; 4],
        }
        let absent = Str { data: ptr::null(), len: 0 };
        let lists: Vec<Box<[Str]>> =
            self.lists.iter().map(|list| list.iter().map(Text::lent).collect()).collect();
        let list = |at: usize| {
            (if lists[at].is_empty() { ptr::null() } else { lists[at].as_ptr() }, lists[at].len())
        };
        let lent = |text: &Option<Text>| text.as_ref().map_or(absent, Text::lent);
        let calls: Option<Box<[Call]>> =
            self.calls.as_ref().map(|calls| calls.iter().map(McpCall::lent).collect());
        let ((authorization, authorization_count), (origin, origin_count)) = (list(0), list(1));
        let ((protocol_version, protocol_version_count), (mcp_method, mcp_method_count)) = (list(2), list(3));
        let ((mcp_name, mcp_name_count), (scopes, scopes_count)) = (list(4), list(5));
        let request = Request {
            size: mem::size_of::<Request>(),
            method: self.method.lent(),
            target: self.target.lent(),
            authorization,
            authorization_count,
            origin,
            origin_count,
            access_control_request_method: lent(&self.preflight[0]),
            access_control_request_headers: lent(&self.preflight[1]),
            protocol_version,
            protocol_version_count,
            mcp_method,
            mcp_method_count,
            mcp_name,
            mcp_name_count,
            scopes,
            scopes_count,
            body: lent(&self.body),
            calls: calls.as_ref().map_or(ptr::null(), |calls| calls.as_ptr()),
            calls_count: calls.as_ref().map_or(0, |calls| calls.len()),
            now: self.now.as_ref().map_or(ptr::null(), ptr::from_ref),
            body_read: self.body.is_some().into(),
            calls_read: self.calls.is_some().into(),
        };
        let mut larger = Larger { request, more: [0; 4] };
        let request = &mut larger.request;
        match self.oddity {
            Oddity::Nothing => {}
            Oddity::Null => return call(ptr::null()),
            Oddity::Size(size) => request.size = size,
            Oddity::Tail => (request.size, larger.more[3]) = (mem::size_of::<Larger>(), 1),
            Oddity::Later => request.size = mem::size_of::<Larger>(),
            Oddity::Flag(flag) => request.body_read = flag,
            Oddity::BothForms => (request.body_read, request.calls_read) = (1, 1),
            Oddity::CountWithoutList(count) => (request.origin, request.origin_count) = (ptr::null(), count),
            Oddity::OddLength(len) => request.target.len = len,
        }
        call(ptr::from_ref(&larger).cast())
    }
}

impl McpCall {
    fn lent(&self) -> Call {
        let absent = Str { data: ptr::null(), len: 0 };
        Call {
            method: self.method.lent(),
            name: self.name.as_ref().map_or(absent, Text::lent),
            id_number: self.id_number.as_ref().map_or(ptr::null(), ptr::from_ref),
            id_text: self.id_text.as_ref().map_or(absent, Text::lent),
        }
    }
}

fn call(choices: &mut Unstructured<'_>) -> Result<McpCall> {
    Ok(McpCall {
        method: Text::of(choices.choose(&WORDS)?),
        name: word_or_none(choices)?,
        id_number: choices.arbitrary()?,
        id_text: word_or_none(choices)?,
    })
}

fn word_or_none(choices: &mut Unstructured<'_>) -> Result<Option<Text>> {
    let is_there = choices.arbitrary()?;
    if is_there { Ok(Some(Text::of(choices.choose(&WORDS)?))) } else { Ok(None) }
}

fn oddity(choices: &mut Unstructured<'_>) -> Result<Oddity> {
    const SIZE: usize = mem::size_of::<Request>();
    const TOP: usize = 1 << (usize::BITS - 1);
    Ok(match choices.int_in_range(0..=8)? {
        0 => Oddity::Null,
        1 => Oddity::Size(choices.int_in_range(0..=SIZE - 1)?),
        2 => Oddity::Size(choices.int_in_range(4097..=usize::MAX)?),
        3 => Oddity::Tail,
        4 => Oddity::Later,
        5 => Oddity::Flag(choices.int_in_range(2..=i32::MAX)?),
        6 => Oddity::BothForms,
        7 => Oddity::CountWithoutList(choices.int_in_range(1..=usize::MAX)?),
        _ => Oddity::OddLength(choices.int_in_range(TOP..=usize::MAX)?),
    })
}
