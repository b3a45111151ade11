//! The shared exchanges (tests/exchanges) in front of axum: raw requests, what is answered, and what ran.
//!
//! The service behind acts on whatever `serde_json` makes of a body, and checks nothing: no SDK is as careless. So more
//! may run here of what the policy allows than the exchanges say; where everything is refused, nothing does. Only where the
//! host vouches for it does it compare the routing headers with the body.
#![allow(clippy::disallowed_methods)]

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scopegate_core::ResourceServer;
use scopegate_core::testing::Issuer;
use scopegate_core::tower::ResourceServerLayer;
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

/// What the policy of every suite denies.
const NEVER: [&str; 6] = ["erase", "drop_table", "secret", "complete:secret", "plans", "complete:note"];

#[test]
fn exchanges_go_as_told() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/exchanges");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("the exchanges").map(|entry| entry.expect("a file").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let (mut played, mut wrong) = (0, Vec::new());
    for file in files {
        let suite: Value = serde_json::from_slice(&fs::read(file).expect("a suite")).expect("JSON");
        played += play(&suite, &mut wrong);
    }
    assert!(wrong.is_empty(), "{} of {played}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(played, 1315);
}

/// Plays a suite, and gives how many cases that were.
fn play(suite: &Value, wrong: &mut Vec<String>) -> usize {
    let stage = Stage::new(suite);
    let cases = suite["cases"].as_array().expect("cases");
    assert_eq!(suite["number_of_cases"], json!(cases.len()));
    for case in cases {
        let here = &case["hosts"]["tower"];
        let answers = here["answers"].as_array().or(case["answers"].as_array()).expect("answers");
        let found = stage.exchanged(case, answers);
        let ran = std::mem::take(&mut *stage.ran.lock().expect("no panic"));
        let passes = answers.iter().any(|told| told["passes"] == true || told["status"] == 200);
        let is_told =
            answers.len() == found.len() && answers.iter().zip(&found).all(|(told, found)| found.is(told));
        let must_not = ran.iter().any(|name| NEVER.contains(&name.as_str())) || !passes && !ran.is_empty();
        if !is_told || must_not {
            wrong.push(format!("{}: expected {}, found {found:?}, {ran:?} ran", case["id"], json!(answers)));
        }
    }
    cases.len()
}

struct Stage {
    port: u16,
    tokens: HashMap<String, String>,
    ran: Ran,
}

type Ran = Arc<Mutex<Vec<String>>>;

impl Stage {
    fn new(suite: &Value) -> Stage {
        let issuer = Issuer::new(text(&suite["config"]["resource"]));
        let mut server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        let metadata = suite["authorization_server_metadata"].as_str().map(|document| {
            let stub = Stub::start().expect("a free port");
            stub.answer("/metadata", Answer::ok(document));
            let named: Value = serde_json::from_str(document).expect("JSON");
            server["discovery_url"] = json!(stub.url("/metadata"));
            server["metadata_issuer"] = named["issuer"].clone();
            stub
        });
        let mut config = suite["config"].clone();
        config["authorization_servers"] = json!([server]);
        let gate = ResourceServer::from_json(&config.to_string()).expect("a configuration");
        if metadata.is_some() {
            gate.warm_up().expect("the metadata");
        }
        let tokens = suite["tokens"].as_object().expect("tokens").iter();
        let tokens = tokens.map(|(name, claims)| (format!("{{{name}}}"), issuer.mint(claims))).collect();
        let open = match text(&suite["stage"]) {
            "paths" => vec!["/open"],
            "mounted" => vec!["/api/open"],
            _ => Vec::new(),
        };
        let (ran, mut layer) = (Ran::default(), ResourceServerLayer::new(gate).public(open));
        if suite["stage"] == "operators" {
            layer = layer.health("/healthz").metrics("/metrics");
        }
        let app = Router::new().route("/mcp", any(serve)).route("/open", any(|| async { "open" }));
        // The layer is around the whole application, since the metadata is at its root.
        let app = if suite["stage"] == "mounted" { Router::new().nest("/api", app) } else { app };
        let compares = suite["config"]["policy"]["headers_verified"] == true;
        let port = listen(app.with_state((Arc::clone(&ran), compares)).layer(layer));
        Stage { port, tokens, ran }
    }

