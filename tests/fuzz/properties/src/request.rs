//! Header lines, method, target, origin, CORS -> check, authorize, well_known.

use std::sync::LazyLock;

use scopegate_core::{Check, HttpResponse, Reason, Request, ResourceServer};
use serde_json::{Value, json};

use crate::answer;
use crate::challenge::PARAMETERS;
use crate::fields::Fields;
use crate::issuer::{self, NOW};
use crate::outcome::Outcome;

/// Input: configuration, method, target, Authorization lines (0x1d stands for a good token), Origin lines,
/// Access-Control-Request-Method, Access-Control-Request-Headers, scopes of the request, whether the body is there, and the
/// body.
pub fn holds_for(input: &[u8]) {
    let mut fields = Fields::of(input);
    let scene = &SCENES[fields.choice(SCENES.len())];
    let (method, target) = (fields.text(), fields.text());
    let authorization: Vec<Vec<u8>> = fields.list().into_iter().map(with_token).collect();
    let authorization: Vec<&[u8]> = authorization.iter().map(Vec::as_slice).collect();
    let origin = fields.list();
    let (asked_method, asked_headers) = (fields.next(), fields.next());
    let scopes = fields.texts();
    let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
    let has_body = fields.choice(2) == 1;
    let present = |value| Some(value).filter(|value: &&[u8]| !value.is_empty());
    let mut request = Request::new(&method, &target)
        .authorization(&authorization)
        .origin(&origin)
        .access_control_request_method(present(asked_method))
        .access_control_request_headers(present(asked_headers))
        .scopes(&scopes)
        .now(NOW);
    if has_body {
        request = request.body(fields.rest());
    }
    let asked =
        Asked { method: &method, target: &target, origin: &origin, is_preflight: !asked_method.is_empty() };
    decision(scene, &request, &authorization, &scopes, &asked);
    well_known(scene, &request, &asked);
}

/// A server, and what its configuration says in the terms of this target.
struct Scene {
    server: ResourceServer,
    metadata_paths: &'static [&'static str],
    cors: &'static [&'static str],
    allowed: Option<&'static [&'static str]>,
}

struct Asked<'a> {
    method: &'a str,
    target: &'a str,
    origin: &'a [&'a [u8]],
    is_preflight: bool,
}

const PATH: &str = "/.well-known/oauth-protected-resource/mcp";
const ORIGINS: &[&str] = &["https://app.test", "http://localhost:3000"];

static SCENES: LazyLock<[Scene; 4]> = LazyLock::new(|| {
    let scene = |members, metadata_paths, cors, allowed| Scene {
        server: issuer::server(members),
        metadata_paths,
        cors,
        allowed,
    };
    [
        scene(json!({"required_scopes": ["mcp:read"]}), &[PATH], &[], None),
        scene(
            json!({"cors_origins": ORIGINS, "serve_root_metadata": true, "policy": {"default": []}}),
            &[PATH, "/.well-known/oauth-protected-resource"],
            ORIGINS,
            None,
        ),
        scene(
            json!({"resource": "https://mcp.test/", "allowed_origins": ORIGINS, "cors_origins": ORIGINS,
                   "additional_audiences": [issuer::RESOURCE]}),
            &["/.well-known/oauth-protected-resource"],
            ORIGINS,
            Some(ORIGINS),
        ),
        scene(
            json!({"resource": "https://mcp.test/a/b/?q=1", "refusal_body": "oauth", "initial_scopes": ["x"],
                   "additional_audiences": [issuer::RESOURCE], "required_scopes": ["nobody:has"]}),
            &["/.well-known/oauth-protected-resource/a/b/", "/.well-known/oauth-protected-resource/a/b"],
            &[],
            None,
        ),
    ]
});

static GOOD: LazyLock<String> = LazyLock::new(|| issuer::good_token("mcp:read other"));

fn with_token(line: &[u8]) -> Vec<u8> {
    line.split(|byte| *byte == 0x1d).collect::<Vec<_>>().join(GOOD.as_bytes())
}

