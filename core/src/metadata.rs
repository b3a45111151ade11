//! Protected resource metadata (RFC 9728), its well-known paths, and preflights.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::Settings;
use crate::request::Request;
use crate::response::HttpResponse;
use crate::url::Url;
use crate::wire::listed_origin;

/// Where the metadata of every resource of an origin is (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// Where clients before MCP 2025-06-18 look for the metadata of the authorization server.
const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

/// The metadata document and where it is served.
#[derive(Debug)]
pub(crate) struct Metadata {
    pub(crate) url: String,
    document: Arc<str>,
    paths: Vec<String>,
    relays: bool,
}

impl Metadata {
    pub(crate) fn new(settings: &Settings) -> Metadata {
        let resource = &settings.resource;
        let path = resource_path(resource);
        let url = format!("{}{WELL_KNOWN}{path}{}", resource.authority_part(), resource.query());
        let mut paths = vec![format!("{WELL_KNOWN}{path}")];
        paths.extend(path.strip_suffix('/').map(|path| format!("{WELL_KNOWN}{path}")));
        paths.extend(settings.serve_root_metadata.then(|| WELL_KNOWN.to_owned()));
        Metadata { url, document: document(settings).into(), paths, relays: settings.relay.is_some() }
    }

    /// Every path at which something is served.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.paths.iter().map(String::as_str).chain(self.relays.then_some(AUTHORIZATION_SERVER))
    }

    /// The answer to a request for the metadata.
    pub(crate) fn respond(&self, request: &Request<'_>) -> Option<HttpResponse> {
        let path = path_of(request.target);
        self.paths
            .iter()
            .any(|served| served == path)
            .then(|| by_method(request.method, || Some(Arc::clone(&self.document))))
    }

    /// The answer to a request for the authorization server's metadata, where it is served. Without a document it is 503.
    pub(crate) fn relay(
        &self,
        request: &Request<'_>,
        document: impl FnOnce() -> Option<Arc<str>>,
    ) -> Option<HttpResponse> {
        let is_asked_for = self.relays && path_of(request.target) == AUTHORIZATION_SERVER;
        is_asked_for.then(|| by_method(request.method, document))
    }
}

