//! An MCP server behind the tower layer, on axum, with a responder in place of an SDK. It names sessions, and it is the
//! layer that lets nobody else use them.
//!
//! Its configuration is in `GATE`. It prints two ports as JSON: the server's, and that of the same server with a fault of
//! its program: scopes that are none. It ends with its standard input.
#![allow(clippy::disallowed_methods)]

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use scopegate_core::ResourceServer;
use scopegate_core::tower::ResourceServerLayer;
use serde_json::{Value, json};

static SESSIONS: AtomicU64 = AtomicU64::new(1);
const TOOLS: [&str; 4] = ["weather", "send_email", "drop_table", "greet"];

async fn respond(method: Method, body: Bytes) -> Response {
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let message: Value = serde_json::from_slice(&body).unwrap_or_default();
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let opens = message["method"] == "initialize";
    let answer = match message["method"].as_str() {
        Some("initialize") => json!({"jsonrpc": "2.0", "id": id, "result": {"protocolVersion": "2025-11-25",
            "capabilities": {"tools": {}}, "serverInfo": {"name": "responder", "version": "1"}}}),
        Some("tools/list") => {
            let tools = TOOLS.map(|name| json!({"name": name, "inputSchema": {"type": "object"}}));
            json!({"jsonrpc": "2.0", "id": id, "result": {"tools": tools}})
        }
        Some("tools/call") => json!({"jsonrpc": "2.0", "id": id,
            "result": {"content": [{"type": "text", "text": message["params"]["name"]}]}}),
        _ => json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32601, "message": "Method not found"}}),
    };
    let mut response = ([(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response();
    if opens {
        let session = SESSIONS.fetch_add(1, Ordering::Relaxed);
        response.headers_mut().insert("mcp-session-id", HeaderValue::from(session));
    }
    response
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let gate = ResourceServer::from_json(&std::env::var("GATE")?)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let layer = ResourceServerLayer::new(gate);
    let mut ports = Vec::new();
    for layer in [layer.clone(), layer.scopes(["not a scope"])] {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        ports.push(listener.local_addr()?.port());
        listener.set_nonblocking(true)?;
        let app = Router::new().route("/mcp", any(respond)).layer(layer);
        runtime.spawn(async move { axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await });
    }
    writeln!(std::io::stdout(), "{}", json!(ports))?;
    std::io::stdin().read_to_end(&mut Vec::new())?;
    runtime.shutdown_background();
    Ok(())
}
