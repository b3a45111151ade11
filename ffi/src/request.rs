//! The part of an HTTP request that decides whether it may pass.

use std::borrow::Cow;
use std::mem;
use std::ops::Deref;
use std::ptr;
use std::slice;
use std::str;

use scopegate_core::{CallId, McpCall};

use crate::argument::{ArgumentError, required};
use crate::string::Str;

/// The part of an HTTP request that decides whether it may pass. Begin with `SCOPEGATE_REQUEST_INIT` and set what the
/// request has; everything is read during the call only.
///
/// Header values are handed in as they were received, each field line by itself and in order: a list of lines has its
/// number beside it, and none is `{NULL, 0}`. Do not join lines, trim or decode: two parsers would disagree.
#[repr(C)]
pub struct Request {
    /// The size of this struct as the caller knows it; `SCOPEGATE_REQUEST_INIT` sets it. Members may be added at the
    /// end: a caller that knows more members than the library must leave those at 0.
    pub size: usize,
    /// The HTTP method.
    pub method: Str,
    /// The request target as received: path and query.
    pub target: Str,
    /// The values of *every* Authorization line. Two lines are two credentials, and refused.
    pub authorization: *const Str,
    /// How many.
    pub authorization_count: usize,
    /// The values of every Origin line.
    pub origin: *const Str,
    /// How many.
    pub origin_count: usize,
    /// The value of Access-Control-Request-Method, which makes an OPTIONS request a preflight. `data` NULL: absent.
    pub access_control_request_method: Str,
    /// The value of Access-Control-Request-Headers. `data` NULL: absent.
    pub access_control_request_headers: Str,
    /// The values of every MCP-Protocol-Version line.
    pub protocol_version: *const Str,
    /// How many.
    pub protocol_version_count: usize,
    /// The values of every Mcp-Method line.
    pub mcp_method: *const Str,
    /// How many.
    pub mcp_method_count: usize,
    /// The values of every Mcp-Name line.
    pub mcp_name: *const Str,
    /// How many.
    pub mcp_name_count: usize,
    /// Scopes that this request needs beside those of the configuration, such as those of a route. One that breaks the
    /// grammar of RFC 6749 section 3.3, or `offline_access`, refuses the request as `SCOPEGATE_INTERNAL`.
    pub scopes: *const Str,
    /// How many.
    pub scopes_count: usize,
    /// The whole body, as the program itself will read it. Only with `body_read`.
    pub body: Str,
    /// Instead of `body`, for programs whose own parser ran first: the calls in it, so that policy and program read the
    /// same object. Only with `calls_read`; no calls means a body without a request.
    pub calls: *const Call,
    /// How many.
    pub calls_count: usize,
    /// The time to judge by, in seconds since 1970. NULL: the machine's clock.
    pub now: *const i64,
    /// 1 when the body was read (a request without a body has an empty one), 0 when not yet.
    pub body_read: i32,
    /// 1 when `calls` stands for the body, else 0.
    pub calls_read: i32,
}

/// One JSON-RPC request or notification of MCP, as the program's own parser read it. Text is UTF-8.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Call {
    /// The JSON-RPC method.
    pub method: Str,
    /// `params.name` of tools/call and prompts/get, `params.uri` of resources/read, /subscribe and /unsubscribe.
    /// `data` NULL: none. What completion/complete and subscriptions/listen are about cannot be said here: such a call
    /// is refused, and has to be handed in as `body`.
    pub name: Str,
    /// The id, if it is a number; else NULL. It must be an integer within 2^53 of 0, or counts as unknown.
    pub id_number: *const i64,
    /// The id, if it is a string; `data` NULL: it is not. Longer than 256 bytes it counts as unknown.
    pub id_text: Str,
}

/// The largest `size` of a request that can be meant.
const MAX_SIZE: usize = 4096;

/// What a [`Request`] points to, checked as far as that can be.
#[derive(Default)]
pub(crate) struct View<'a> {
    method: Cow<'a, str>,
    target: Cow<'a, str>,
    authorization: Lines<'a>,
    origin: Lines<'a>,
    access_control_request_method: Option<&'a [u8]>,
    access_control_request_headers: Option<&'a [u8]>,
    protocol_version: Lines<'a>,
    mcp_method: Lines<'a>,
    mcp_name: Lines<'a>,
    scopes: Vec<Cow<'a, str>>,
    body: Option<&'a [u8]>,
    calls: Option<Vec<McpCall<'a>>>,
    now: Option<i64>,
}