    /// Sends the requests, each on a connection of its own or all in one write on one, and gives what came back.
    fn exchanged(&self, case: &Value, answers: &[Value]) -> Vec<Found> {
        let requests = case["requests"].as_array().expect("requests");
        let together = if case["one_connection"] == true { requests.len() } else { 1 };
        let leaves = case["leaves"] == true || answers.iter().any(|told| told["closed"] == true);
        let (mut found, mut session) = (Vec::new(), String::new());
        for requests in requests.chunks(together) {
            let sent: Vec<u8> =
                requests.iter().flat_map(|request| self.bytes_of(request, &session)).collect();
            let methods = requests.iter().map(|request| text(&request["request_line"]).split(' ').next());
            let methods: Vec<&str> = methods.map(Option::unwrap_or_default).collect();
            let came = converse(self.port, &sent, &methods, leaves);
            if let Some(opened) = came.first().and_then(|answer| answer.session.clone()) {
                session = opened;
            }
            found.extend(came);
        }
        found
    }

    fn bytes_of(&self, request: &Value, session: &str) -> Vec<u8> {
        let lines = request["field_lines"].as_array().expect("field lines").iter().map(text);
        let lines: Vec<&str> = [text(&request["request_line"])].into_iter().chain(lines).collect();
        let mut head = lines.join("\r\n") + "\r\n\r\n";
        for (name, token) in &self.tokens {
            head = head.replace(name, token);
        }
        let head = head.replace("{session}", session);
        let mut bytes: Vec<u8> = head.chars().map(|latin| u8::try_from(latin).expect("Latin-1")).collect();
        bytes.extend(request["body"].as_str().unwrap_or_default().as_bytes());
        bytes.extend(STANDARD.decode(request["body_base64"].as_str().unwrap_or_default()).expect("base64"));
        for piece in request["body_repeated"].as_array().into_iter().flatten() {
            let times = usize::try_from(piece[1].as_u64().expect("a number")).expect("a small one");
            bytes.extend(text(&piece[0]).repeat(times).as_bytes());
        }
        bytes
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Notes whatever it is asked to run, opens a session where it is initialized, and knows no other.
async fn serve(
    State((ran, compares)): State<(Ran, bool)>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, HeaderMap, &'static str) {
    static OPENED: AtomicUsize = AtomicUsize::new(0);
    let mut answer = HeaderMap::new();
    if headers
        .get("mcp-session-id")
        .is_some_and(|id| !is_session(id.as_bytes(), OPENED.load(Ordering::Relaxed)))
    {
        return (StatusCode::NOT_FOUND, answer, NO_SESSION);
    }
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let is_notification = message["method"].is_string() && message["id"].is_null();
    if compares && !agrees(&headers, &message) {
        return (StatusCode::BAD_REQUEST, answer, "{}");
    }
    let messages = message.as_array().cloned().unwrap_or_else(|| vec![message]);
    for message in &messages {
        let params = &message["params"];
        let name = match text(&message["method"]) {
            "tools/call" | "prompts/get" => text(&params["name"]).to_owned(),
            "resources/read" => resource(text(&params["uri"])).to_owned(),
            "completion/complete" if params["ref"]["type"] == "ref/prompt" => {
                format!("complete:{}", text(&params["ref"]["name"]))
            }
            "completion/complete" => "complete:note".to_owned(),
            "initialize" if !headers.contains_key("mcp-session-id") => {
                let id = format!("session-{}", OPENED.fetch_add(1, Ordering::Relaxed));
                answer.insert("mcp-session-id", id.parse().expect("a value"));
                continue;
            }
            _ => continue,
        };
        ran.lock().expect("no panic").push(name);
    }
    (if is_notification { StatusCode::ACCEPTED } else { StatusCode::OK }, answer, "{}")
}

/// Whether the routing headers of MCP 2026-07-28 say what the body says; servers of other versions do not look at them. A
/// batch, a name in base64 and a method without its header are more than this service takes.
fn agrees(headers: &HeaderMap, message: &Value) -> bool {
    let lines = |name: &str| -> Vec<&[u8]> {
        headers.get_all(name).into_iter().map(|line| line.as_bytes().trim_ascii()).collect()
    };
    let named = [&message["params"]["name"], &message["params"]["uri"]].into_iter().find_map(Value::as_str);
    let named: Vec<&[u8]> = named.map(str::as_bytes).into_iter().collect();
    lines("mcp-protocol-version") != [b"2026-07-28"]
        || lines("mcp-method") == [text(&message["method"]).as_bytes()] && lines("mcp-name") == named
}

const NO_SESSION: &str =
    r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"Session not found"}}"#;

