//! Verdicts on requests.

use std::mem::MaybeUninit;

use scopegate_core::{CallKind, Check, FullCall, ResourceServer};

use crate::answer::{Stop, decided, document};
use crate::argument::{ArgumentError, required};
use crate::guard::guard;
use crate::kept_token::{KeptToken, kept};
use crate::key_request::KeyRequest;
use crate::report::Report;
use crate::request::{Request, View};
use crate::response::Response;
use crate::server::Server;
use crate::status::{
    SCOPEGATE_NEED_BODY, SCOPEGATE_NEED_KEYS, SCOPEGATE_OK, SCOPEGATE_PANIC, SCOPEGATE_POLICY_DENIED, Status,
};
use crate::string::Str;
use crate::token::Token;

/// For `scopegate_server_allowed`: the tool of tools/call.
pub const SCOPEGATE_TOOL: i32 = 1;
/// For `scopegate_server_allowed`: the prompt of prompts/get.
pub const SCOPEGATE_PROMPT: i32 = 2;
/// For `scopegate_server_allowed`: the resource of resources/read.
pub const SCOPEGATE_RESOURCE: i32 = 3;

/// Decides whether a request may pass. *Blocks* only while keys are fetched that no held key can stand in for.
///
/// With `SCOPEGATE_OK` comes `token`. With **any** other status comes `answer`, the refusal that is ready to send: for
/// the reasons of 2000 and above, for a wrong argument and for a fault of the library alike. (Only where `answer` itself
/// is NULL there is the status alone.)
///
/// With a policy, or where the form of a 403 needs it, the request must carry its body: without it the refusal is
/// `SCOPEGATE_INTERNAL`, and its detail says so. Not checked: whether a token was revoked before it expires, and the
/// Host field.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_authorize(
    server: Option<&Server>,
    request: *const Request,
    token: Option<&mut MaybeUninit<Option<Box<Token>>>>,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        let token = required(token, "token")?;
        token.write(Some(Token::new(server.authorize(request)?)));
        Ok(SCOPEGATE_OK)
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_authorize", server, request, answer, judge) }
}

/// Decides without blocking and without IO, or says what is missing; for event loops. It may start a fetch in the
/// background.
///
/// As `scopegate_server_authorize`, but for two statuses that come without `answer`: with `SCOPEGATE_NEED_KEYS` comes
/// `wanted`: `scopegate_server_refresh` on another thread, then `scopegate_server_check_after`. With
/// `SCOPEGATE_NEED_BODY` comes `body_limit`: read the body, at most one byte more than that, and check again with it.
/// Strangers never cause the latter.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_check(
    server: Option<&Server>,
    request: *const Request,
    token: Option<&mut MaybeUninit<Option<Box<Token>>>>,
    wanted: Option<&mut MaybeUninit<Option<Box<KeyRequest>>>>,
    body_limit: Option<&mut MaybeUninit<usize>>,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        let token = required(token, "token")?;
        let wanted = required(wanted, "wanted")?;
        let body_limit = required(body_limit, "body_limit")?;
        match server.check(request) {
            Check::NeedKeys(keys) => {
                wanted.write(Some(Box::new(KeyRequest(keys))));
                Ok(SCOPEGATE_NEED_KEYS)
            }
            check => finished(check, server, request, token, body_limit),
        }
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_check", server, request, answer, judge) }
}

/// Decides again after `scopegate_server_refresh`, whatever came of it. Never `SCOPEGATE_NEED_KEYS`; everything else is
/// as with `scopegate_server_check`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_check_after(
    server: Option<&Server>,
    request: *const Request,
    wanted: Option<&KeyRequest>,
    token: Option<&mut MaybeUninit<Option<Box<Token>>>>,
    body_limit: Option<&mut MaybeUninit<usize>>,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        let wanted = required(wanted, "wanted")?;
        let token = required(token, "token")?;
        let body_limit = required(body_limit, "body_limit")?;
        finished(server.check_after(request, &wanted.0), server, request, token, body_limit)
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_check_after", server, request, answer, judge) }
}

/// Checks a further need on a token that was verified for this request: the `scopes` of `request`, and with a body or
/// calls the policy too. The method, Origin and body of `request` give the refusal its form. The token's times are not
/// checked again.
///
/// `SCOPEGATE_OK`; with any other status comes `answer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_require(
    server: Option<&Server>,
    token: Option<&Token>,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        server.require(&required(token, "token")?.core, request)?;
        Ok(SCOPEGATE_OK)
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_require", server, request, answer, judge) }
}

/// As `scopegate_server_require`, for a program that kept what the token said and freed the token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_require_kept(
    server: Option<&Server>,
    token: *const KeptToken,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        // SAFETY: the caller hands in a readable token.
        server.require_kept(&unsafe { kept(token) }?, request)?;
        Ok(SCOPEGATE_OK)
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_require_kept", server, request, answer, judge) }
}