impl<'a> View<'a> {
    /// Reads a request of the caller's.
    ///
    /// # Safety
    ///
    /// `request` is NULL, or as many bytes as its `size` are readable; what it points to is readable as its counts and
    /// lengths say, and unchanged for `'a`.
    pub(crate) unsafe fn read(request: *const Request) -> Result<View<'a>, ArgumentError> {
        let request = required((!request.is_null()).then_some(request), "request")?;
        // SAFETY: not NULL; the size is the first member of every version of the struct.
        let size = unsafe { ptr::read(request.cast::<usize>()) };
        // SAFETY: readable up to its size by the contract above; the size is checked before anything else is read.
        unsafe { check_size(request, size) }?;
        // SAFETY: it has at least the size of ours, and its fields may have every value.
        let request = unsafe { &*request };
        let read = flag(request.body_read, "body_read")?;
        let parsed = flag(request.calls_read, "calls_read")?;
        if read && parsed {
            return Err(ArgumentError::invalid("request.calls_read: expected 0 beside body_read 1"));
        }
        if (!read && request.body.len > 0) || (!parsed && request.calls_count > 0) {
            let detail = "request.body_read: expected 1 with a body, or calls_read 1 with calls";
            return Err(ArgumentError::invalid(detail));
        }
        // SAFETY: each pointer is readable as its count or length says, by the contract above.
        unsafe {
            Ok(View {
                method: text(request.method, "method")?,
                target: text(request.target, "target")?,
                authorization: lines(request.authorization, request.authorization_count, "authorization")?,
                origin: lines(request.origin, request.origin_count, "origin")?,
                access_control_request_method: bytes(
                    request.access_control_request_method,
                    "access_control_request_method",
                )?,
                access_control_request_headers: bytes(
                    request.access_control_request_headers,
                    "access_control_request_headers",
                )?,
                protocol_version: lines(
                    request.protocol_version,
                    request.protocol_version_count,
                    "protocol_version",
                )?,
                mcp_method: lines(request.mcp_method, request.mcp_method_count, "mcp_method")?,
                mcp_name: lines(request.mcp_name, request.mcp_name_count, "mcp_name")?,
                scopes: list(request.scopes, request.scopes_count, "scopes")?
                    .iter()
                    .map(|scope| text(*scope, "scopes"))
                    .collect::<Result<_, _>>()?,
                body: bytes(request.body, "body")?.or(Some(&[][..])).filter(|_| read),
                calls: parsed.then(|| calls(request.calls, request.calls_count)).transpose()?,
                now: request.now.as_ref().copied(),
            })
        }
    }

    pub(crate) fn method(&self) -> &str {
        &self.method
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Lends it to the core in the core's form.
    pub(crate) fn lend<T>(&self, judge: impl FnOnce(&scopegate_core::Request<'_>) -> T) -> T {
        let scopes: Vec<&str> = self.scopes.iter().map(|scope| &**scope).collect();
        let mut request = scopegate_core::Request::new(&self.method, &self.target)
            .authorization(&self.authorization)
            .origin(&self.origin)
            .access_control_request_method(self.access_control_request_method)
            .access_control_request_headers(self.access_control_request_headers)
            .protocol_version(&self.protocol_version)
            .mcp_method(&self.mcp_method)
            .mcp_name(&self.mcp_name)
            .scopes(&scopes);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        if let Some(calls) = &self.calls {
            request = request.calls(calls);
        }
        if let Some(now) = self.now {
            request = request.now(now);
        }
        judge(&request)
    }
}

/// A struct of a later version than ours is fine as long as the members that we do not know are 0: they could ask for a
/// stricter check.
///
/// # Safety
///
/// `size` bytes of `request` are readable.
unsafe fn check_size(request: *const Request, size: usize) -> Result<(), ArgumentError> {
    const KNOWN: usize = mem::size_of::<Request>();
    if !(KNOWN..=MAX_SIZE).contains(&size) {
        return Err(ArgumentError::invalid("request.size: expected SCOPEGATE_REQUEST_INIT"));
    }
    // SAFETY: by the contract above, and the size is that of a struct.
    let tail = unsafe { slice::from_raw_parts(request.cast::<u8>().add(KNOWN), size - KNOWN) };
    if tail.iter().any(|byte| *byte != 0) {
        let detail = "request.size: expected members that this library does not know to be 0";
        return Err(ArgumentError::invalid(detail));
    }
    Ok(())
}

fn flag(value: i32, name: &str) -> Result<bool, ArgumentError> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(ArgumentError::invalid(format!("request.{name}: expected 0 or 1"))),
    }
}

