//! What the core says -> plain objects for JavaScript.

use napi::bindgen_prelude::External;
use napi_derive::napi;
use scopegate_core::{ConfigMistake, HttpResponse, KeyRequest, Rejection};

use crate::keys::Keys;

/// A decision that let nobody pass: exactly one member is set.
#[napi(object, object_from_js = false)]
#[derive(Default)]
pub(crate) struct Outcome {
    pub refusal: Option<Refusal>,
    /// Keys must be fetched first.
    pub keys: Option<KeysNeeded>,
    /// The token is good, and the body decides: the most bytes of it that are read.
    pub body_limit: Option<i64>,
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

impl Outcome {
    pub(crate) fn refused(rejection: &Rejection) -> Outcome {
        Outcome { refusal: Some(rejection.into()), ..Outcome::default() }
    }

    pub(crate) fn waiting(wanted: KeyRequest) -> Outcome {
        let keys = KeysNeeded {
            source: u32::try_from(wanted.source()).unwrap_or(u32::MAX),
            longest_wait: wanted.longest_wait().as_secs_f64() * 1000.0,
            handle: External::new(Keys::new(wanted)),
        };
        Outcome { keys: Some(keys), ..Outcome::default() }
    }

    pub(crate) fn reading(limit: usize) -> Outcome {
        Outcome { body_limit: Some(i64::try_from(limit).unwrap_or(i64::MAX)), ..Outcome::default() }
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
