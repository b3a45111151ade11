//! A configuration, a server with it, and requests to it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use scopegate_authserver::{AuthorizationServer, Config};
use serde_json::{Value, json};
use ureq::http::{HeaderMap, Request};

pub(crate) const ADMIN_SECRET: &str = "test-only-admin-secret";
pub(crate) const CLIENT_SECRET: &str = "test-only-client-secret";
pub(crate) const WEATHER: &str = "http://127.0.0.1:8000/mcp";

/// The resource `weather` with ES256, and the client `agent` that may read and send mail there but gets
/// reading alone unless it asks.
pub(crate) fn configuration() -> Value {
    json!({
        "admin_secret": ADMIN_SECRET,
        "resources": [{
            "id": "weather",
            "name": "Weather",
            "resource": WEATHER,
            "scopes": ["weather:read", "mail:send", "weather:write"],
            "token_lifetime_seconds": 300,
            "algorithm": "ES256",
        }],
        "clients": [{
            "id": "agent",
            "secret": CLIENT_SECRET,
            "grants": [{
                "resource": "weather",
                "scopes": ["weather:read", "mail:send"],
                "default_scopes": ["weather:read"],
            }],
        }],
    })
}

/// A further resource that `agent` may read.
pub(crate) fn with_resource(mut configuration: Value, id: &str, resource: &str, algorithm: &str) -> Value {
    let entry = json!({
        "id": id, "name": id, "resource": resource, "scopes": ["read"], "algorithm": algorithm,
    });
    configuration["resources"].as_array_mut().unwrap().push(entry);
    let grant = json!({"resource": id, "scopes": ["read"]});
    configuration["clients"][0]["grants"].as_array_mut().unwrap().push(grant);
    configuration
}

pub(crate) fn start(configuration: &Value) -> AuthorizationServer {
    AuthorizationServer::start(Config::from_json(&configuration.to_string()).unwrap()).unwrap()
}

/// A response, read whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some("application/json"));
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status and error code of an error response, after a check of what every one of them has.
    pub(crate) fn error(&self) -> (u16, String) {
        assert_eq!(self.header("cache-control"), Some("no-store"));
        let body = self.json();
        assert!(body["error_description"].is_string());
        (self.status, body["error"].as_str().unwrap().to_owned())
    }

    pub(crate) fn access_token(&self) -> String {
        let body = self.json();
        assert_eq!(self.status, 200, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn get(url: &str) -> Answer {
    send(Request::get(url).body(()).unwrap())
}

pub(crate) fn send(request: Request<impl ureq::AsSendBody>) -> Answer {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).proxy(None).max_redirects(0).build().into();
    let mut response = agent.run(request).unwrap();
    let body = response.body_mut().read_to_vec().unwrap();
    Answer { status: response.status().as_u16(), headers: response.headers().clone(), body }
}

/// A token request to `weather` with this body, of which the client credentials are part.
pub(crate) fn post_form(server: &AuthorizationServer, form: &str) -> Answer {
    send(form_request(&token_endpoint(server, "weather")).body(form.as_bytes()).unwrap())
}

/// A token request as `agent`, with these parameters besides the grant type and the credentials.
pub(crate) fn request_token(server: &AuthorizationServer, resource_id: &str, parameters: &str) -> Answer {
    let form =
        format!("grant_type=client_credentials&client_id=agent&client_secret={CLIENT_SECRET}&{parameters}");
    send(form_request(&token_endpoint(server, resource_id)).body(form.into_bytes()).unwrap())
}

pub(crate) fn form_request(url: &str) -> ureq::http::request::Builder {
    Request::post(url).header("Content-Type", "application/x-www-form-urlencoded")
}

pub(crate) fn token_endpoint(server: &AuthorizationServer, resource_id: &str) -> String {
    format!("{}/token", server.issuer(resource_id).unwrap())
}

pub(crate) fn key_set(server: &AuthorizationServer, resource_id: &str) -> Value {
    get(&format!("{}/jwks", server.issuer(resource_id).unwrap())).json()
}

/// What the server answers to these bytes until it closes the connection.
pub(crate) fn exchange(server: &AuthorizationServer, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.origin().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(request).unwrap();
    let mut response = Vec::new();
    if let Err(error) = stream.read_to_end(&mut response) {
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "a reset may follow the response");
    }
    String::from_utf8_lossy(&response).into_owned()
}
