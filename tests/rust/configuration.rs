//! Mistakes of a configuration: all at once, each with its path and what is expected there, the same in every language.

use scopegate_core::ResourceServer;
use scopegate_tests::repository;
use serde::Deserialize;

#[derive(Deserialize)]
struct Suite {
    number_of_tests: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    config: String,
    errors: Vec<Mistake>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Mistake {
    path: String,
    message: String,
}

#[test]
fn every_mistake_has_its_path_and_says_what_is_expected() {
    let text =
        std::fs::read(repository().join("tests/vectors/configuration/errors.json")).expect("a readable file");
    let suite: Suite = serde_json::from_slice(&text).expect("a suite");
    assert_eq!(suite.cases.len(), suite.number_of_tests);
    let mut failures = Vec::new();
    for case in suite.cases {
        let found: Vec<Mistake> = match ResourceServer::from_json(&case.config) {
            Ok(_) => Vec::new(),
            Err(error) => error
                .mistakes()
                .iter()
                .map(|mistake| Mistake { path: mistake.path.clone(), message: mistake.message.clone() })
                .collect(),
        };
        if found != case.errors {
            failures.push(format!("{}\n  expected {:?}\n  found    {found:?}", case.id, case.errors));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn wrong_types_are_named_until_they_are_too_many() {
    let names: Vec<String> = (0..1_000).map(|number| format!("\"n{number}\": 7")).collect();
    let text = format!(
        r#"{{"resource": "https://mcp.test/mcp", "policy": {{"default": [], "tools": {{{}}}}}}}"#,
        names.join(", ")
    );
    let error = ResourceServer::from_json(&text).expect_err("wrong types");
    let paths: Vec<&str> = error.mistakes().iter().map(|mistake| mistake.path.as_str()).collect();
    assert_eq!(
        (paths.len(), paths[0], paths[99], paths[100]),
        (101, "policy.tools.n0", "policy.tools.n99", ".")
    );
}