/// The calls in the body of a request, for a need that depends on their arguments: find it once the request may pass, then
/// check it with `scopegate_server_require`.
///
/// With `SCOPEGATE_OK` comes `report`, a JSON array of objects with `method`, `name` (the tool, the prompt or the URI of
/// the resource, else null) and `params` (an object, or null); it is empty for a body that calls nothing. With any other
/// status comes `answer`: the body, which must be in `request`, is read as a policy reads it, with one or without, and in
/// the arguments too refused where two parsers could find different things.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_calls(
    server: Option<&Server>,
    request: *const Request,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        let report = required(report, "report")?;
        let calls: Vec<String> = server.calls(request)?.iter().map(FullCall::to_json).collect();
        report.write(Some(Report::new(&format!("[{}]", calls.join(",")))));
        Ok(SCOPEGATE_OK)
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_calls", server, request, answer, judge) }
}

/// Why a request would be accepted or refused now: every check in its order, with what was expected and what was found. For
/// operators and for whoever holds the token. It decides as `scopegate_server_check` does and leaves no traces: nothing is
/// fetched, counted or remembered. So fetch keys before, with `scopegate_server_warm_up`.
///
/// With `SCOPEGATE_OK`, whatever the decision is, come `report` and `text`, either of which may be NULL. `report` is a JSON
/// object with `outcome` ("accepted", "refused", "needs_keys", "needs_body"), `reason`, `status`, `detail` and `checks`, a
/// list of objects with `check`, `outcome` ("passed", "failed", "not_reached", "not_asked"), `expected`, `found`, `hint` and
/// `reference`; what there is not is null. `text` is the same for people. Both show values of claims that a check is about,
/// verified or not, escaped and cut, and no part of the token as it was sent. With any other status comes `answer`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_explain(
    server: Option<&Server>,
    request: *const Request,
    report: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    text: Option<&mut MaybeUninit<Option<Box<Report>>>>,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        let explanation = server.explain(request);
        let (json, people) = (explanation.to_json(), explanation.to_string());
        if let Some(report) = report {
            report.write(Some(Report::new(&json)));
        }
        if let Some(text) = text {
            text.write(Some(Report::new(&people)));
        }
        Ok(SCOPEGATE_OK)
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_explain", server, request, answer, judge) }
}

/// Whether a token may use a tool, prompt or resource (`kind` is `SCOPEGATE_TOOL`, `SCOPEGATE_PROMPT` or
/// `SCOPEGATE_RESOURCE`) of this name: its scopes cover `required_scopes` and what the policy says of that name. For
/// filtering lists; a call is decided by its whole request.
///
/// `SCOPEGATE_OK` when it may, `SCOPEGATE_POLICY_DENIED` when not, for scopes or policy alike.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_allowed(
    server: Option<&Server>,
    token: Option<&Token>,
    kind: i32,
    name: Str,
) -> Status {
    allowance("scopegate_server_allowed", server, |server| {
        let token = required(token, "token")?;
        // SAFETY: the caller hands in a readable text.
        let (kind, name) = unsafe { named(kind, name) }?;
        Ok(server.allowed(&token.core, kind, name))
    })
}

/// As `scopegate_server_allowed`, for a program that kept what the token said and freed the token.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_allowed_kept(
    server: Option<&Server>,
    token: *const KeptToken,
    kind: i32,
    name: Str,
) -> Status {
    allowance("scopegate_server_allowed_kept", server, |server| {
        // SAFETY: the caller hands in a readable token and a readable text.
        let (token, (kind, name)) = unsafe { (kept(token)?, named(kind, name)?) };
        Ok(server.allowed_kept(&token, kind, name))
    })
}

/// # Safety
///
/// As [`Str::bytes`].
unsafe fn named<'a>(kind: i32, name: Str) -> Result<(CallKind, &'a str), ArgumentError> {
    let kind = match kind {
        SCOPEGATE_TOOL => CallKind::Tool,
        SCOPEGATE_PROMPT => CallKind::Prompt,
        SCOPEGATE_RESOURCE => CallKind::Resource,
        _ => return Err(ArgumentError::invalid("kind: expected SCOPEGATE_TOOL, _PROMPT or _RESOURCE")),
    };
    // SAFETY: by the same contract.
    let name = unsafe { name.bytes() }.ok().map(Option::unwrap_or_default);
    let name = name.and_then(|name| str::from_utf8(name).ok());
    Ok((kind, name.ok_or_else(|| ArgumentError::invalid("name: expected UTF-8"))?))
}

