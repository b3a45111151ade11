//! What a verified token said, in the caller's own memory.

use std::str;

use crate::argument::{ArgumentError, required};
use crate::string::Str;

/// What a verified token said, kept by a program that freed the token: one that cannot tell soon when nobody uses a token
/// any more, such as one with a garbage collector. All of it is copied from the `scopegate_token`; nothing is verified
/// again, so the program vouches for it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KeptToken {
    /// `scopegate_token_issuer`.
    pub issuer: Str,
    /// `scopegate_token_subject`. `data` NULL: absent.
    pub subject: Str,
    /// `scopegate_token_client_id`. `data` NULL: absent.
    pub client_id: Str,
    /// `scopegate_token_id`. `data` NULL: absent.
    pub token_id: Str,
    /// Each `scopegate_token_scope_at`, with single blanks between them.
    pub scope: Str,
}

/// # Safety
///
/// `token` is NULL or readable, with texts as [`Str::bytes`] wants them.
pub(crate) unsafe fn kept<'a>(
    token: *const KeptToken,
) -> Result<scopegate_core::KeptToken<'a>, ArgumentError> {
    let token = required((!token.is_null()).then_some(token), "token")?;
    // SAFETY: not NULL, and readable by the contract above.
    let token = unsafe { *token };
    // SAFETY: by the same contract.
    let text = |value: Str, name: &str| unsafe { text(value, name) };
    Ok(scopegate_core::KeptToken {
        issuer: required(text(token.issuer, "issuer")?, "token.issuer")?,
        subject: text(token.subject, "subject")?,
        client_id: text(token.client_id, "client_id")?,
        token_id: text(token.token_id, "token_id")?,
        scope: text(token.scope, "scope")?.unwrap_or_default(),
    })
}

/// # Safety
///
/// As [`Str::bytes`].
unsafe fn text<'a>(value: Str, name: &str) -> Result<Option<&'a str>, ArgumentError> {
    let invalid = |expected| ArgumentError::invalid(format!("token.{name}: expected {expected}"));
    // SAFETY: by the same contract.
    let bytes = unsafe { value.bytes() }.map_err(|_| invalid("a length that fits its data"))?;
    bytes.map(str::from_utf8).transpose().map_err(|_| invalid("UTF-8"))
}
