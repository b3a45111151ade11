//! The refusals of one configuration: each with what the rules say it holds.

use scopegate_core::testing::Issuer;
use scopegate_core::{Check, HttpResponse, Request, ResourceServer};
use serde::Serialize;
use serde_json::{Value, json};

use crate::configuration::{Configuration, ORIGIN};

/// One refusal: what it must say, and what was written.
#[derive(Serialize)]
pub(crate) struct Refusal {
    pub(crate) case: &'static str,
    pub(crate) expected: Expected,
    pub(crate) written: Written,
}

#[derive(Serialize)]
pub(crate) struct Expected {
    pub(crate) status: u16,
    /// The names of the header lines, in order.
    pub(crate) headers: Vec<&'static str>,
    pub(crate) challenge: Option<Challenge>,
    pub(crate) body: Value,
}

/// What went into a challenge.
#[derive(Clone, Default, Serialize)]
pub(crate) struct Challenge {
    pub(crate) error: Option<&'static str>,
    pub(crate) scope: Vec<String>,
    pub(crate) resource_metadata: String,
    pub(crate) error_description: Option<String>,
}

/// What came out.
#[derive(Serialize)]
pub(crate) struct Written {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl From<HttpResponse> for Written {
    fn from(response: HttpResponse) -> Written {
        let body = String::from_utf8(response.body).expect("UTF-8");
        Written { status: response.status, headers: response.headers, body }
    }
}

/// The largest challenge that lists granted scopes, in bytes.
const MAX_CHALLENGE: usize = 4096;

/// What is asked.
#[derive(Default)]
struct Asked<'a> {
    get: bool,
    authorization: Vec<String>,
    body: Option<String>,
    origin: Option<&'a str>,
    scopes: Option<&'a str>,
}

/// A configuration with its server and its issuer.
pub(crate) struct Scene<'a> {
    pub(crate) configuration: &'a Configuration,
    pub(crate) server: &'a ResourceServer,
    pub(crate) issuer: &'a Issuer,
    pub(crate) metadata_url: &'a str,
    /// A good token with the scopes that are granted.
    pub(crate) authorization: &'a str,
}

