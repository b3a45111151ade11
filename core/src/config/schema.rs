//! The forms in the JSON schema of what is read by hand.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::{AuthorizationServer, Preset};

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

/// One of the names in the table of presets.
pub(super) struct PresetName;

impl JsonSchema for PresetName {
    fn schema_name() -> Cow<'static, str> {
        "PresetName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = Preset::ALL.iter().map(|preset| preset.name).collect();
        json_schema!({"type": "string", "enum": names})
    }
}
