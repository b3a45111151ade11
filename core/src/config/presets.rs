//! `preset`: what the tokens of well-known issuers are like, as data.
//!
//! A preset fills in members of an authorization server that were not given. It decides nothing that a configuration
//! without it could not say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::mistakes::Mistakes;
use super::server::{Advertise, AuthorizationServer, ClaimPath, Issuers, TokenFormat};
use super::servers::{Context, web_location};
use crate::keys::algorithm::Algorithm;

mod table;

/// What the tokens of one kind of issuer are like: the members of an authorization server that `preset` stands for, each
/// of which a member given beside it replaces.
///
/// URLs are forms: `{host}` and the other placeholders of `issuer` are one segment of the configured issuer each, but for
/// `{base}`, a host with or without a path; a `{tenant id}` is a GUID.
#[derive(Debug)]
#[non_exhaustive]
pub struct Preset {
    /// The value of `preset`.
    pub name: &'static str,
    /// The product and, where it has several, the kind of token.
    pub product: &'static str,
    /// The form of `issuer`, of the first one in a list.
    pub issuer: &'static str,
    /// What is often written in its place.
    pub issuer_hint: &'static str,
    /// Further accepted issuers, where a single one is given.
    pub further_issuers: &'static [&'static str],
    /// `discovery_url`.
    pub discovery_url: Option<&'static str>,
    /// `metadata_issuer`, where it is not the issuer.
    pub metadata_issuer: Option<&'static str>,
    /// `advertise`, where it is not the metadata's issuer.
    pub advertise: Option<&'static str>,
    /// `jwks_uri`, in place of discovery.
    pub jwks_uri: Option<&'static str>,
    /// `algorithms`.
    pub algorithms: &'static [Algorithm],
    /// `token_format`.
    pub token_format: TokenFormat,
    /// `additional_audiences`.
    pub additional_audiences: &'static [&'static str],
    /// `scope_claims`.
    pub scope_claims: &'static [&'static str],
    /// `client_id_claims`.
    pub client_id_claims: &'static [&'static str],
    /// `required_claims`.
    pub required_claims: &'static [(&'static str, &'static str)],
    /// What no preset can know.
    pub wants: &'static [PresetWant],
}

/// A value that the user must give beside a preset.
#[derive(Debug)]
#[non_exhaustive]
pub struct PresetWant {
    /// One of these must be given.
    pub one_of: &'static [PresetMember],
    /// What is expected there, and why.
    pub expected: &'static str,
}

/// A member of the configuration that a preset may want.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PresetMember {
    /// `additional_audiences` of the server.
    AdditionalAudiences,
    /// `scope_prefix` of the server.
    ScopePrefix,
    /// `unsafe_client_audience` of the server.
    UnsafeClientAudience,
    /// `required_claims` of the server.
    RequiredClaims,
    /// `required_scopes` of the resource.
    RequiredScopes,
    /// `policy` of the resource.
    Policy,
}

impl Preset {
    /// Every preset.
    pub const ALL: &'static [Preset] = table::PRESETS;

    /// Names that are no preset, each with the reason.
    pub const IMPOSSIBLE: &'static [(&'static str, &'static str)] = table::IMPOSSIBLE;
}

impl PresetMember {
    /// Its name in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            PresetMember::AdditionalAudiences => "additional_audiences",
            PresetMember::ScopePrefix => "scope_prefix",
            PresetMember::UnsafeClientAudience => "unsafe_client_audience",
            PresetMember::RequiredClaims => "required_claims",
            PresetMember::RequiredScopes => "required_scopes",
            PresetMember::Policy => "policy",
        }
    }

    fn is_of_server(self) -> bool {
        !matches!(self, PresetMember::RequiredScopes | PresetMember::Policy)
    }

    fn is_given(self, server: &AuthorizationServer, context: &Context<'_>) -> bool {
        match self {
            PresetMember::AdditionalAudiences => server.additional_audiences.is_some(),
            PresetMember::ScopePrefix => server.scope_prefix.is_some(),
            PresetMember::UnsafeClientAudience => server.unsafe_client_audience.is_some(),
            PresetMember::RequiredClaims => server.required_claims.is_some(),
            PresetMember::RequiredScopes => context.has_required_scopes,
            PresetMember::Policy => context.has_policy,
        }
    }
}

/// The server as its preset completes it; as it is where it has none, or an issuer that is not of its preset.
pub(super) fn fill<'a>(
    server: &'a AuthorizationServer,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> Cow<'a, AuthorizationServer> {
    let Some(preset) = server.preset.as_deref().and_then(|name| named(name, context, mistakes)) else {
        return Cow::Borrowed(server);
    };
    for want in preset.wants {
        ask_for(want, preset, server, context, mistakes);
    }
    match issuer_parts(preset, server, context, mistakes) {
        Some(parts) => Cow::Owned(completed(server.clone(), preset, &parts)),
        None => Cow::Borrowed(server),
    }
}

