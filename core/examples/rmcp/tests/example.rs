//! The example as it stands, over real sockets.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use scopegate_core::testing::Issuer;
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

struct Running {
    program: Child,
    port: u16,
}

impl Running {
    fn start(port: u16, resource: &str, issuer: &str) -> Running {
        let mut program = Command::new(env!("CARGO_BIN_EXE_scopegate-example-rmcp"));
        program.env("RESOURCE", resource).env("ISSUER", issuer).env("PORT", port.to_string());
        let program = program.spawn().expect("cargo builds it with its tests");
        let running = Running { program, port };
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "the server did not start");
            thread::sleep(Duration::from_millis(20));
        }
        running
    }

    /// Calls a tool with these further header lines: the status, and all that came back.
    fn call(&self, tool: &str, lines: &[String]) -> (u16, String) {
        let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                          "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
                          "io.modelcontextprotocol/clientCapabilities": {}});
        let params = json!({"name": tool, "arguments": {"city": "Turku"}, "_meta": meta});
        let body = json!({"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}).to_string();
        let mut head = format!(
            "POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\nContent-Length: {}\r\n\
             Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n\
             MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: {tool}\r\n",
            self.port,
            body.len(),
        );
        for line in lines {
            head.extend([line, "\r\n"]);
        }
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).expect("a server");
        connection.set_read_timeout(Some(Duration::from_secs(20))).expect("a time-out");
        connection.write_all([&head, "\r\n", &body].concat().as_bytes()).expect("a request");
        let mut received = String::new();
        // A server that answers before the body came may reset the connection afterwards.
        let _ = connection.read_to_string(&mut received);
        let status = received.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        (status, received)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

#[test]
fn the_example_lets_in_whom_its_policy_says() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let port = port.expect("a free port").port();
    let resource = format!("http://127.0.0.1:{port}/mcp");
    let (stub, issuer) = (Stub::start().expect("a free port"), Issuer::new(&resource));
    let server: Value = serde_json::from_str(&issuer.server()).expect("JSON");
    let metadata = json!({"issuer": stub.url(""), "jwks_uri": stub.url("/jwks")});
    stub.answer("/.well-known/oauth-authorization-server", Answer::ok(metadata.to_string()));
    stub.answer("/jwks", Answer::ok(server["jwks"].to_string()));
    let running = Running::start(port, &resource, &stub.url(""));
    let bearer = |scope: &str| {
        let claims = json!({"iss": stub.url(""), "scope": scope, "sub": "alice"});
        [format!("Authorization: {}", issuer.authorization(&claims))]
    };
    assert_eq!(running.call("weather", &[]).0, 401);
    assert_eq!(running.call("weather", &bearer("other")).0, 403);
    assert_eq!(running.call("drop_table", &bearer("mcp:tools:weather")).0, 403);
    let (status, answer) = running.call("weather", &bearer("mcp:tools:weather"));
    assert!(status == 200 && answer.contains("Sunny in Turku, alice"), "{answer}");
}
