//! The tower layer in front of axum, over real sockets.
#![allow(clippy::disallowed_methods)]

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::routing::any;
use scopegate_core::testing::Issuer;
use scopegate_core::tower::{ResourceServerLayer, ScopesNeeded};
use scopegate_core::{AccessToken, Reason, ResourceServer};
use scopegate_stub::{Answer as StubAnswer, Stub};
use serde_json::{Value, json};

const RESOURCE: &str = "https://mcp.test/mcp";
const METADATA: &str = "https://mcp.test/.well-known/oauth-protected-resource/mcp";
const LIMIT: usize = 2000;

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(field, _)| *field == name).map(|(_, value)| value)
    }
}

fn exchange(port: u16, request: &[u8]) -> Answer {
    let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("a server");
    connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
    connection.write_all(request).expect("a request");
    let mut received = Vec::new();
    // A server that answers before the body came may reset the connection afterwards.
    let _ = connection.read_to_end(&mut received);
    let received = String::from_utf8(received).expect("text");
    let (head, body) = received.split_once("\r\n\r\n").expect("a response");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, head: head.to_owned(), body: body.to_owned() }
}

fn request(method: &str, target: &str, lines: &[&str], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: mcp.test\r\nConnection: close\r\n");
    for line in lines {
        head.extend([line, "\r\n"]);
    }
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

fn call(tool: &str) -> Vec<u8> {
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": {"name": tool}})
        .to_string()
        .into_bytes()
}

type Seen = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// Notes who asked and what the body was, and opens a session where the body is "open".
async fn note(
    State(seen): State<Seen>,
    token: Option<Extension<AccessToken>>,
    body: Bytes,
) -> Result<(HeaderMap, &'static str), Infallible> {
    let who = token.and_then(|token| token.subject().map(str::to_owned)).unwrap_or_default();
    let mut headers = HeaderMap::new();
    if who == "opener" {
        headers.insert("mcp-session-id", "session-1".parse().expect("a value"));
    }
    seen.lock().expect("no panic").push((who, body.to_vec()));
    Ok((headers, "passed"))
}

struct Stage {
    issuer: Issuer,
    port: u16,
    seen: Seen,
}

impl Stage {
    fn new(
        configure: impl FnOnce(&Issuer) -> Value,
        layer: impl FnOnce(ResourceServer) -> ResourceServerLayer,
    ) -> Stage {
        let issuer = Issuer::new(RESOURCE);
        let gate = ResourceServer::from_json(&configure(&issuer).to_string()).expect("a configuration");
        let seen = Seen::default();
        let app = Router::new().fallback(any(note)).with_state(Arc::clone(&seen)).layer(layer(gate));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        listener.set_nonblocking(true).expect("a socket");
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
            runtime.expect("a runtime").block_on(async {
                axum::serve(tokio::net::TcpListener::from_std(listener).expect("a socket"), app).await
            })
        });
        Stage { issuer, port, seen }
    }

    fn guarded() -> Stage {
        let policy = json!({"default": "deny", "tools": {"weather": ["weather"]}, "max_body_bytes": LIMIT});
        let configure = |issuer: &Issuer| {
            let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
            json!({"resource": RESOURCE, "authorization_servers": [server], "policy": policy,
                   "cors_origins": ["https://app.test"]})
        };
        Stage::new(configure, |gate| {
            ResourceServerLayer::new(gate)
                .public(["/open"])
                .health("/healthz")
                .metrics("/metrics")
                .scopes(["api"])
        })
    }

    fn bearer(&self, claims: &Value) -> String {
        format!("Authorization: {}", self.issuer.authorization(claims))
    }

    fn good(&self) -> String {
        self.bearer(&json!({"scope": "api weather", "sub": "alice"}))
    }

    fn post(&self, lines: &[&str], body: &[u8]) -> Answer {
        exchange(self.port, &request("POST", "/mcp", lines, body))
    }

    fn seen(&self) -> Vec<(String, Vec<u8>)> {
        std::mem::take(&mut self.seen.lock().expect("no panic"))
    }
}

