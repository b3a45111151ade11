//! The answers that are the layer's own and no decision of the core's.

use serde_json::json;

use crate::response::HttpResponse;

/// The body decides, and is read as sent: inflating it here would be a second parser in front of the service's.
pub(super) fn encoding_refused() -> HttpResponse {
    let mut answer = unsupported("Content-Encoding");
    answer.headers.push(("Accept-Encoding", "identity".to_owned()));
    answer
}

/// The body decides, and is read as JSON in UTF-8: a service may read another type otherwise.
pub(super) fn type_refused() -> HttpResponse {
    unsupported("Content-Type")
}

fn unsupported(what: &str) -> HttpResponse {
    let message = format!("{what} not supported");
    let error = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32600, "message": message}});
    json_answer(415, error.to_string())
}

/// Another's session is answered like one that is not there.
pub(super) fn session_not_found() -> HttpResponse {
    let body = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#;
    json_answer(404, body.to_owned())
}

fn json_answer(status: u16, body: String) -> HttpResponse {
    let headers =
        vec![("Content-Type", "application/json".to_owned()), ("Cache-Control", "no-store".to_owned())];
    HttpResponse { status, headers, body: body.into_bytes() }
}
