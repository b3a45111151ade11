//! The wire table: a refusal -> the bytes of its answer.

use crate::call::CallId;
use crate::challenge::{self, Challenge};
use crate::config::{RefusalBody, Settings};
use crate::reason::{Class, Reason};
use crate::refusal::{Particulars, Refusal, ScopeShortfall};
use crate::request::Request;
use crate::response::HttpResponse;

/// What every answer shares.
pub(crate) struct Wire<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) metadata_url: &'a str,
}

/// An answer before it becomes a response.
#[derive(Default)]
struct Answer {
    status: u16,
    challenge: Option<String>,
    retry_after: Option<u64>,
    /// `error_description`, as a JSON-RPC error repeats it.
    description: String,
    body: String,
}

impl Wire<'_> {
    /// The answer to a refused request.
    pub(crate) fn answer(&self, refusal: &Refusal, request: &Request<'_>) -> HttpResponse {
        let answer = match refusal.reason.class() {
            Class::Challenge => self.no_credential(request),
            Class::InvalidRequest => self.invalid_request(),
            Class::InvalidToken => self.invalid_token(request),
            Class::Forbidden => self.forbidden(refusal, request),
            Class::InvalidCall => invalid_call(refusal),
            Class::Unavailable => unavailable(refusal),
            Class::Internal => server_error(),
        };
        let mut response = answer.into_response();
        self.allow_origin(&mut response.headers, request);
        response
    }

    fn no_credential(&self, request: &Request<'_>) -> Answer {
        let scope = self.initial_scope(request);
        let challenge = Challenge { scope: &scope, ..self.challenge() };
        oauth_error(401, "unauthorized", "Bearer token required").challenging(challenge)
    }

    fn invalid_request(&self) -> Answer {
        let challenge = Challenge { error: Some("invalid_request"), ..self.challenge() };
        oauth_error(400, "invalid_request", "More than one credential was sent").challenging(challenge)
    }

    fn invalid_token(&self, request: &Request<'_>) -> Answer {
        let description = "Bearer token is invalid or expired";
        let scope = self.initial_scope(request);
        let challenge = Challenge {
            error: Some("invalid_token"),
            scope: &scope,
            error_description: Some(description),
            ..self.challenge()
        };
        oauth_error(401, "invalid_token", description).challenging(challenge)
    }

    fn forbidden(&self, refusal: &Refusal, request: &Request<'_>) -> Answer {
        let answer = match (&refusal.particulars, refusal.reason) {
            (Particulars::Scopes(shortfall), _) => self.insufficient_scope(shortfall),
            (_, Reason::OriginDenied) => return oauth_error(403, "access_denied", "Origin not allowed"),
            _ => oauth_error(403, "access_denied", "Not allowed").challenging(self.challenge()),
        };
        match &refusal.id {
            Some(id) if self.prefers_json_rpc(request) => answer.into_json_rpc(id),
            _ => answer,
        }
    }

    fn insufficient_scope(&self, shortfall: &ScopeShortfall) -> Answer {
        let need = shortfall.need.joined();
        let description = format!("Required scope: {need}");
        let challenge = |scope: &str| {
            let challenge = Challenge {
                error: Some("insufficient_scope"),
                scope,
                error_description: Some(&description),
                ..self.challenge()
            };
            challenge.to_header_value()
        };
        let mut listed = shortfall.need.clone();
        listed.extend(&shortfall.granted);
        let mut header = challenge(&listed.joined());
        if header.len() > challenge::MAX_BYTES {
            header = challenge(&need);
        }
        let body = format!(
            r#"{{"error":"insufficient_scope","error_description":{},"scope":{}}}"#,
            quoted(&description),
            quoted(&need)
        );
        Answer { status: 403, challenge: Some(header), description, body, retry_after: None }
    }

    /// Whether the answer to a 403 is a JSON-RPC error when the id is known.
    pub(crate) fn prefers_json_rpc(&self, request: &Request<'_>) -> bool {
        self.settings.refusal_body == RefusalBody::Auto && request.method == "POST"
    }

    fn challenge(&self) -> Challenge<'_> {
        Challenge { resource_metadata: self.metadata_url, ..Challenge::default() }
    }

    /// What a 401 asks for: never the policy's scopes, since the body is not read for strangers.
    fn initial_scope(&self, request: &Request<'_>) -> String {
        match &self.settings.initial_scopes {
            Some(scopes) => scopes.joined(),
            None => {
                let mut scopes = self.settings.required_scopes.clone();
                scopes.extend(request.scopes);
                scopes.joined()
            }
        }
    }

    /// Lets the scripts of a listed origin read the refusal.
    fn allow_origin(&self, headers: &mut Vec<(&'static str, String)>, request: &Request<'_>) {
        if let Some(origin) = listed_origin(&self.settings.cors_origins, request) {
            headers.push(("Access-Control-Allow-Origin", origin.to_owned()));
            headers.push(("Vary", "Origin".to_owned()));
            headers.push(("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After".to_owned()));
        }
    }
}