#[test]
fn a_good_request_reaches_the_service_with_its_token_and_the_body_that_was_judged() {
    let stage = Stage::guarded();
    let body = call("weather");
    assert_eq!(stage.post(&[&stage.good()], &body).body, "passed");
    let chunks = [format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat();
    let head = request("POST", "/mcp", &[&stage.good(), "Transfer-Encoding: chunked"], b"");
    assert_eq!(exchange(stage.port, &[head, chunks].concat()).body, "passed");
    assert_eq!(stage.seen(), [("alice".to_owned(), body.clone()), ("alice".to_owned(), body)]);
}

#[test]
fn refusals_have_the_cores_bytes_and_nothing_reaches_the_service() {
    let stage = Stage::guarded();
    let unauthorized = stage.post(&[], &call("weather"));
    assert_eq!((unauthorized.status, unauthorized.header("content-type")), (401, Some("application/json")));
    let challenge = format!(r#"Bearer scope="api", resource_metadata="{METADATA}""#);
    assert_eq!(unauthorized.header("www-authenticate"), Some(&*challenge));
    assert_eq!(unauthorized.body, r#"{"error":"unauthorized","error_description":"Bearer token required"}"#);
    let good = stage.good();
    for (lines, body, status) in [
        (vec![&*good, &*good], call("weather"), 400),
        (vec!["Authorization: Bearer x"], call("weather"), 401),
        (vec![&*good], call("erase"), 403),
        (vec![&*good], b"{".to_vec(), 400),
        (vec![&*good], [call("weather"), vec![b' '; LIMIT]].concat(), 413),
        (vec![&*good, "MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/list"], call("weather"), 400),
        (vec![&*good, "Content-Encoding: gzip"], call("weather"), 415),
        (vec![&*good, "Content-Type: application/json; charset=utf-16"], call("weather"), 415),
        (vec![&*good, "Content-Type: text/plain"], call("weather"), 415),
    ] {
        assert_eq!(stage.post(&lines, &body).status, status, "{lines:?}");
    }
    let short =
        stage.post(&[&stage.bearer(&json!({"scope": "api"})), "Origin: https://app.test"], &call("weather"));
    assert_eq!((short.status, short.header("access-control-allow-origin")), (403, Some("https://app.test")));
    assert!(short.body.contains(r#""id":7"#), "{}", short.body);
    let head = exchange(stage.port, &request("HEAD", "/mcp", &[], b""));
    assert_eq!((head.status, &*head.body), (401, ""));
    assert_eq!(stage.seen(), []);
}

#[test]
fn what_needs_no_token_is_compared_exactly() {
    let stage = Stage::guarded();
    let get = |target: &str| exchange(stage.port, &request("GET", target, &[], b""));
    let document = get("/.well-known/oauth-protected-resource/mcp");
    assert!(document.status == 200 && document.body.contains(RESOURCE));
    assert_eq!(get("/.well-known/oauth-protected-resource/other").status, 404);
    assert_eq!(get("/healthz").body, r#"{"status":"ok"}"#);
    assert!(get("/metrics").body.starts_with("# HELP scopegate_accepted_total "));
    assert_eq!(get("/open?x").body, "passed");
    for target in ["/open/", "//open", "/OPEN", "/%6fpen", "/open;x", "/mcp/../open", "/", "/healthz/"] {
        assert_eq!(get(target).status, 401, "{target}");
    }
    let lines = ["Origin: https://app.test", "Access-Control-Request-Method: POST"];
    let preflight = exchange(stage.port, &request("OPTIONS", "/mcp", &lines, &call("weather")));
    assert_eq!((preflight.status, preflight.header("access-control-max-age")), (204, Some("86400")));
    assert_eq!(stage.seen().len(), 1);
}

#[test]
fn a_session_answers_its_owner_alone() {
    let stage = Stage::guarded();
    let opener = stage.bearer(&json!({"scope": "api weather", "sub": "opener"}));
    let opened = stage.post(&[&opener], &call("weather"));
    assert_eq!(opened.header("mcp-session-id"), Some("session-1"));
    let session = "Mcp-Session-Id: session-1";
    for (line, status) in [(opener, 200), (stage.good(), 404)] {
        assert_eq!(stage.post(&[&line, session], &call("weather")).status, status);
    }
    let nobody = |session: &str| {
        let line = stage.bearer(&json!({"scope": "api weather", "sub": "opener", "client_id": "other"}));
        stage.post(&[&line, session], &call("weather")).status
    };
    assert_eq!((nobody(session), nobody("Mcp-Session-Id: session-2")), (404, 200));
}

fn send_email(to: &str) -> Vec<u8> {
    let params = json!({"name": "send_email", "arguments": {"to": to}});
    json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).to_string().into_bytes()
}

fn configured(issuer: &Issuer, further: &Value) -> Value {
    let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    let mut configuration = json!({"resource": RESOURCE, "authorization_servers": [server]});
    let members = configuration.as_object_mut().expect("an object");
    members.extend(further.as_object().cloned().unwrap_or_default());
    configuration
}

#[test]
fn what_the_function_says_of_a_call_is_needed_beside_the_policy() {
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let note = Arc::clone(&asked);
    let further =
        json!({"policy": {"default": "deny", "tools": {"send_email": ["mail"]}, "methods": {"ping": []}}});
    let stage = Stage::new(
        |issuer| configured(issuer, &further),
        |gate| {
            ResourceServerLayer::new(gate).scopes(["api"]).scopes_of(move |call, token| {
                let told = json!([call.method, call.name, call.params, token.subject()]).to_string();
                note.lock().expect("no panic").push(told);
                let params: Value = serde_json::from_str(call.params.unwrap_or("{}"))?;
                let to_others = call.name.is_some() && params["arguments"]["to"] != "me";
                Ok(if to_others { vec!["mail:others".to_owned()] } else { Vec::new() })
            })
        },
    );
    let bearer = |scope: &str| stage.bearer(&json!({"scope": scope, "sub": "alice"}));
    let short = stage.post(&[&bearer("api mail")], &send_email("you"));
    let scope = r#"scope="mail api mail:others""#;
    assert!(
        short.status == 403 && short.header("www-authenticate").is_some_and(|value| value.contains(scope))
    );
    assert!(short.body.contains(r#""id":7"#), "{}", short.body);
    assert_eq!(stage.post(&[&bearer("api mail")], &send_email("me")).body, "passed");
    assert_eq!(stage.post(&[&bearer("api mail mail:others")], &send_email("you")).body, "passed");
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let send: Value = serde_json::from_slice(&send_email("you")).expect("JSON");
    let batch = json!([ping, send]).to_string();
    assert_eq!(stage.post(&[&bearer("api mail")], batch.as_bytes()).status, 403);
    assert_eq!(stage.post(&[&bearer("api")], b"").body, "passed");
    let params = |to: &str| json!({"name": "send_email", "arguments": {"to": to}}).to_string();
    let told = |to: &str| json!(["tools/call", "send_email", params(to), "alice"]).to_string();
    let ping = json!(["ping", null, null, "alice"]).to_string();
    let nothing = json!(["", null, null, "alice"]).to_string();
    let expected = [told("you"), told("me"), told("you"), ping, told("you"), nothing];
    assert_eq!(*asked.lock().expect("no panic"), expected);
    assert_eq!(stage.seen().len(), 3);
}

#[test]
fn the_function_is_not_asked_for_strangers_nor_for_what_is_denied_or_unreadable() {
    let further = json!({"policy": {"default": [], "tools": {"drop_table": "deny"}}});
    let layer = |gate| ResourceServerLayer::new(gate).scopes_of(|_, _| unreachable!("it was asked"));
    let stage = Stage::new(|issuer| configured(issuer, &further), layer);
    let good = stage.bearer(&json!({}));
    let twice = String::from_utf8(send_email("you")).expect("text").replace(r#""to""#, r#""to":"me","to""#);
    let batch = [b"[".to_vec(), send_email("me"), b"]".to_vec()].concat();
    let routed = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: send_email"];
    for (lines, body, status) in [
        ([&[&*good], &routed[..]].concat(), batch, 400),
        (vec![], send_email("me"), 401),
        (vec!["Authorization: Bearer x"], send_email("me"), 401),
        (vec![&*good], call("drop_table"), 403),
        (vec![&*good], twice.into_bytes(), 400),
        (vec![&*good], b"{".to_vec(), 400),
        (vec![&*good, "Content-Encoding: gzip"], send_email("me"), 415),
        (vec![&*good, "Content-Type: text/plain"], send_email("me"), 415),
    ] {
        assert_eq!(stage.post(&lines, &body).status, status, "{lines:?}");
    }
    assert_eq!(stage.seen(), []);
}

#[test]
fn what_headers_decided_is_judged_by_the_body_as_well_before_the_function_is_asked() {
    let policy = json!({"default": "deny", "tools": {"weather": []}, "headers_verified": true});
    let judge: Arc<Mutex<Option<ResourceServer>>> = Arc::default();
    let kept = Arc::clone(&judge);
    let layer = move |gate: ResourceServer| {
        *kept.lock().expect("no panic") = Some(gate.clone());
        ResourceServerLayer::new(gate).scopes_of(|_, _| unreachable!("it was asked"))
    };
    let stage = Stage::new(|issuer| configured(issuer, &json!({"policy": policy, "events": {}})), layer);
    let good = stage.bearer(&json!({"sub": "alice"}));
    let routed = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", "Mcp-Name: weather"];
    assert_eq!(stage.post(&[&[&*good], &routed[..]].concat(), &call("erase")).status, 400);
    assert_eq!(stage.seen(), []);
    let events = judge.lock().expect("no panic").take().expect("a server").drain_events();
    let told: Vec<_> = events.into_iter().map(|event| (event.reason, event.subject)).collect();
    let alice = Some("alice".to_owned());
    assert_eq!(told, [(None, alice.clone()), (Some(Reason::MalformedCall), alice)]);
}

/// What the function does in the place of an answer.
fn faulty(fault: &str) -> ScopesNeeded {
    match fault {
        "fails" => Err("secret".into()),
        "panics" => panic!("a test panics on purpose"),
        scope => Ok(vec![scope.to_owned()]),
    }
}

#[test]
fn a_function_that_waits_is_waited_for_and_may_look_at_call_and_token() {
    let owner_of = async |document: String| {
        tokio::task::yield_now().await;
        tokio::task::spawn_blocking(move || if document == "1" { "alice" } else { "bob" }).await
    };
    let layer = |gate| {
        ResourceServerLayer::new(gate).scopes_of_async(move |call, token| {
            Box::pin(async move {
                let params: Value = serde_json::from_str(call.params.unwrap_or("{}"))?;
                let document = params["arguments"]["document"].as_str().unwrap_or_default().to_owned();
                let is_own = document.is_empty() || token.subject() == Some(owner_of(document).await?);
                Ok(if is_own { vec![] } else { vec!["documents:all".to_owned()] })
            })
        })
    };
    let stage = Stage::new(|issuer| configured(issuer, &json!({})), layer);
    let open = |document: &str| {
        json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call",
            "params": {"name": "open", "arguments": {"document": document}}})
    };
    let post = |scope: &str, body: Value| {
        stage.post(&[&stage.bearer(&json!({"sub": "alice", "scope": scope}))], body.to_string().as_bytes())
    };
    assert_eq!(post("api", open("1")).body, "passed");
    let short = post("api", open("2"));
    assert_eq!(short.status, 403);
    assert!(short.header("www-authenticate").is_some_and(|value| value.contains(r#"scope="documents:all""#)));
    assert!(short.body.contains(r#""id":7"#), "{}", short.body);
    assert_eq!(post("api documents:all", open("2")).body, "passed");
    assert_eq!(post("api", json!([open("1"), open("2")])).status, 403);
    assert_eq!(post("api", json!([open("1"), open("1")])).body, "passed");
    assert_eq!(stage.seen().len(), 3);
}

#[test]
fn a_fault_of_the_function_lets_nothing_pass() {
    let faults = ["fails", "panics", "not a scope", "offline_access"];
    for (fault, way) in faults.into_iter().flat_map(|fault| [0, 1, 2].map(|way| (fault, way))) {
        let layer = |gate| {
            let layer = ResourceServerLayer::new(gate);
            match way {
                0 => layer.scopes_of(move |_, _| faulty(fault)),
                1 => layer.scopes_of_async(move |_, _| {
                    let scopes = faulty(fault);
                    Box::pin(async { scopes })
                }),
                _ => layer.scopes_of_async(move |_, _| {
                    Box::pin(async move {
                        tokio::task::yield_now().await;
                        faulty(fault)
                    })
                }),
            }
        };
        let stage = Stage::new(|issuer| configured(issuer, &json!({})), layer);
        let answer = stage.post(&[&stage.bearer(&json!({}))], &call("weather"));
        assert_eq!((answer.status, answer.header("www-authenticate")), (500, None), "{fault}");
        assert_eq!(answer.body, r#"{"error":"server_error","error_description":"Internal error"}"#);
        assert_eq!(stage.seen(), []);
    }
}

#[test]
fn requests_the_metadata_and_sessions_follow_the_current_resource_server() {
    let current: Arc<Mutex<Option<ResourceServer>>> = Arc::default();
    let (seen, issuer) = (Arc::clone(&current), Arc::new(Mutex::new(None)));
    let wanting = |issuer: &Issuer, scope: &str| {
        let further = json!({"required_scopes": [scope], "scopes_supported": [scope]});
        ResourceServer::from_json(&configured(issuer, &further).to_string()).expect("a configuration")
    };
    let configure = |made: &Issuer| {
        *issuer.lock().expect("no panic") = Some(wanting(made, "new"));
        *current.lock().expect("no panic") = Some(wanting(made, "old"));
        configured(made, &json!({}))
    };
    let following = move || seen.lock().expect("no panic").clone().expect("one");
    let stage = Stage::new(configure, |_| ResourceServerLayer::following(following));
    let post = |scope: &str, sub: &str, lines: &[&str]| {
        let bearer = stage.bearer(&json!({"scope": scope, "sub": sub}));
        stage.post(&[&[&*bearer], lines].concat(), b"").status
    };
    let metadata =
        || exchange(stage.port, &request("GET", "/.well-known/oauth-protected-resource/mcp", &[], b"")).body;
    assert_eq!((post("old", "opener", &[]), post("new", "opener", &[])), (200, 403));
    assert!(metadata().contains(r#""scopes_supported":["old"]"#));
    let next = issuer.lock().expect("no panic").take();
    *current.lock().expect("no panic") = next;
    let session = "Mcp-Session-Id: session-1";
    assert_eq!((post("old", "opener", &[session]), post("new", "opener", &[session])), (403, 200));
    assert_eq!(post("new", "bob", &[session]), 404);
    assert!(metadata().contains(r#""scopes_supported":["new"]"#));
}

#[test]
fn missing_keys_are_fetched_while_other_requests_are_answered() {
    let stub = Stub::start().expect("a free port");
    let uri = stub.url("/jwks");
    let configure = |issuer: &Issuer| {
        let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
        stub.answer("/jwks", StubAnswer::ok(server["jwks"].to_string()).delay(Duration::from_millis(300)));
        let fetched = json!({"issuer": issuer.issuer(), "jwks_uri": uri});
        json!({"resource": RESOURCE, "authorization_servers": [fetched]})
    };
    let stage = Stage::new(configure, ResourceServerLayer::new);
    let good = stage.good();
    thread::scope(|scope| {
        let asked: Vec<_> = (0..20).map(|_| scope.spawn(|| stage.post(&[&good], b"{}").status)).collect();
        assert_eq!(stage.post(&["Authorization: Bearer x"], b"").status, 401);
        assert!(asked.into_iter().all(|answer| answer.join().expect("no panic") == 200));
    });
    assert_eq!(stub.count("/jwks"), 1);
    let broken = |issuer: &Issuer| {
        let dead = json!({"issuer": issuer.issuer(), "jwks_uri": "http://127.0.0.1:1/"});
        json!({"resource": RESOURCE, "authorization_servers": [dead]})
    };
    let outage = Stage::new(broken, ResourceServerLayer::new);
    let answer = outage.post(&[&outage.good()], b"");
    assert_eq!((answer.status, answer.header("www-authenticate")), (503, None));
    assert!(answer.header("retry-after").is_some());
}