fn is_session(id: &[u8], opened: usize) -> bool {
    (0..opened).any(|number| id == format!("session-{number}").as_bytes())
}

fn resource(uri: &str) -> &str {
    match uri {
        "file:///reports/open.txt" => "open",
        "file:///secret/plans.txt" => "plans",
        _ => "note",
    }
}

fn listen(app: Router) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    listener.set_nonblocking(true).expect("a socket");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.expect("a runtime").block_on(async {
            axum::serve(tokio::net::TcpListener::from_std(listener).expect("a socket"), app).await
        })
    });
    port
}

#[derive(Debug)]
struct Found {
    status: u16,
    challenge: Option<String>,
    body: String,
    /// The head of the answer.
    head: String,
    session: Option<String>,
}

impl Found {
    /// An answer that did not come has the status 0.
    fn closed() -> Found {
        Found { status: 0, challenge: None, body: String::new(), head: String::new(), session: None }
    }

    fn is(&self, told: &Value) -> bool {
        if told["closed"] == true || self.status == 0 {
            return (told["closed"] == true) == (self.status == 0);
        }
        if told["passes"] == true {
            return self.challenge.is_none();
        }
        let says = |name: &str, found: Value| told.get(name).is_none_or(|told| *told == found);
        let fields = told["fields"].as_object().into_iter().flatten();
        let has_fields =
            |(name, value): (&String, &Value)| field(&self.head, name).as_deref() == Some(text(value));
        says("status", json!(self.status))
            && fields.into_iter().all(has_fields)
            && says("challenge", json!(self.challenge))
            && says("body", json!(self.body))
    }
}

fn converse(port: u16, sent: &[u8], methods: &[&str], leaves: bool) -> Vec<Found> {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a server");
    connection.set_read_timeout(Some(Duration::from_secs(10))).expect("a time-out");
    // A server that refuses may close before it has read everything: what it answered is what counts.
    let _ = connection.write_all(sent);
    if leaves {
        let _ = connection.shutdown(Shutdown::Write);
    }
    let (mut received, mut piece) = (Vec::new(), [0; 65536]);
    loop {
        match connection.read(&mut piece) {
            Ok(0) => break,
            Ok(read) => received.extend(&piece[..read]),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&sent[..sent.len().min(1000)])),
        }
        if answers_in(&received, methods, false).len() == methods.len() {
            // A server that took something for one request more answers it before it leaves.
            let _ = connection.shutdown(Shutdown::Write);
        }
    }
    let mut found = answers_in(&received, methods, true);
    while found.len() < methods.len() {
        found.push(Found::closed());
    }
    found
}

/// The answers that are whole; all of them, once the connection has ended.
fn answers_in(mut received: &[u8], methods: &[&str], has_ended: bool) -> Vec<Found> {
    let mut found = Vec::new();
    while let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
        let head: String = received[..end].iter().map(|&byte| char::from(byte)).collect();
        let rest = &received[end + 4..];
        let status: u16 = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        if status < 200 && status != 101 {
            received = rest;
            continue;
        }
        let field = |wanted: &str| field(&head, wanted);
        let is_empty = methods.get(found.len()) == Some(&"HEAD") || status == 204 || status == 101;
        let length = field("content-length").and_then(|length| length.parse().ok());
        let length =
            if is_empty { 0 } else { length.unwrap_or(if has_ended { rest.len() } else { usize::MAX }) };
        let Some((body, behind)) = rest.split_at_checked(length) else { break };
        let body = String::from_utf8_lossy(body).into_owned();
        let (challenge, session) = (field("www-authenticate"), field("mcp-session-id"));
        found.push(Found { status, challenge, body, head, session });
        received = behind;
    }
    found
}

/// The value of the first line of a field.
fn field(head: &str, wanted: &str) -> Option<String> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    let mut lines = lines.filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
    lines.next().map(|(_, value)| value.to_owned())
}
