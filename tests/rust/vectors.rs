//! Runs the shared vectors through the Rust API and writes the transcript that the other languages' must equal.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;

use scopegate_core::{AccessToken, CallKind, Explanation, HttpResponse, Reason, Rejection, ResourceServer};
use scopegate_tests::{Case, Input, Operation, Suite, repository, suites};
use serde::Serialize;
use serde_json::{Value, json};

#[test]
fn every_vector_has_its_answer() {
    let mut transcript = Vec::new();
    let mut failures = Vec::new();
    let mut ids = BTreeSet::new();
    for suite in suites() {
        let mut run = 0;
        for group in &suite.groups {
            let server = group.server();
            for case in &group.cases {
                assert!(ids.insert(case.id.clone()), "{}: this id stands twice", case.id);
                let line = Line::of(&server, case);
                failures.extend(line.mismatch(case));
                // A token that was verified before has the answer of one that was not. Without keys there is none, and a
                // further fetch that fails makes the wait longer.
                let has_keys = case.expect.get("status").is_none_or(|status| *status != 503);
                if has_keys && Line::of(&server, case) != line {
                    failures.push(format!("{}: another answer the second time", case.id));
                }
                transcript.push(line);
                run += 1;
            }
        }
        check_number(&suite, run, &mut failures);
    }
    write(&transcript);
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
    assert!(ids.len() >= 200, "only {} vectors", ids.len());
}

#[test]
fn every_reason_has_a_vector() {
    let seen: BTreeSet<String> = suites()
        .iter()
        .flat_map(|suite| &suite.groups)
        .flat_map(|group| &group.cases)
        .filter_map(|case| case.expect.get("reason")?.as_str().map(str::to_owned))
        .collect();
    let missing: Vec<_> = Reason::ALL.iter().filter(|reason| !seen.contains(reason.name())).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn check_number(suite: &Suite, run: usize, failures: &mut Vec<String>) {
    if run != suite.number_of_tests {
        failures.push(format!("{}: ran {run} of {} cases", suite.suite, suite.number_of_tests));
    }
}

/// One line of the transcript. Members have this order in every language.
#[derive(Default, PartialEq, Serialize)]
struct Line {
    id: String,
    reason: Option<&'static str>,
    code: Option<u16>,
    status: Option<u16>,
    headers: Option<Vec<(&'static str, String)>>,
    body: Option<String>,
    token: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// As `expect` has it.
    #[serde(skip)]
    explained: Option<Value>,
}

impl Line {
    fn of(server: &ResourceServer, case: &Case) -> Line {
        let blank = Line { id: case.id.clone(), ..Line::default() };
        let authorized = || Input::new(&case.request, case.now).with(|request| server.authorize(request));
        match case.operation {
            Operation::WellKnown => {
                let response = Input::new(&case.request, case.now).with(|request| server.well_known(request));
                match response {
                    Some(response) => blank.with_response(&response),
                    None => blank,
                }
            }
            Operation::Authorize => blank.with_decision(authorized()),
            Operation::Require => {
                let token = authorized().expect("the first request passes");
                let then = case.then.as_ref().expect("a case of require has a second request");
                let result = Input::new(then, case.now).with(|request| server.require(&token, request));
                blank.with_decision(result.map(|()| token))
            }
            Operation::Allowed => {
                let token = authorized().expect("the request passes");
                let kind = case.kind.as_deref().and_then(CallKind::from_name).expect("a known kind");
                let allowed = server.allowed(&token, kind, case.name.as_deref().expect("a name"));
                Line { allowed: Some(allowed), ..blank }
            }
            Operation::Explain => {
                let explanation = Input::new(&case.request, case.now).with(|request| server.explain(request));
                Line {
                    explanation: Some(explanation.to_json()),
                    text: Some(explanation.to_string()),
                    explained: Some(told(&explanation)),
                    ..blank
                }
            }
        }
    }

    fn with_decision(self, decision: Result<AccessToken, Box<Rejection>>) -> Line {
        match decision {
            Ok(token) => Line { token: Some(fields(&token)), ..self },
            Err(rejection) => {
                let line = self.with_response(rejection.response());
                Line { reason: Some(rejection.reason().name()), code: Some(rejection.code()), ..line }
            }
        }
    }

    fn with_response(self, response: &HttpResponse) -> Line {
        let body = String::from_utf8(response.body.clone()).expect("bodies are UTF-8");
        Line {
            status: Some(response.status),
            headers: Some(response.headers.clone()),
            body: Some(body),
            ..self
        }
    }

    /// What differs from the expected answer.
    fn mismatch(&self, case: &Case) -> Option<String> {
        let found = match case.operation {
            Operation::Allowed => json!({"allowed": self.allowed}),
            Operation::Explain => json!(self.explained),
            Operation::WellKnown if self.status.is_none() => json!({"response": null}),
            Operation::WellKnown => {
                json!({"response": {"status": self.status, "headers": self.headers, "body": self.body}})
            }
            _ if self.token.is_some() => json!({"token": self.token}),
            _ => json!({"reason": self.reason, "code": self.code, "status": self.status,
                        "headers": self.headers, "body": self.body}),
        };
        let expected = json!(case.expect);
        (found != expected)
            .then(|| format!("{}: {}\n  expected {expected}\n  found    {found}", case.id, case.comment))
    }
}

fn told(explanation: &Explanation) -> Value {
    let document: Value = serde_json::from_str(&explanation.to_json()).expect("JSON");
    let checks = document["checks"].as_array().expect("a list").iter();
    let named = |check: &Value| {
        format!("{} {}", check["outcome"].as_str().expect("a text"), check["check"].as_str().expect("a text"))
    };
    let failed = checks.clone().find(|check| check["outcome"] == "failed").unwrap_or(&Value::Null);
    json!({
        "outcome": document["outcome"],
        "reason": document["reason"],
        "status": document["status"],
        "checks": checks.map(named).collect::<Vec<_>>(),
        "expected": failed["expected"],
        "found": failed["found"],
        "hint": failed["hint"],
    })
}

fn fields(token: &AccessToken) -> Value {
    json!({
        "issuer": token.issuer(),
        "subject": token.subject(),
        "client_id": token.client_id(),
        "scopes": token.scopes(),
        "effective_scopes": token.effective_scopes(),
        "audience": token.audience(),
        "resource": token.resource(),
        "expires_at": token.expires_at(),
        "issued_at": token.issued_at(),
        "token_id": token.token_id(),
        "principal": token.principal(),
        "claims": token.claims_json(),
    })
}

fn write(transcript: &[Line]) {
    let folder = std::env::var_os("SCOPEGATE_TRANSCRIPTS")
        .map_or_else(|| repository().join("target/transcripts"), std::path::PathBuf::from);
    fs::create_dir_all(&folder).expect("a writable folder");
    let mut file = fs::File::create(folder.join("rust.jsonl")).expect("a writable file");
    for line in transcript {
        writeln!(file, "{}", serde_json::to_string(line).expect("JSON")).expect("a writable file");
    }
}
