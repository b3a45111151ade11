//! Tokens: from bytes to claims to an access token.

pub(crate) mod access_token;
pub(crate) mod cache;
pub(crate) mod claims;
pub(crate) mod jws;
pub(crate) mod memory;
