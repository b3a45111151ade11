//! What the tests across the surfaces share: where the repository is, and the vectors.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use scopegate_core::{AccessToken, Rejection, ResourceServer};
use serde::Deserialize;
use serde_json::Value;

mod input;

/// The Rust of a page of the documentation: each block is compiled, and run unless it says `no_run`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/frameworks/tower.md")]
pub struct Tower;

pub use input::Input;

/// The root of the repository.
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the repository").to_owned()
}

/// A file of vectors; `tests/vectors/README.md` says what its members mean.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The name of the file without its ending.
    pub suite: String,
    /// How many cases a runner must have run.
    pub number_of_tests: usize,
    /// Cases by configuration.
    pub groups: Vec<Group>,
}

/// Cases that share one server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What the group is about.
    pub comment: String,
    /// The complete configuration.
    pub config: Value,
    /// What `derive` changes.
    #[serde(default)]
    pub derive: Option<Value>,
    /// What the host offers and declares.
    #[serde(default)]
    pub declared: Option<Value>,
    /// What the report of the declaration says.
    #[serde(default)]
    pub report: Option<Value>,
    /// Run in order.
    pub cases: Vec<Case>,
}

impl Group {
    /// The server that the cases meet.
    pub fn server(&self) -> ResourceServer {
        let mut server = ResourceServer::from_json(&self.config.to_string()).expect(&self.comment);
        if let Some(changes) = &self.derive {
            for case in &self.cases {
                // By now it holds what it accepts.
                let _ = Input::new(&case.request, case.now).with(|request| server.authorize(request));
            }
            server = server.derive_from_json(&changes.to_string()).expect(&self.comment);
        }
        if let Some(declared) = &self.declared {
            let (declaring, report) = server.declare_from_json(&declared.to_string()).expect(&self.comment);
            let report: Value = serde_json::from_str(&report.to_json()).expect("JSON");
            assert_eq!(Some(report), self.report, "{}", self.comment);
            server = declaring;
        }
        server
    }
}

/// One request and its answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Unique over all suites.
    pub id: String,
    /// What the case shows.
    pub comment: String,
    /// Where the rule comes from.
    pub refs: Vec<String>,
    /// The time, in seconds since 1970.
    #[serde(default)]
    pub now: Option<i64>,
    /// Which function of the server is called.
    pub operation: Operation,
    /// The request.
    pub request: VectorRequest,
    /// For `require`: the further request.
    #[serde(default)]
    pub then: Option<VectorRequest>,
    /// For `allowed`: `tools`, `prompts` or `resources`.
    #[serde(default)]
    pub kind: Option<String>,
    /// For `allowed`.
    #[serde(default)]
    pub name: Option<String>,
    /// The answer.
    pub expect: BTreeMap<String, Value>,
}

/// Which function of the server a case calls.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `authorize`.
    Authorize,
    /// `well_known`.
    WellKnown,
    /// `authorize`, then `require`.
    Require,
    /// `authorize`, then `allowed`.
    Allowed,
    /// `explain`.
    Explain,
}

/// A request; header values are lists of field lines whose characters are bytes.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VectorRequest {
    #[allow(missing_docs)]
    pub authorization: Vec<String>,
    #[allow(missing_docs)]
    pub method: String,
    #[allow(missing_docs)]
    pub target: String,
    #[allow(missing_docs)]
    pub origin: Vec<String>,
    #[allow(missing_docs)]
    pub access_control_request_method: Option<String>,
    #[allow(missing_docs)]
    pub access_control_request_headers: Option<String>,
    #[allow(missing_docs)]
    pub scopes: Vec<String>,
    #[allow(missing_docs)]
    pub protocol_version: Vec<String>,
    #[allow(missing_docs)]
    pub mcp_method: Vec<String>,
    #[allow(missing_docs)]
    pub mcp_name: Vec<String>,
    /// The body as text; none of the three means that it is unread.
    pub body: Option<String>,
    /// The body in standard base64.
    pub body_base64: Option<String>,
    /// The calls of a host whose parser ran first.
    pub calls: Option<Vec<VectorCall>>,
}

/// A call that the host parsed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorCall {
    /// The JSON-RPC method.
    pub method: String,
    /// The tool, prompt or resource.
    #[serde(default)]
    pub name: Option<String>,
    /// A number or a string.
    #[serde(default)]
    pub id: Option<Value>,
}

/// Every suite, by file name.
pub fn suites() -> Vec<Suite> {
    let folder = repository().join("tests/vectors");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .expect("tests/vectors is there")
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let text = std::fs::read(path).expect("a readable file");
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

/// All that a host can learn of a decision.
pub fn said(decision: &Result<AccessToken, Box<Rejection>>) -> String {
    match decision {
        Ok(token) => format!(
            "{:?}",
            (
                (
                    token.issuer(),
                    token.subject(),
                    token.client_id(),
                    token.scopes(),
                    token.effective_scopes()
                ),
                (token.audience(), token.resource(), token.expires_at(), token.issued_at(), token.token_id()),
                (token.principal(), token.claims_json()),
            )
        ),
        Err(rejection) => {
            let response = rejection.response();
            format!(
                "{:?}",
                (rejection.code(), response.status, &response.headers, &response.body, rejection.detail())
            )
        }
    }
}