fn decision(scene: &Scene, request: &Request<'_>, lines: &[&[u8]], scopes: &[&str], asked: &Asked<'_>) {
    let check = scene.server.check(request);
    let first = Outcome::of_check(&check);
    assert_eq!(first, Outcome::of_check(&scene.server.check(request)), "the same request, another answer");
    let authorized = scene.server.authorize(request);
    let second = Outcome::of_result(authorized.as_ref().map_err(|rejection| &**rejection));
    match (&first, &second) {
        (Outcome::NeedBody(limit), Outcome::Refused(reason, _)) => {
            assert_eq!((*limit, *reason), (4 << 20, Reason::Internal));
        }
        (Outcome::NeedKeys, _) => panic!("keys that are in the configuration are asked for"),
        _ => assert_eq!(first, second, "check and authorize differ"),
    }
    for rejection in [check_rejection(&check), authorized.as_ref().err().map(|rejection| &**rejection)] {
        let Some(rejection) = rejection else { continue };
        answer::is_in_the_table(rejection);
        // Whole lines, and the token that may stand in them. The scopes of a request are the host's, and shown.
        if scopes.iter().all(|scope| scope.len() < answer::MIN_SECRET_BYTES) {
            answer::shows_none_of(rejection, &[&[GOOD.as_bytes()], lines].concat());
        }
        cors(scene, rejection.response(), asked);
    }
    let origin_passes =
        scene.allowed.is_none_or(|allowed| asked.origin.is_empty() || is_listed(allowed, asked));
    let credential = credential(lines);
    match first {
        Outcome::Accepted(_) | Outcome::NeedBody(_) => {
            assert!(origin_passes && scopes.iter().all(|scope| is_fit(scope)));
            assert_eq!(credential, Credential::Token(GOOD.clone().into_bytes()));
        }
        Outcome::Refused(reason, _) if !scopes.iter().all(|scope| is_fit(scope)) => {
            assert_eq!(reason, Reason::Internal);
        }
        Outcome::Refused(reason, _) if !origin_passes => assert_eq!(reason, Reason::OriginDenied),
        Outcome::Refused(reason, _) => match credential {
            Credential::None => assert_eq!(reason, Reason::MissingToken),
            Credential::Several => assert_eq!(reason, Reason::MultipleCredentials),
            Credential::TooLarge => assert_eq!(reason, Reason::TokenTooLarge),
            Credential::Token(token) if token == GOOD.as_bytes() => {
                assert!(matches!(reason, Reason::InsufficientScope | Reason::MalformedCall), "{reason}");
            }
            Credential::Token(_) => {
                let of_a_token = (3000..6000).contains(&reason.code());
                assert!(of_a_token, "{reason}");
            }
        },
        Outcome::NeedKeys => {}
    }
}

fn check_rejection(check: &Check) -> Option<&scopegate_core::Rejection> {
    match check {
        Check::Done(Err(rejection)) => Some(rejection),
        _ => None,
    }
}

fn is_fit(scope: &str) -> bool {
    !scope.is_empty()
        && scope != "offline_access"
        && scope.chars().all(|char| char.is_ascii_graphic() && char != '"' && char != '\\')
        && !PARAMETERS.iter().any(|name| scope.contains(name))
}

#[derive(Debug, PartialEq)]
enum Credential {
    None,
    Several,
    TooLarge,
    Token(Vec<u8>),
}

/// The rules on credentials once more, by words and not by bytes.
fn credential(lines: &[&[u8]]) -> Credential {
    let [line] = lines else {
        return if lines.is_empty() { Credential::None } else { Credential::Several };
    };
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = line.iter().position(|byte| !is_blank(byte)) else { return Credential::None };
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(0, |last| last + 1);
    // Between the two a tab is none.
    let scheme: Vec<u8> = line[start..end].iter().copied().take_while(|byte| *byte != b' ').collect();
    let token: Vec<u8> =
        line[start + scheme.len()..end].iter().copied().skip_while(|byte| *byte == b' ').collect();
    if !scheme.eq_ignore_ascii_case(b"bearer") || token.is_empty() {
        Credential::None
    } else if token.len() > 16384 {
        Credential::TooLarge
    } else if token.contains(&b',') {
        Credential::Several
    } else {
        Credential::Token(token)
    }
}

fn is_listed(origins: &[&str], asked: &Asked<'_>) -> bool {
    matches!(asked.origin, [origin] if origins.iter().any(|listed| listed.as_bytes() == *origin))
}

/// An origin may read an answer only if it is listed, and is then named exactly.
fn cors(scene: &Scene, response: &HttpResponse, asked: &Asked<'_>) {
    let allowed = response.header("Access-Control-Allow-Origin");
    let expected = asked.origin.first().filter(|_| is_listed(scene.cors, asked));
    assert_eq!(allowed.map(str::as_bytes), expected.copied());
    assert_eq!(response.header("Vary"), allowed.map(|_| "Origin"));
}

fn well_known(scene: &Scene, request: &Request<'_>, asked: &Asked<'_>) {
    let server = &scene.server;
    let found = server.well_known(request);
    assert_eq!(found, server.well_known(request));
    let path = path_of(asked.target);
    let is_ours = scene.metadata_paths.contains(&path);
    assert!(!is_ours || server.is_metadata_path(asked.target), "{path}");
    let is_preflight = asked.method == "OPTIONS" && asked.is_preflight && !asked.origin.is_empty();
    assert_eq!(found.is_some(), is_ours || is_preflight, "{} {}", asked.method, asked.target);
    let Some(response) = found else { return };
    answer::is_sendable(&response);
    if !is_ours {
        assert_eq!((response.status, response.body.len()), (204, 0));
        return cors(scene, &response, asked);
    }
    assert_eq!(response.header("Access-Control-Allow-Origin"), Some("*"));
    let status = match asked.method {
        "GET" | "HEAD" => 200,
        "OPTIONS" => 204,
        _ => 405,
    };
    assert_eq!(response.status, status);
    if asked.method == "GET" {
        let document: Value = serde_json::from_slice(&response.body).expect("JSON");
        assert_eq!(document["resource"], server.resource().as_str());
    }
}

/// The path of a target, by cutting off what stands around it.
fn path_of(target: &str) -> &str {
    let before_query = target.split('?').next().unwrap_or_default();
    match before_query.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => before_query,
    }
}
