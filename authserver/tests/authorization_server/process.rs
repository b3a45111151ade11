use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use crate::fixture::{ADMIN_SECRET, CLIENT_SECRET, configuration, form_request, get, send};

/// A configuration file that is removed in the end.
struct ConfigurationFile(PathBuf);

impl ConfigurationFile {
    fn new(text: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("scopegate-authserver-{}-{number}.json", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        Self(path)
    }
}

impl Drop for ConfigurationFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A running server that has said it is ready.
struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    ready: String,
}

impl Process {
    fn start(options: &[&str], stdin: Stdio) -> Self {
        let file = ConfigurationFile::new(&configuration().to_string());
        let mut child = command()
            .args(options)
            .arg(&file.0)
            .stdin(stdin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        stdout.read_line(&mut ready).unwrap();
        Self { child, stdin, stdout, ready }
    }

    fn issuer(&self) -> String {
        let ready: Value = serde_json::from_str(&self.ready).unwrap();
        ready["issuers"]["weather"].as_str().unwrap().to_owned()
    }

    #[cfg(unix)]
    fn signal(&self, signal: &str) {
        let status =
            Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end: exit code and everything printed after the first line.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
        (self.child.wait().unwrap().code(), printed)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_scopegate-authserver"))
}

fn run(arguments: &[&str]) -> Output {
    command().args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn ready_line_names_origin_and_issuers() {
    let process = Process::start(&[], Stdio::null());
    let ready: Value = serde_json::from_str(&process.ready).unwrap();
    let origin = ready["origin"].as_str().unwrap();
    assert!(origin.starts_with("http://127.0.0.1:"));
    assert_eq!(ready, json!({"origin": origin, "issuers": {"weather": format!("{origin}/weather")}}));
    let metadata = get(&format!("{origin}/.well-known/oauth-authorization-server/weather"));
    assert_eq!(metadata.json()["issuer"], process.issuer());
}

#[cfg(unix)]
#[test]
fn signal_ends_it_cleanly() {
    for signal in ["TERM", "INT"] {
        let process = Process::start(&[], Stdio::null());
        process.signal(signal);
        assert_eq!(process.ended(), (Some(0), String::new()), "{signal}");
    }
}

#[test]
fn closed_standard_input_ends_it_when_asked() {
    let mut process = Process::start(&["--exit-with-stdin"], Stdio::piped());
    assert_eq!(get(&format!("{}/jwks", process.issuer())).status, 200);
    drop(process.stdin.take());
    assert_eq!(process.ended(), (Some(0), String::new()));
}

#[cfg(unix)]
#[test]
fn nothing_secret_is_printed() {
    let process = Process::start(&[], Stdio::null());
    let url = format!("{}/token", process.issuer());
    let form = format!("grant_type=client_credentials&client_id=agent&client_secret={CLIENT_SECRET}");
    assert_eq!(send(form_request(&url).body(form).unwrap()).status, 200);
    let wrong = "grant_type=client_credentials&client_id=agent&client_secret=test-only-wrong";
    assert_eq!(send(form_request(&url).body(wrong).unwrap()).status, 401);
    assert!(!process.ready.contains(CLIENT_SECRET) && !process.ready.contains(ADMIN_SECRET));
    process.signal("TERM");
    assert_eq!(process.ended(), (Some(0), String::new()));
}

#[test]
fn wrong_configuration_is_explained_and_nothing_starts() {
    let mut configuration = configuration();
    configuration["listen"] = json!("0.0.0.0:0");
    configuration["clients"][0]["grants"][0]["scopes"] = json!(["admin"]);
    let file = ConfigurationFile::new(&configuration.to_string());
    let output = run(&[file.0.to_str().unwrap()]);
    assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()));
    let stderr = String::from_utf8(output.stderr).unwrap();
    for part in ["listen: expected an IP address on loopback", "clients[0].grants[0].scopes[0]: expected"] {
        assert!(stderr.contains(part), "{stderr}");
    }
    assert!(!stderr.contains(CLIENT_SECRET) && !stderr.contains(ADMIN_SECRET));
}

#[test]
fn wrong_command_line_is_explained() {
    for arguments in [&[][..], &["--port", "80"], &["a.json", "b.json"], &["--exit-with-stdin"]] {
        let output = run(arguments);
        assert_eq!((output.status.code(), output.stdout), (Some(2), Vec::new()), "{arguments:?}");
        assert!(String::from_utf8(output.stderr).unwrap().starts_with("usage: "));
    }
    let output = run(&["--help"]);
    assert!(output.status.success() && output.stdout.starts_with(b"usage: "));
}

#[test]
fn missing_configuration_file_is_named() {
    let output = run(&["does-not-exist.json"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("does-not-exist.json: "));
}