/// The guard of functions that say whether something is allowed.
fn allowance(
    entry: &str,
    server: Option<&Server>,
    is_allowed: impl FnOnce(&ResourceServer) -> Result<bool, ArgumentError>,
) -> Status {
    let judge = || {
        let is_allowed = is_allowed(&required(server, "server")?.core)?;
        Ok(if is_allowed { SCOPEGATE_OK } else { SCOPEGATE_POLICY_DENIED })
    };
    let judge = || judge().unwrap_or_else(|error: ArgumentError| error.status);
    guard(entry, || SCOPEGATE_PANIC, judge)
}

/// Answers a request for the metadata, or a preflight. Needs no token, never blocks. Ask it first.
///
/// With `SCOPEGATE_OK` comes `answer`, to be sent: after a fault of the library that is the refusal
/// `SCOPEGATE_INTERNAL`, so that nobody takes the request for the application's. With any other status comes nothing, and
/// the request goes on to `scopegate_server_authorize`: `SCOPEGATE_NOT_OURS` is the usual one, and a wrong argument is
/// refused there.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_well_known(
    server: Option<&Server>,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let find = |server: &ResourceServer, view: &View<'_>| view.lend(|request| server.well_known(request));
    // SAFETY: the caller keeps the contract of a request.
    unsafe { document("scopegate_server_well_known", server, request, answer, find) }
}

/// Answers a request for protected resource metadata that nobody serves, with a 404. For programs that own the whole
/// origin; ask it after every `scopegate_server_well_known`.
///
/// With `SCOPEGATE_OK` comes `answer`, as with `scopegate_server_well_known`. With any other status comes nothing,
/// `SCOPEGATE_NOT_OURS` for every other path.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_not_found(
    server: Option<&Server>,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let find = |server: &ResourceServer, view: &View<'_>| {
        server.is_metadata_path(view.target()).then(|| server.not_found())
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { document("scopegate_server_not_found", server, request, answer, find) }
}

/// Answers a probe at the path that the program keeps for it, with the status of `scopegate_server_health` and no more.
/// Needs no token, never blocks. The target is not looked at.
///
/// With `SCOPEGATE_OK` comes `answer`, as with `scopegate_server_well_known`. With any other status comes nothing,
/// `SCOPEGATE_NOT_OURS` for another method than GET and HEAD.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_health_response(
    server: Option<&Server>,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let find =
        |server: &ResourceServer, view: &View<'_>| view.lend(|request| server.health_response(request));
    // SAFETY: the caller keeps the contract of a request.
    unsafe { document("scopegate_server_health_response", server, request, answer, find) }
}

/// Answers a scraper at the path that the program keeps for it, with the text of `scopegate_server_metrics`. Needs no
/// token and names issuers, so operators alone should reach the path; everything else is as with
/// `scopegate_server_health_response`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_metrics_response(
    server: Option<&Server>,
    request: *const Request,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let find =
        |server: &ResourceServer, view: &View<'_>| view.lend(|request| server.metrics_response(request));
    // SAFETY: the caller keeps the contract of a request.
    unsafe { document("scopegate_server_metrics_response", server, request, answer, find) }
}

/// The refusal for a fault of the program, such as a body that could not be read: `SCOPEGATE_INTERNAL`, with `answer`.
/// `detail` says what happened, for `scopegate_response_detail`. It is never `SCOPEGATE_OK`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scopegate_server_internal_error(
    server: Option<&Server>,
    request: *const Request,
    detail: Str,
    answer: Option<&mut MaybeUninit<Option<Box<Response>>>>,
) -> Status {
    let judge = |server: &ResourceServer, request: &scopegate_core::Request<'_>| {
        // SAFETY: the caller hands in a readable text.
        let detail = unsafe { detail.bytes() }.ok().flatten().unwrap_or_default();
        let detail = String::from_utf8_lossy(detail);
        Err(Stop::Refused(Box::new(server.internal_error(&detail, request))))
    };
    // SAFETY: the caller keeps the contract of a request.
    unsafe { decided("scopegate_server_internal_error", server, request, answer, judge) }
}

/// The statuses of a check that does not ask for keys.
fn finished(
    check: Check,
    server: &ResourceServer,
    request: &scopegate_core::Request<'_>,
    token: &mut MaybeUninit<Option<Box<Token>>>,
    body_limit: &mut MaybeUninit<usize>,
) -> Result<Status, Stop> {
    match check {
        Check::Done(result) => {
            token.write(Some(Token::new(result?)));
            Ok(SCOPEGATE_OK)
        }
        Check::NeedBody { limit } => {
            body_limit.write(limit);
            Ok(SCOPEGATE_NEED_BODY)
        }
        Check::NeedKeys(_) => {
            Err(Stop::Refused(Box::new(server.internal_error("keys were asked for twice", request))))
        }
    }
}
