//! The development authorization server in a process of its own.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::{body, exchange, request};
use crate::toolchain::{build, scratch};

static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| match env::var_os("SCOPEGATE_AUTHSERVER") {
    Some(path) => path.into(),
    None => {
        let files = build("scopegate-authserver");
        files.into_iter().find(|file| file.ends_with("scopegate-authserver")).expect("the program")
    }
});

/// Ends with its value: its standard input is closed then.
pub(crate) struct AuthorizationServer {
    child: Child,
    origin: String,
}

impl AuthorizationServer {
    /// With an issuer for this resource.
    pub(crate) fn start(resource: &str) -> AuthorizationServer {
        let config = json!({
            "listen": "127.0.0.1:0",
            "admin_secret": "test-only-admin-secret",
            "resources": [{
                "id": "weather", "name": "Weather", "resource": resource, "algorithm": "ES256",
                "scopes": ["mcp:tools:weather", "mcp:tools:email:send"],
            }],
            "clients": [{
                "id": "assistant", "secret": "test-only-assistant-secret",
                "grants": [{
                    "resource": "weather", "scopes": ["mcp:tools:weather", "mcp:tools:email:send"],
                    "default_scopes": ["mcp:tools:weather"],
                }],
            }],
        });
        let port = resource.split([':', '/']).nth(4).expect("a port");
        let path = scratch("input").join(format!("authserver-{port}.json"));
        fs::write(&path, config.to_string()).expect("a writable target folder");
        let mut child = Command::new(&*PROGRAM)
            .arg("--exit-with-stdin")
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the authorization server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let ready: Value = serde_json::from_str(&line).expect("JSON");
        AuthorizationServer { child, origin: ready["origin"].as_str().expect("an origin").to_owned() }
    }

    pub(crate) fn issuer(&self) -> String {
        format!("{}/weather", self.origin)
    }

    /// The value of an Authorization field with a token of these scopes.
    pub(crate) fn authorization(&self, scope: &str) -> String {
        let client = STANDARD.encode("assistant:test-only-assistant-secret");
        let form = format!("grant_type=client_credentials&scope={}", scope.replace(' ', "+"));
        let headers =
            [&*format!("Authorization: Basic {client}"), "Content-Type: application/x-www-form-urlencoded"];
        let answer = exchange(&self.origin, &request("POST", "/weather/token", &headers, &form));
        let answer: Value = serde_json::from_str(body(&answer)).expect("JSON");
        format!("Bearer {}", answer["access_token"].as_str().expect("a token"))
    }

    /// Takes the metadata and keys offline.
    pub(crate) fn take_keys_away(&self) {
        let headers = ["Authorization: Bearer test-only-admin-secret", "Content-Type: application/json"];
        let request = request("POST", "/weather/admin/keys", &headers, r#"{"available": false}"#);
        let answer = exchange(&self.origin, &request);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