/// # Safety
///
/// As [`Str::bytes`].
unsafe fn bytes<'a>(value: Str, name: &str) -> Result<Option<&'a [u8]>, ArgumentError> {
    // SAFETY: by the same contract.
    unsafe { value.bytes() }
        .map_err(|_| ArgumentError::invalid(format!("request.{name}: expected a length that fits its data")))
}

/// Text whose bytes the core judges. What is not UTF-8 becomes U+FFFD, which equals no method and no path, and is no part
/// of a scope.
///
/// # Safety
///
/// As [`Str::bytes`].
unsafe fn text<'a>(value: Str, name: &str) -> Result<Cow<'a, str>, ArgumentError> {
    // SAFETY: by the same contract.
    let bytes = unsafe { bytes(value, name) }?;
    Ok(String::from_utf8_lossy(bytes.unwrap_or_default()))
}

/// # Safety
///
/// `count` items behind `items` are readable and unchanged for `'a`.
unsafe fn list<'a, T>(items: *const T, count: usize, name: &str) -> Result<&'a [T], ArgumentError> {
    let fits = count.checked_mul(mem::size_of::<T>()).is_some_and(|size| size <= isize::MAX.unsigned_abs());
    if !fits || (items.is_null() && count > 0) {
        return Err(ArgumentError::invalid(format!(
            "request.{name}_count: expected a count that fits its list"
        )));
    }
    if items.is_null() {
        return Ok(&[]);
    }
    // SAFETY: not NULL, not larger than memory, readable by the contract above.
    Ok(unsafe { slice::from_raw_parts(items, count) })
}

/// # Safety
///
/// As [`list`], and each item as [`Str::bytes`].
unsafe fn lines<'a>(items: *const Str, count: usize, name: &str) -> Result<Lines<'a>, ArgumentError> {
    // SAFETY: by the same contract.
    let items = unsafe { list(items, count, name) }?;
    // SAFETY: by the same contract.
    let line = |item: &Str| unsafe { bytes(*item, name) }.map(Option::unwrap_or_default);
    Ok(match items {
        [] => Lines::None,
        [only] => Lines::One([line(only)?]),
        all => Lines::More(all.iter().map(line).collect::<Result<_, _>>()?),
    })
}

/// The lines of a field. Nearly always there is one at the most, and no allocation.
#[derive(Default)]
enum Lines<'a> {
    #[default]
    None,
    One([&'a [u8]; 1]),
    More(Vec<&'a [u8]>),
}

impl<'a> Deref for Lines<'a> {
    type Target = [&'a [u8]];

    fn deref(&self) -> &[&'a [u8]] {
        match self {
            Lines::None => &[],
            Lines::One(line) => line,
            Lines::More(lines) => lines,
        }
    }
}

/// # Safety
///
/// As [`list`], and each text of each item as [`Str::bytes`].
unsafe fn calls<'a>(items: *const Call, count: usize) -> Result<Vec<McpCall<'a>>, ArgumentError> {
    // SAFETY: by the same contract.
    let items = unsafe { list(items, count, "calls") }?;
    // SAFETY: by the same contract.
    items.iter().map(|call| unsafe { mcp_call(call) }).collect()
}

/// # Safety
///
/// Each text as [`Str::bytes`], and `id_number` NULL or readable.
unsafe fn mcp_call<'a>(call: &Call) -> Result<McpCall<'a>, ArgumentError> {
    // SAFETY: by the same contract.
    let (method, name, text, number) = unsafe {
        let method = utf8(call.method, "calls[].method")?;
        let name = utf8(call.name, "calls[].name")?;
        (method, name, utf8(call.id_text, "calls[].id_text")?, call.id_number.as_ref())
    };
    let mut built = McpCall::new(method.unwrap_or_default());
    if let Some(name) = name {
        built = built.name(name);
    }
    Ok(match (number, text) {
        (None, None) => built,
        (Some(number), None) => built.id(CallId::Number(*number)),
        (None, Some(text)) => built.id(CallId::Text(text.to_owned())),
        (Some(_), Some(_)) => {
            let detail = "request.calls[].id_text: expected {NULL, 0} beside id_number";
            return Err(ArgumentError::invalid(detail));
        }
    })
}

/// Text of the program's own parser. Policy and program would read different names if it were mended here.
///
/// # Safety
///
/// As [`Str::bytes`].
unsafe fn utf8<'a>(value: Str, name: &str) -> Result<Option<&'a str>, ArgumentError> {
    // SAFETY: by the same contract.
    let bytes = unsafe { bytes(value, name) }?;
    let text = bytes.map(str::from_utf8).transpose();
    text.map_err(|_| ArgumentError::invalid(format!("request.{name}: expected UTF-8")))
}
