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
        let problems = problems(server);
        let path = format!("authorization_servers[{index}]");
        match &server.tenants {
            _ if !problems.is_empty() => {} // whatever is said of the rest would be a consequence
            None => written.push(Written { index, server: Cow::Borrowed(server) }),
            Some(tenants) => {
                let each = of_tenants(server, tenants).into_iter();
                written.extend(each.map(|server| Written { index, server: Cow::Owned(server) }));
            }
        }
        for (member, expected) in problems {
            mistakes.add(format!("{path}.{member}"), expected);
        }
    }
    written
}

/// What is wrong with a template: each member, and what is expected there.
fn problems(server: &AuthorizationServer) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    let mut add = |member: &str, expected: String| problems.push((member.to_owned(), expected));
    let Some(tenants) = &server.tenants else {
        if server.issuer.as_slice().iter().any(|issuer| issuer.contains(PLACE)) {
            add("tenants", format!("required: what {PLACE} stands for"));
        }
        return problems;
    };
    let is_template = matches!(server.issuer.as_slice(), [issuer] if issuer.matches(PLACE).count() == 1);
    if !is_template {
        add("issuer", format!("expected one issuer with {PLACE} in it, once"));
    }
    if tenants.is_empty() {
        add("tenants", "expected at least one tenant".to_owned());
    }
    for (index, tenant) in tenants.iter().enumerate() {
        let member = format!("tenants[{index}]");
        if !is_segment(tenant) {
            add(&member, "expected a segment of a path: letters, digits and -._~".to_owned());
        } else if tenants.iter().take(index).any(|earlier| earlier == tenant) {
            add(&member, "expected a tenant that is not listed before".to_owned());
        }
    }
    if share_keys(server) {
        let texts =
            [("metadata_issuer", server.metadata_issuer.as_deref()), ("advertise", advertised(server))];
        for (member, _) in texts.into_iter().filter(|(_, text)| text.is_some_and(|text| text.contains(PLACE)))
        {
            add(member, format!("expected a text without {PLACE}: the tenants share one key source"));
        }
    }
    problems
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