impl Scene<'_> {
    pub(crate) fn refusals(&self) -> Vec<Refusal> {
        let configuration = self.configuration;
        let mut refusals = vec![
            self.without_credential(),
            self.with_bad_token(),
            self.with_two_credentials(),
            self.short_of_scope(true),
            self.short_of_scope(false),
            self.with_bad_argument(),
        ];
        if configuration.policy.is_some() {
            refusals.extend([self.denied_by_policy(), self.with_unreadable_call()]);
        }
        if configuration.allowed_origins {
            refusals.push(self.of_another_origin());
        }
        refusals.extend(configuration.others.first().map(|other| self.without_keys(other)));
        refusals
    }

    fn without_credential(&self) -> Refusal {
        let challenge = Challenge { scope: self.initial_scope(), ..self.challenge() };
        let body = oauth("unauthorized", "Bearer token required");
        self.ask("without credential", 401, Some(challenge), body, Asked::default())
    }

    fn with_bad_token(&self) -> Refusal {
        let description = "Bearer token is invalid or expired";
        let challenge = Challenge {
            error: Some("invalid_token"),
            scope: self.initial_scope(),
            error_description: Some(description.to_owned()),
            ..self.challenge()
        };
        let asked = Asked { authorization: vec!["Bearer a.b.c".to_owned()], ..Asked::default() };
        self.ask("with bad token", 401, Some(challenge), oauth("invalid_token", description), asked)
    }

    fn with_two_credentials(&self) -> Refusal {
        let challenge = Challenge { error: Some("invalid_request"), ..self.challenge() };
        let body = oauth("invalid_request", "More than one credential was sent");
        let lines = vec!["Bearer a".to_owned(), "Bearer b".to_owned()];
        let asked = Asked { authorization: lines, ..Asked::default() };
        self.ask("with two credentials", 400, Some(challenge), body, asked)
    }

    fn short_of_scope(&self, get: bool) -> Refusal {
        let configuration = self.configuration;
        let of_policy = configuration.policy.iter().filter(|_| !get).flat_map(|policy| policy.need());
        let need = configuration.required_scopes.iter().chain(of_policy).chain(&configuration.request_scopes);
        let need = distinct(need);
        let description = format!("Required scope: {}", need.join(" "));
        let challenge = Challenge {
            error: Some("insufficient_scope"),
            scope: self.listed(&need, &description),
            error_description: Some(description.clone()),
            ..self.challenge()
        };
        let mut body = oauth("insufficient_scope", &description);
        body["scope"] = json!(need.join(" "));
        let (case, body, call) = match get {
            true => ("short of scope, GET", body, String::new()),
            false => ("short of scope, POST", self.to_post(&description, body), self.call("t")),
        };
        let asked = Asked {
            get,
            authorization: vec![self.authorization.to_owned()],
            body: Some(call),
            ..Asked::default()
        };
        self.ask(case, 403, Some(challenge), body, asked)
    }

    fn denied_by_policy(&self) -> Refusal {
        let body = self.to_post("Not allowed", oauth("access_denied", "Not allowed"));
        let asked = Asked {
            authorization: vec![self.authorization.to_owned()],
            body: Some(self.call("nobody")),
            ..Asked::default()
        };
        self.ask("denied by policy", 403, Some(self.challenge()), body, asked)
    }

    fn with_unreadable_call(&self) -> Refusal {
        let body = json!({"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}});
        let call = Some("{".to_owned());
        let asked =
            Asked { authorization: vec![self.authorization.to_owned()], body: call, ..Asked::default() };
        self.ask("with unreadable call", 400, None, body, asked)
    }

    fn of_another_origin(&self) -> Refusal {
        let body = oauth("access_denied", "Origin not allowed");
        let asked = Asked { origin: Some("https://other.test"), ..Asked::default() };
        self.ask("from another origin", 403, None, body, asked)
    }

    fn with_bad_argument(&self) -> Refusal {
        let asked = Asked { scopes: Some("\r\n"), ..Asked::default() };
        self.ask("with bad argument", 500, None, oauth("server_error", "Internal error"), asked)
    }

    /// A token of an issuer whose keys were not fetched.
    fn without_keys(&self, issuer: &str) -> Refusal {
        let body = oauth("temporarily_unavailable", "Token keys are unavailable, try again later");
        let authorization = vec![self.issuer.authorization(&json!({"iss": issuer}))];
        self.ask("without keys", 503, None, body, Asked { authorization, ..Asked::default() })
    }

    /// What a 401 asks for.
    fn initial_scope(&self) -> Vec<String> {
        let configuration = self.configuration;
        let required = configuration.required_scopes.iter().chain(&configuration.request_scopes);
        configuration.initial_scopes.clone().unwrap_or_else(|| distinct(required))
    }

    /// The need, and the granted scopes that the configuration knows, unless the challenge gets too long with them.
    fn listed(&self, need: &[String], description: &str) -> Vec<String> {
        let known = self.configuration.known();
        let granted = known.iter().filter(|scope| self.configuration.granted.contains(scope));
        let listed = distinct(need.iter().chain(granted));
        let written = format!(
            r#"Bearer error="insufficient_scope", scope="{}", resource_metadata="{}", error_description="{description}""#,
            listed.join(" "),
            self.metadata_url
        );
        match self.configuration.required_only || written.len() > MAX_CHALLENGE {
            true => need.to_vec(),
            false => listed,
        }
    }

    fn challenge(&self) -> Challenge {
        Challenge { resource_metadata: self.metadata_url.to_owned(), ..Challenge::default() }
    }

    /// The form of a 403 to a POST.
    fn to_post(&self, message: &str, data: Value) -> Value {
        let id = &self.configuration.id;
        let error = json!({"code": -32001, "message": message, "data": data});
        match self.configuration.oauth_bodies {
            true => data,
            false => json!({"jsonrpc": "2.0", "id": id, "error": error}),
        }
    }

    fn call(&self, tool: &str) -> String {
        let id = &self.configuration.id;
        json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool}}).to_string()
    }

    fn ask(
        &self,
        case: &'static str,
        status: u16,
        challenge: Option<Challenge>,
        body: Value,
        asked: Asked<'_>,
    ) -> Refusal {
        let mut headers = vec!["Content-Type", "Cache-Control"];
        headers.extend(challenge.as_ref().map(|_| "WWW-Authenticate"));
        headers.extend((status == 503).then_some("Retry-After"));
        if self.configuration.cors && asked.origin.is_none() {
            headers.extend(["Access-Control-Allow-Origin", "Vary", "Access-Control-Expose-Headers"]);
        }
        let expected = Expected { status, headers, challenge, body };
        Refusal { case, expected, written: self.written(asked).into() }
    }

    fn written(&self, asked: Asked<'_>) -> HttpResponse {
        let lines: Vec<&[u8]> = asked.authorization.iter().map(String::as_bytes).collect();
        let scopes: Vec<&str> = self.configuration.request_scopes.iter().map(String::as_str).collect();
        let scopes = asked.scopes.map_or(scopes, |scope| vec![scope]);
        let origin = [asked.origin.unwrap_or(ORIGIN).as_bytes()];
        let mut request = Request::new(if asked.get { "GET" } else { "POST" }, "/mcp")
            .authorization(&lines)
            .origin(&origin)
            .scopes(&scopes);
        if let Some(body) = &asked.body {
            request = request.body(body.as_bytes());
        }
        let check = self.server.check_fetching(&request, |_| {}); // nothing is fetched
        match check {
            Check::Done(Err(refusal)) => refusal.response().clone(),
            other => panic!("expected a refusal: {other:?}"),
        }
    }
}

fn oauth(error: &str, description: &str) -> Value {
    json!({"error": error, "error_description": description})
}

/// Each once, at its first place.
fn distinct<'s>(scopes: impl Iterator<Item = &'s String>) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for scope in scopes {
        if !distinct.contains(scope) {
            distinct.push(scope.clone());
        }
    }
    distinct
}
