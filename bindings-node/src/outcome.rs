//! What the core says -> plain objects for JavaScript.

use napi::bindgen_prelude::External;
use napi_derive::napi;
use scopegate_core::{AccessToken, Check, ConfigMistake, HttpResponse, Rejection};

use crate::keys::Keys;

/// A decision: exactly one member is set.
#[napi(object, object_from_js = false)]
pub(crate) struct Outcome {
    pub token: Option<Token>,
    pub refusal: Option<Refusal>,
    /// Keys must be fetched first.
    pub keys: Option<KeysNeeded>,
    /// The token is good, and the body decides: the most bytes of it that are read.
    pub body_limit: Option<i64>,
}

/// What a valid token says. The claims are asked for with the handle, when someone reads them.
#[napi(object, object_from_js = false)]
pub(crate) struct Token {
    pub handle: External<AccessToken>,
    pub issuer: String,
    pub subject: Option<String>,
    pub client_id: Option<String>,
    pub scopes: Vec<String>,
    pub effective_scopes: Vec<String>,
    pub audience: Vec<String>,
    pub resource: String,
    pub expires_at: i64,
    pub issued_at: Option<i64>,
    pub token_id: Option<String>,
    pub principal: Option<String>,
}

/// A refusal with the response that is ready to send.
#[napi(object, object_from_js = false)]
pub(crate) struct Refusal {
    pub reason: String,
    pub code: u32,
    pub detail: String,
    pub response: Response,
}

/// A response that is ready to send.
#[napi(object, object_from_js = false)]
pub(crate) struct Response {
    pub status: u32,
    /// Pairs of name and value, in the order they are sent.
    pub headers: Vec<Vec<String>>,
    pub body: String,
}

/// The calls in a body: exactly one member is set.
#[napi(object, object_from_js = false)]
pub(crate) struct Calls {
    pub json: Option<String>,
    pub refusal: Option<Refusal>,
}

/// The keys that a decision lacks.
#[napi(object, object_from_js = false)]
pub(crate) struct KeysNeeded {
    pub handle: External<Keys>,
    /// The number of the key source: one fetch at a time is enough for each.
    pub source: u32,
    /// The longest that this request may wait, in milliseconds.
    pub longest_wait: f64,
}

/// One mistake in a configuration.
#[napi(object, object_from_js = false)]
pub(crate) struct Mistake {
    pub path: String,
    pub message: String,
}

impl From<Check> for Outcome {
    fn from(check: Check) -> Self {
        let mut outcome = Outcome { token: None, refusal: None, keys: None, body_limit: None };
        match check {
            Check::Done(Ok(token)) => outcome.token = Some(token.into()),
            Check::Done(Err(rejection)) => outcome.refusal = Some((&*rejection).into()),
            Check::NeedKeys(wanted) => {
                outcome.keys = Some(KeysNeeded {
                    source: u32::try_from(wanted.source()).unwrap_or(u32::MAX),
                    longest_wait: wanted.longest_wait().as_secs_f64() * 1000.0,
                    handle: External::new(Keys::new(wanted)),
                });
            }
            Check::NeedBody { limit } => outcome.body_limit = Some(i64::try_from(limit).unwrap_or(i64::MAX)),
        }
        outcome
    }
}

impl From<AccessToken> for Token {
    fn from(token: AccessToken) -> Self {
        Token {
            issuer: token.issuer().to_owned(),
            subject: token.subject().map(str::to_owned),
            client_id: token.client_id().map(str::to_owned),
            scopes: token.scopes().to_vec(),
            effective_scopes: token.effective_scopes().to_vec(),
            audience: token.audience().to_vec(),
            resource: token.resource().to_owned(),
            expires_at: token.expires_at(),
            issued_at: token.issued_at(),
            token_id: token.token_id().map(str::to_owned),
            principal: token.principal().map(str::to_owned),
            handle: External::new(token),
        }
    }
}

impl From<&Rejection> for Refusal {
    fn from(rejection: &Rejection) -> Self {
        Refusal {
            reason: rejection.reason().name().to_owned(),
            code: rejection.code().into(),
            detail: rejection.detail().to_owned(),
            response: rejection.response().into(),
        }
    }
}

impl From<&HttpResponse> for Response {
    fn from(response: &HttpResponse) -> Self {
        let pair = |(name, value): &(&'static str, String)| vec![(*name).to_owned(), value.clone()];
        Response {
            status: response.status.into(),
            headers: response.headers.iter().map(pair).collect(),
            body: String::from_utf8_lossy(&response.body).into_owned(),
        }
    }
}

impl From<&ConfigMistake> for Mistake {
    fn from(mistake: &ConfigMistake) -> Self {
        Mistake { path: mistake.path.clone(), message: mistake.message.clone() }
    }
}