fn named(name: &str, context: &Context<'_>, mistakes: &mut Mistakes) -> Option<&'static Preset> {
    if let Some(preset) = Preset::ALL.iter().find(|preset| preset.name == name) {
        return Some(preset);
    }
    let known: Vec<_> = Preset::ALL.iter().map(|preset| preset.name).collect();
    let message = match Preset::IMPOSSIBLE.iter().find(|(impossible, _)| *impossible == name) {
        Some((_, reason)) => format!("expected one of {}; {name} cannot work: {reason}", known.join(", ")),
        None => format!("expected one of {}", known.join(", ")),
    };
    mistakes.add(format!("{}.preset", context.path), message);
    None
}

fn ask_for(
    want: &PresetWant,
    preset: &Preset,
    server: &AuthorizationServer,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) {
    if want.one_of.iter().any(|member| member.is_given(server, context)) {
        return;
    }
    let Some(member) = want.one_of.first() else { return };
    let path = match member.is_of_server() {
        true => format!("{}.{}", context.path, member.name()),
        false => member.name().to_owned(),
    };
    mistakes.add(path, format!("required by the preset {}: {}", preset.name, want.expected));
}

/// What the first issuer has in the places of its form's placeholders.
fn issuer_parts<'a>(
    preset: &Preset,
    server: &'a AuthorizationServer,
    context: &Context<'_>,
    mistakes: &mut Mistakes,
) -> Option<Parts<'a>> {
    let path = format!("{}.issuer", context.path);
    let issuer = server.issuer.as_slice().first().filter(|issuer| !issuer.is_empty())?;
    let Some(parts) = Parts::of(issuer, preset.issuer) else {
        let expected = preset.issuer;
        mistakes
            .add(path, format!("expected {expected} for the preset {}: {}", preset.name, preset.issuer_hint));
        return None;
    };
    if preset.issuer.starts_with("https:") {
        web_location(issuer, &path, context, mistakes);
    }
    (!mistakes.touch(&path)).then_some(parts)
}

fn completed(mut server: AuthorizationServer, preset: &Preset, parts: &Parts<'_>) -> AuthorizationServer {
    let located = server.jwks.is_some()
        || server.jwks_file.is_some()
        || server.jwks_uri.is_some()
        || server.discovery_url.is_some();
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let filled = |forms: &[&str]| forms.iter().map(|form| parts.fill(form)).collect::<Vec<_>>();
    if let Issuers::One(issuer) = &server.issuer {
        let further = filled(preset.further_issuers);
        server.issuer = Issuers::Several([vec![issuer.clone()], further].concat());
    }
    if !located {
        server.jwks_uri = preset.jwks_uri.map(|form| parts.fill(form));
        server.discovery_url = preset.discovery_url.map(|form| parts.fill(form));
    }
    server.metadata_issuer =
        server.metadata_issuer.or_else(|| preset.metadata_issuer.map(|form| parts.fill(form)));
    server.advertise =
        server.advertise.or_else(|| preset.advertise.map(|form| Advertise::As(parts.fill(form))));
    server.algorithms.get_or_insert_with(|| {
        preset.algorithms.iter().map(|algorithm| algorithm.name().to_owned()).collect()
    });
    server.token_format.get_or_insert(preset.token_format);
    server.additional_audiences.get_or_insert_with(|| filled(preset.additional_audiences));
    server
        .scope_claims
        .get_or_insert_with(|| owned(preset.scope_claims).into_iter().map(one_claim).collect());
    server.client_id_claims.get_or_insert_with(|| owned(preset.client_id_claims));
    server.required_claims.get_or_insert_with(|| required_claims(preset));
    server
}

fn one_claim(name: String) -> ClaimPath {
    ClaimPath(vec![name])
}

fn required_claims(preset: &Preset) -> BTreeMap<String, Value> {
    preset.required_claims.iter().map(|(claim, value)| ((*claim).to_owned(), (*value).into())).collect()
}

/// The parts of an issuer by their placeholders.
struct Parts<'a> {
    /// Whether it is plain http where the form says https, as issuers on loopback may be.
    is_plain_http: bool,
    named: Vec<(&'static str, &'a str)>,
}

impl<'a> Parts<'a> {
    fn of(issuer: &'a str, form: &'static str) -> Option<Parts<'a>> {
        let (form_scheme, mut form) = form.split_once("://")?;
        let (scheme, mut rest) = issuer.split_once("://")?;
        let is_plain_http = form_scheme == "https" && scheme == "http";
        if scheme != form_scheme && !is_plain_http {
            return None;
        }
        let mut named = Vec::new();
        while let Some((form_before, placeholder)) = form.rsplit_once('/') {
            let (before, segment) = rest.rsplit_once('/')?;
            if !segment_fits(segment, placeholder) {
                return None;
            }
            named.push((placeholder, segment));
            (form, rest) = (form_before, before);
        }
        let fits =
            !rest.is_empty() && !rest.contains(['?', '#']) && (form == "{base}" || !rest.contains('/'));
        named.push((form, rest));
        fits.then_some(Parts { is_plain_http, named })
    }

    fn fill(&self, form: &str) -> String {
        let mut text = form.to_owned();
        for (placeholder, part) in self.named.iter().filter(|(name, _)| name.starts_with('{')) {
            text = text.replace(placeholder, part);
        }
        match text.strip_prefix("https:") {
            Some(rest) if self.is_plain_http => format!("http:{rest}"),
            _ => text,
        }
    }
}

fn segment_fits(segment: &str, placeholder: &str) -> bool {
    match placeholder {
        "{tenant id}" => is_guid(segment),
        _ if placeholder.starts_with('{') => !segment.is_empty() && !segment.contains(['?', '#']),
        literal => segment == literal,
    }
}

/// Lower case as issuers write it.
fn is_guid(text: &str) -> bool {
    let lengths: Vec<usize> = text.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}