/// The answer to a fault that leaves no server to ask.
pub(crate) fn internal_error() -> HttpResponse {
    server_error().into_response()
}

/// The request's origin in the spelling of the list, if it has exactly one and the list has it.
pub(crate) fn listed_origin<'s>(origins: &'s [String], request: &Request<'_>) -> Option<&'s str> {
    match request.origin {
        [origin] => origins.iter().map(String::as_str).find(|listed| listed.as_bytes() == *origin),
        _ => None,
    }
}

impl Answer {
    fn into_response(self) -> HttpResponse {
        let mut headers =
            vec![("Content-Type", "application/json".to_owned()), ("Cache-Control", "no-store".to_owned())];
        headers.extend(self.challenge.map(|challenge| ("WWW-Authenticate", challenge)));
        headers.extend(self.retry_after.map(|seconds| ("Retry-After", seconds.to_string())));
        HttpResponse { status: self.status, headers, body: self.body.into_bytes() }
    }

    fn challenging(self, challenge: Challenge<'_>) -> Answer {
        Answer { challenge: Some(challenge.to_header_value()), ..self }
    }

    /// The same refusal as a JSON-RPC error: the Go client ends its session on anything else.
    fn into_json_rpc(self, id: &CallId) -> Answer {
        let error =
            format!(r#"{{"code":-32001,"message":{},"data":{}}}"#, quoted(&self.description), self.body);
        Answer { body: json_rpc_error(Some(id), &error), ..self }
    }
}

fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    let body = format!(r#"{{"error":"{error}","error_description":{}}}"#, quoted(description));
    Answer { status, description: description.to_owned(), body, ..Answer::default() }
}

fn server_error() -> Answer {
    oauth_error(500, "server_error", "Internal error")
}

fn invalid_call(refusal: &Refusal) -> Answer {
    let Particulars::Call(error) = &refusal.particulars else {
        return server_error();
    };
    let body = format!(r#"{{"code":{},"message":{}}}"#, error.code(), quoted(error.message()));
    let status = if refusal.reason == Reason::CallTooLarge { 413 } else { 400 };
    Answer { status, body: json_rpc_error(error.id(), &body), ..Answer::default() }
}

fn unavailable(refusal: &Refusal) -> Answer {
    let seconds = match refusal.particulars {
        Particulars::RetryAfter(wait) => wait.as_millis().div_ceil(1000).max(1) as u64,
        _ => 1,
    };
    let answer = oauth_error(503, "temporarily_unavailable", "Token keys are unavailable, try again later");
    Answer { retry_after: Some(seconds), ..answer }
}

fn json_rpc_error(id: Option<&CallId>, error: &str) -> String {
    let id = id.map_or_else(|| "null".to_owned(), CallId::to_json);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
