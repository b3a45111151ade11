//! The shared vectors through the C interface.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::records::Records;
use crate::toolchain::{LIBRARY, command, compile, record, repository, succeed};

#[test]
fn every_vector_has_its_answer() {
    let mut records = Records::default();
    let mut expected = Vec::new();
    for suite in suites() {
        let before = expected.len();
        for group in suite["groups"].as_array().expect("groups") {
            records.server(&group["config"]);
            if let Some(changes) = group.get("derive") {
                records.derive(changes);
            }
            if let Some(declared) = group.get("declared") {
                records.declare(declared, &group["report"]);
            }
            for case in group["cases"].as_array().expect("cases") {
                records.case(case);
                expected.push(line(case));
            }
        }
        assert_eq!(suite["number_of_tests"], expected.len() - before, "{}", suite["suite"]);
    }
    assert!(expected.len() >= 200, "only {} vectors", expected.len());

    let program = compile("vectors", &["tests/c/vectors.c"], &[], &LIBRARY);
    let trace = record("SCOPEGATE_TRACES", "target/traces").join("c.txt");
    let transcript = succeed(command(&program).arg(trace), records.into_bytes());
    fs::write(record("SCOPEGATE_TRANSCRIPTS", "target/transcripts").join("c.jsonl"), &transcript)
        .expect("a writable folder");
    let found: Vec<&str> = transcript.lines().collect();
    let wrong = found.iter().zip(&expected).find(|(found, expected)| !is_expected(found, expected));
    assert!(wrong.is_none(), "{wrong:#?}");
    assert_eq!(found.len(), expected.len());
}

/// The line of the transcript, as `tests/vectors/README.md` says.
fn line(case: &Value) -> String {
    let expect = &case["expect"];
    if case["operation"] == "explain" {
        return json!({"id": case["id"], "told": expect}).to_string();
    }
    let answer = expect.get("response").unwrap_or(expect);
    let mut line = json!({
        "id": case["id"],
        "reason": answer["reason"],
        "code": answer["code"],
        "status": answer["status"],
        "headers": answer["headers"],
        "body": answer["body"],
        "token": expect["token"],
    });
    if let (Some(allowed), Some(members)) = (expect.get("allowed"), line.as_object_mut()) {
        members.insert("allowed".to_owned(), allowed.clone());
    }
    line.to_string()
}

/// Whether a line is the expected one. Of an explanation, a vector states what came of each check and what is said of the one
/// that failed.
fn is_expected(found: &str, expected: &str) -> bool {
    let Ok(Value::Object(line)) = serde_json::from_str(found) else { return false };
    let Some(document) = line.get("explanation").and_then(Value::as_str) else { return found == expected };
    let document: Value = serde_json::from_str(document).expect("JSON");
    let checks = document["checks"].as_array().expect("a list");
    let failed = checks.iter().find(|check| check["outcome"] == "failed").unwrap_or(&Value::Null);
    let named = |check: &Value| {
        format!("{} {}", check["outcome"].as_str().expect("text"), check["check"].as_str().expect("text"))
    };
    let told = json!({
        "outcome": document["outcome"],
        "reason": document["reason"],
        "status": document["status"],
        "checks": checks.iter().map(named).collect::<Vec<_>>(),
        "expected": failed["expected"],
        "found": failed["found"],
        "hint": failed["hint"],
    });
    let written = json!({"id": line["id"], "told": told}).to_string();
    written == expected
}

/// Every file of vectors, by name.
fn suites() -> impl Iterator<Item = Value> {
    let folder = fs::read_dir(repository().join("tests/vectors")).expect("tests/vectors is there");
    let mut files: Vec<PathBuf> = folder
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
        .into_iter()
        .map(|path| serde_json::from_slice(&fs::read(path).expect("a readable file")).expect("JSON"))
}
