//! Issuer templates: one entry for the tenants of an authorization server.

use std::borrow::Cow;

use super::mistakes::Mistakes;
use super::server::{Advertise, AuthorizationServer, Issuers};

/// What stands for the tenant.
const PLACE: &str = "{tenant}";

/// A configured server, or one tenant's.
pub(super) struct Written<'a> {
    /// Its place among the configured ones.
    pub(super) index: usize,
    pub(super) server: Cow<'a, AuthorizationServer>,
}

/// Every server, and in the place of a template those of its tenants: a server for each, or one for all where they share
/// their keys.
pub(super) fn expanded<'a>(servers: &'a [AuthorizationServer], mistakes: &mut Mistakes) -> Vec<Written<'a>> {
    let mut written = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let path = format!("authorization_servers[{index}]");
        match &server.tenants {
            None => {
                if server.issuer.as_slice().iter().any(|issuer| issuer.contains(PLACE)) {
                    mistakes.add(format!("{path}.tenants"), format!("required: what {PLACE} stands for"));
                }
                written.push(Written { index, server: Cow::Borrowed(server) });
            }
            Some(tenants) => {
                check(server, tenants, &path, mistakes);
                let each = of_tenants(server, tenants);
                written.extend(each.into_iter().map(|server| Written { index, server: Cow::Owned(server) }));
            }
        }
    }
    written
}

fn check(server: &AuthorizationServer, tenants: &[String], path: &str, mistakes: &mut Mistakes) {
    let is_template = matches!(server.issuer.as_slice(), [issuer] if issuer.matches(PLACE).count() == 1);
    if !is_template {
        mistakes.add(format!("{path}.issuer"), format!("expected one issuer with {PLACE} in it, once"));
    }
    if tenants.is_empty() {
        mistakes.add(format!("{path}.tenants"), "expected at least one tenant");
    }
    for (index, tenant) in tenants.iter().enumerate() {
        let path = format!("{path}.tenants[{index}]");
        if !is_segment(tenant) {
            mistakes.add(path, "expected a segment of a path: letters, digits and -._~");
        } else if tenants.iter().take(index).any(|earlier| earlier == tenant) {
            mistakes.add(path, "expected a tenant that is not listed before");
        }
    }
    if share_keys(server) {
        for (member, text) in
            [("metadata_issuer", server.metadata_issuer.as_deref()), ("advertise", advertised(server))]
        {
            if text.is_some_and(|text| text.contains(PLACE)) {
                let expected = format!("expected a text without {PLACE}: the tenants share one key source");
                mistakes.add(format!("{path}.{member}"), expected);
            }
        }
    }
}

/// Whether a text stands for itself wherever it is put into a URL.
fn is_segment(tenant: &str) -> bool {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !matches!(tenant, "" | "." | "..") && tenant.bytes().all(is_unreserved)
}

/// Whether the keys are at one place for all tenants: then the tenants are like a list of issuers.
fn share_keys(server: &AuthorizationServer) -> bool {
    let is_one_place = |url: &Option<String>| url.as_ref().is_some_and(|url| !url.contains(PLACE));
    server.jwks.is_some()
        || server.jwks_file.is_some()
        || is_one_place(&server.jwks_uri)
        || (server.jwks_uri.is_none() && is_one_place(&server.discovery_url))
}

fn advertised(server: &AuthorizationServer) -> Option<&str> {
    match &server.advertise {
        Some(Advertise::As(identifier)) => Some(identifier),
        _ => None,
    }
}

fn of_tenants(server: &AuthorizationServer, tenants: &[String]) -> Vec<AuthorizationServer> {
    let template = server.issuer.as_slice().first().cloned().unwrap_or_default();
    let issuers = tenants.iter().map(|tenant| template.replace(PLACE, tenant));
    if share_keys(server) {
        return vec![AuthorizationServer { issuer: Issuers::Several(issuers.collect()), ..server.clone() }];
    }
    let of_tenant = |(tenant, issuer): (&String, String)| {
        let put_in = |text: &Option<String>| text.as_ref().map(|text| text.replace(PLACE, tenant));
        AuthorizationServer {
            issuer: like(&server.issuer, issuer),
            discovery_url: put_in(&server.discovery_url),
            metadata_issuer: put_in(&server.metadata_issuer),
            advertise: match &server.advertise {
                Some(Advertise::As(identifier)) => Some(Advertise::As(identifier.replace(PLACE, tenant))),
                other => other.clone(),
            },
            jwks_uri: put_in(&server.jwks_uri),
            ..server.clone()
        }
    };
    tenants.iter().zip(issuers).map(of_tenant).collect()
}

/// One issuer, to which a preset may add others where it may to the template.
fn like(template: &Issuers, issuer: String) -> Issuers {
    match template {
        Issuers::One(_) => Issuers::One(issuer),
        Issuers::Several(_) => Issuers::Several(vec![issuer]),
    }
}
