//! The forms in the JSON schema of what is read by hand.

use schemars::JsonSchema;

use super::AuthorizationServer;

#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code)]
pub(super) enum StringOrStrings {
    One(String),
    Several(Vec<String>),
}

/// An authorization server: its issuer identifier, or an object.
#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code)]
pub(super) enum IssuerOrObject {
    Issuer(String),
    Object(Box<AuthorizationServer>),
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code)]
pub(super) enum NeedOrDeny {
    Need(Vec<String>),
    Word(Deny),
}

#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[allow(dead_code)]
pub(super) enum Deny {
    Deny,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code)]
pub(super) enum IdentifierOrFalse {
    As(String),
    Hidden(bool),
}