/// The answer at a path of metadata. For GET and HEAD the document is asked for, and no other method.
fn by_method(method: &str, document: impl FnOnce() -> Option<Arc<str>>) -> HttpResponse {
    let open = ("Access-Control-Allow-Origin", "*".to_owned());
    let json = ("Content-Type", "application/json".to_owned());
    match method {
        "GET" | "HEAD" => {
            let (status, mut headers, body) = match document() {
                Some(document) => {
                    (200, vec![json, ("Cache-Control", "public, max-age=3600".to_owned()), open], document)
                }
                None => {
                    let headers = vec![
                        json,
                        ("Cache-Control", "no-store".to_owned()),
                        ("Retry-After", "1".to_owned()),
                        open,
                    ];
                    (503, headers, Arc::from(r#"{"error":"temporarily_unavailable"}"#))
                }
            };
            let mut body = body.as_bytes().to_vec();
            if method == "HEAD" {
                headers.push(("Content-Length", body.len().to_string()));
                body.clear();
            }
            HttpResponse { status, headers, body }
        }
        "OPTIONS" => {
            let headers = vec![
                open,
                ("Access-Control-Allow-Methods", "GET, HEAD".to_owned()),
                ("Access-Control-Allow-Headers", "*, Authorization, MCP-Protocol-Version".to_owned()),
                ("Access-Control-Max-Age", "86400".to_owned()),
            ];
            HttpResponse { status: 204, headers, body: Vec::new() }
        }
        _ => {
            let headers = vec![json, ("Allow", "GET, HEAD, OPTIONS".to_owned()), open];
            HttpResponse { status: 405, headers, body: br#"{"error":"method_not_allowed"}"#.to_vec() }
        }
    }
}

/// Whether a path is for metadata of some resource: an outermost adapter answers those that nobody serves with
/// [`not_found`].
pub(crate) fn is_metadata_path(target: &str) -> bool {
    path_of(target).strip_prefix(WELL_KNOWN).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The answer to a request for metadata that is not there.
pub(crate) fn not_found() -> HttpResponse {
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Access-Control-Allow-Origin", "*".to_owned()),
    ];
    HttpResponse { status: 404, headers, body: br#"{"error":"not_found"}"#.to_vec() }
}

/// The answer to a CORS preflight of a browser, which never carries a token.
pub(crate) fn preflight(cors_origins: &[String], request: &Request<'_>) -> Option<HttpResponse> {
    let asks = request.access_control_request_method.is_some() && !request.origin.is_empty();
    if request.method != "OPTIONS" || !asks {
        return None;
    }
    let mut headers = Vec::new();
    if let Some(origin) = listed_origin(cors_origins, request) {
        let mut allowed =
            "Authorization, Content-Type, Accept, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, \
                           Mcp-Name, Last-Event-ID, DPoP"
                .to_owned();
        for name in parameter_headers(request.access_control_request_headers.unwrap_or_default()) {
            allowed.push_str(", ");
            allowed.push_str(name);
        }
        headers = vec![
            ("Access-Control-Allow-Origin", origin.to_owned()),
            ("Vary", "Origin".to_owned()),
            ("Access-Control-Allow-Methods", "GET, POST, DELETE".to_owned()),
            ("Access-Control-Allow-Headers", allowed),
            ("Access-Control-Max-Age", "86400".to_owned()),
        ];
    }
    Some(HttpResponse { status: 204, headers, body: Vec::new() })
}

/// The most `Mcp-Param-*` headers that a preflight is allowed.
const MAX_PARAMETER_HEADERS: usize = 32;

/// The `Mcp-Param-*` names that a preflight asks for, each a header name of at most 128 bytes.
fn parameter_headers(asked: &[u8]) -> impl Iterator<Item = &str> {
    let names =
        asked.split(|byte| *byte == b',').filter_map(|name| std::str::from_utf8(name.trim_ascii()).ok());
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let is_parameter = move |name: &&str| {
        let prefix = "mcp-param-";
        (prefix.len() + 1..=128).contains(&name.len())
            && is_name(name)
            && name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    names.filter(is_parameter).take(MAX_PARAMETER_HEADERS)
}

/// The path of a request target, in origin form or in the absolute form that proxies are sent.
pub(crate) fn path_of(target: &str) -> &str {
    // An authority may end with the query (RFC 3986 section 3.2), in which slashes are no path.
    let target = target.split('?').next().unwrap_or_default();
    match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => {
            rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
        }
        _ => target,
    }
}

/// The path of the resource, less the slash directly after the host.
fn resource_path(resource: &Url) -> &str {
    if resource.path() == "/" { "" } else { resource.path() }
}

/// Members are written one by one: their order is part of the bytes.
fn document(settings: &Settings) -> String {
    let mut members = vec![
        ("resource", Value::from(settings.resource.as_str())),
        ("authorization_servers", Value::from(settings.advertised.clone())),
    ];
    if let Some(scopes) = &settings.scopes_supported {
        members.push(("scopes_supported", Value::from(scopes.as_slice().to_vec())));
    }
    members.push(("bearer_methods_supported", Value::from(vec!["header"])));
    members.extend(settings.metadata.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let written = members.iter().filter(|(_, value)| !is_zero(value));
    let written = written.map(|(name, value)| format!("{}:{value}", Value::from(*name)));
    format!("{{{}}}", written.collect::<Vec<_>>().join(","))
}

/// Members of zero value must be left out (RFC 9728 section 3.2).
fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Members that we compute.
const COMPUTED: [&str; 4] =
    ["resource", "authorization_servers", "scopes_supported", "bearer_methods_supported"];

/// Members that promise what is refused or not done.
const NOT_KEPT: [&str; 6] = [
    "dpop_bound_access_tokens_required",
    "dpop_signing_alg_values_supported",
    "tls_client_certificate_bound_access_tokens",
    "authorization_details_types_supported",
    "resource_signing_alg_values_supported",
    "signed_metadata",
];

/// Members for people, which may stand in several languages (RFC 9728 section 2.1).
const HUMAN: [&str; 4] =
    ["resource_name", "resource_documentation", "resource_policy_uri", "resource_tos_uri"];

/// Members that are URLs. The official Python client refuses a document whole in which one is not.
const LINKS: [&str; 4] = ["jwks_uri", "resource_documentation", "resource_policy_uri", "resource_tos_uri"];

/// Checks the further members of a configuration.
pub(crate) fn check_members(members: &Map<String, Value>, mistake: &mut dyn FnMut(String, &str)) {
    for (name, value) in members {
        let path = format!("metadata.{name}");
        let (untagged, tag) =
            name.split_once('#').map_or((name.as_str(), None), |(name, tag)| (name, Some(tag)));
        if COMPUTED.contains(&untagged) {
            mistake(path, "expected a member that is not computed from the configuration");
        } else if NOT_KEPT.contains(&untagged) {
            mistake(
                path,
                "expected no promise that is not kept: tokens bound to keys are refused, responses are not signed",
            );
        } else if name.is_empty() {
            mistake(path, "expected the name of a member");
        } else if is_known_but_for_case(untagged) {
            mistake(
                path,
                "expected a name that is not a registered one in other letters: they are lower case",
            );
        } else if (HUMAN.contains(&untagged) || LINKS.contains(&untagged)) && !value.is_string() {
            mistake(path, "expected a string");
        } else if LINKS.contains(&untagged) && value.as_str().is_some_and(|text| !is_link(text)) {
            mistake(path, "expected an http or https URL");
        } else if tag.is_some_and(|tag| tag.is_empty() || members.get(untagged).is_none_or(is_zero)) {
            mistake(path, "expected the same member without a language tag beside it");
        }
    }
}

/// Go's `encoding/json` matches names without case.
fn is_known_but_for_case(name: &str) -> bool {
    let mut known = COMPUTED.iter().chain(&NOT_KEPT).chain(&HUMAN).chain(&LINKS);
    known.any(|known| *known != name && known.eq_ignore_ascii_case(name))
}

/// A URL, perhaps with a fragment. An empty one is left out of the document.
pub(crate) fn is_link(text: &str) -> bool {
    let address = text.split_once('#').map_or(text, |(address, _)| address);
    text.is_empty()
        || (Url::parse(address).is_ok_and(|url| url.has_usual_host())
            && !text.bytes().any(|byte| !(0x21..=0x7e).contains(&byte)))
}
