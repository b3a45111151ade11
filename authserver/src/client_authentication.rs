//! Client authentication at the token endpoint (RFC 6749 section 2.3.1): `client_secret_basic` or
//! `client_secret_post`, never both.

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

use crate::client::{Client, Clients};
use crate::error::ErrorResponse;
use crate::request::Form;

/// The client that sent the request. An unknown client and a wrong secret are not told apart.
pub(crate) fn authenticate<'a>(
    clients: &'a Clients,
    headers: &HeaderMap,
    form: &Form,
) -> Result<&'a Client, ErrorResponse> {
    let (id, secret) = credentials(headers, form)?;
    clients.authenticate(&id, &secret).ok_or(ErrorResponse::invalid_client())
}

fn credentials(headers: &HeaderMap, form: &Form) -> Result<(String, String), ErrorResponse> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    match (lines.next(), lines.next()) {
        (None, _) => posted(form),
        (Some(line), None) => {
            let (id, secret) = basic(line).ok_or(ErrorResponse::invalid_client())?;
            if form.value("client_secret").is_some() {
                return Err(ErrorResponse::invalid_request("The client authenticated in two ways"));
            }
            // Clients repeat their identifier in the body, which is no second way to authenticate.
            if form.value("client_id").is_some_and(|repeated| repeated != id) {
                return Err(ErrorResponse::invalid_request("The request names two clients"));
            }
            Ok((id, secret))
        }
        (Some(_), Some(_)) => Err(ErrorResponse::invalid_request("The request has two Authorization lines")),
    }
}

fn posted(form: &Form) -> Result<(String, String), ErrorResponse> {
    match (form.value("client_id"), form.value("client_secret")) {
        (Some(id), Some(secret)) => Ok((id.to_owned(), secret.to_owned())),
        _ => Err(ErrorResponse::invalid_client()),
    }
}

fn basic(line: &HeaderValue) -> Option<(String, String)> {
    let (scheme, encoded) = line.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = pair.split_once(':')?;
    Some((form_decode(id)?, form_decode(secret)?))
}

fn form_decode(component: &str) -> Option<String> {
    let spaced = component.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8().ok().map(String::from)
}
