//! What the core says -> plain objects for JavaScript.

use napi::bindgen_prelude::External;
use napi::{Error, Result};
use napi_derive::napi;
use scopegate_core::{AccessToken, ConfigMistake, HttpResponse, KeyRequest, Rejection};

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

/// What a valid token says. The claims are asked for with the handle, when someone reads them.
#[napi(object, object_from_js = false)]
pub(crate) struct Token {
    pub handle: External<AccessToken>,
    /// Everything else, in one piece: `lib/access-token.js` takes it apart.
    pub text: String,
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

/// Stands between the fields of a token's text. No claim that is read holds it.
const SEPARATOR: char = '\0';

/// How many fields there are before the audience, which may have any number of names.
const FIELDS: usize = 10;

impl Token {
    /// Whatever may be absent begins with `+` when it is there. Scopes hold no blank (RFC 6749 section 3.3).
    pub(crate) fn new(token: AccessToken) -> Result<Token> {
        let some = |value: Option<&str>| value.map_or_else(String::new, |value| format!("+{value}"));
        let (expires_at, issued_at) =
            (token.expires_at().to_string(), token.issued_at().map(|at| at.to_string()));
        let fields: [&str; FIELDS] = [
            token.issuer(),
            &some(token.subject()),
            &some(token.client_id()),
            &token.scopes().join(" "),
            &token.effective_scopes().join(" "),
            token.resource(),
            &expires_at,
            &some(issued_at.as_deref()),
            &some(token.token_id()),
            &some(token.principal()),
        ];
        let mut text = fields.join("\0");
        for name in token.audience() {
            text.push(SEPARATOR);
            text.push_str(name);
        }
        // A field too many would be another user's name.
        if text.matches(SEPARATOR).count() != FIELDS - 1 + token.audience().len() {
            return Err(Error::from_reason("a claim with U+0000"));
        }
        Ok(Token { handle: External::new(token), text })
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
