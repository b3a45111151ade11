use serde_json::json;
use ureq::http::Request;

use crate::fixture::{WEATHER, configuration, get, request_token, send, start, with_resource};

fn metadata_urls(origin: &str, id: &str) -> [String; 4] {
    [
        format!("{origin}/.well-known/oauth-authorization-server/{id}"),
        format!("{origin}/.well-known/openid-configuration/{id}"),
        format!("{origin}/{id}/.well-known/oauth-authorization-server"),
        format!("{origin}/{id}/.well-known/openid-configuration"),
    ]
}

#[test]
fn metadata_has_the_same_bytes_at_every_path() {
    let server = start(&configuration());
    let answers = metadata_urls(server.origin(), "weather").map(|url| get(&url));
    for answer in &answers {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.body, answers[0].body);
    }
}

#[test]
fn metadata_names_what_official_clients_insist_on() {
    let server = start(&configuration());
    let issuer = format!("{}/weather", server.origin());
    let [url, ..] = metadata_urls(server.origin(), "weather");
    let expected = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/jwks"),
        "scopes_supported": ["weather:read", "mail:send", "weather:write"],
        "response_types_supported": ["code"],
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "protected_resources": [WEATHER],
    });
    assert_eq!(get(&url).json(), expected);
}

#[test]
fn each_resource_has_an_issuer_of_its_own() {
    let server = start(&with_resource(configuration(), "notes", "https://notes.example/mcp", "EdDSA"));
    for id in ["weather", "notes"] {
        let [url, ..] = metadata_urls(server.origin(), id);
        assert_eq!(get(&url).json()["issuer"], format!("{}/{id}", server.origin()));
    }
    let issuers: Vec<_> = server.issuers().collect();
    let (notes, weather) = (server.issuer("notes").unwrap(), server.issuer("weather").unwrap());
    assert_eq!(issuers, [("notes", notes), ("weather", weather)]);
    assert_eq!(server.issuer("absent"), None);
}

#[test]
fn resource_without_scopes_advertises_none() {
    let mut configuration = configuration();
    configuration["resources"][0]["scopes"] = json!([]);
    configuration["clients"] = json!([]);
    let server = start(&configuration);
    let [url, ..] = metadata_urls(server.origin(), "weather");
    assert_eq!(get(&url).json().get("scopes_supported"), None);
}

#[test]
fn documents_may_be_kept_as_long_as_configured() {
    let mut configuration = with_resource(configuration(), "notes", "https://notes.example/mcp", "EdDSA");
    configuration["resources"][1]["max_age_seconds"] = json!(0);
    let server = start(&configuration);
    for (id, expected) in [("weather", "public, max-age=300"), ("notes", "public, max-age=0")] {
        let issuer = server.issuer(id).unwrap();
        for path in ["jwks", ".well-known/oauth-authorization-server"] {
            assert_eq!(get(&format!("{issuer}/{path}")).header("cache-control"), Some(expected));
        }
    }
}

#[test]
fn scripts_of_any_origin_may_read_metadata_and_keys() {
    let server = start(&configuration());
    let mut urls = metadata_urls(server.origin(), "weather").to_vec();
    urls.push(format!("{}/weather/jwks", server.origin()));
    urls.push(format!("{}/absent/jwks", server.origin()));
    for url in &urls {
        assert_eq!(get(url).header("access-control-allow-origin"), Some("*"), "{url}");
    }
    assert_eq!(request_token(&server, "weather", "").header("access-control-allow-origin"), None);
}

#[test]
fn preflight_allows_the_header_that_clients_send_with_discovery() {
    let server = start(&configuration());
    let [url, ..] = metadata_urls(server.origin(), "weather");
    let request = Request::options(url)
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "GET")
        .header("Access-Control-Request-Headers", "MCP-Protocol-Version");
    let answer = send(request.body(()).unwrap());
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET, HEAD"));
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert_eq!(allowed, "*, Authorization, MCP-Protocol-Version");
}

#[test]
fn head_is_answered_like_get_without_the_body() {
    let server = start(&configuration());
    let [url, ..] = metadata_urls(server.origin(), "weather");
    let head = send(Request::head(&url).body(()).unwrap());
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-length"), Some(get(&url).body.len().to_string().as_str()));
    assert!(head.body.is_empty());
}

#[test]
fn other_methods_are_refused_with_those_allowed() {
    let server = start(&configuration());
    let weather = server.issuer("weather").unwrap();
    for (url, method, allowed) in [
        (format!("{weather}/jwks"), "DELETE", "GET,HEAD,OPTIONS"),
        (format!("{weather}/.well-known/openid-configuration"), "DELETE", "GET,HEAD,OPTIONS"),
        (format!("{weather}/token"), "GET", "POST"),
        (format!("{weather}/admin/rotate"), "GET", "POST"),
    ] {
        let answer = send(Request::builder().method(method).uri(&url).body(()).unwrap());
        assert_eq!(answer.error(), (405, "method_not_allowed".into()), "{method} {url}");
        let answered: Vec<_> = answer.header("allow").unwrap().split(',').collect();
        for method in allowed.split(',') {
            assert!(answered.contains(&method), "{url} allows {answered:?}");
        }
    }
}

#[test]
fn unknown_paths_and_resources_are_not_found() {
    let server = start(&configuration());
    let mut urls = metadata_urls(server.origin(), "absent").to_vec();
    for path in
        ["/", "/weather", "/absent/jwks", "/absent/authorize", "/%ff/jwks", "/weather/jwks/", "//jwks"]
    {
        urls.push(format!("{}{path}", server.origin()));
    }
    urls.push(format!("{}/.well-known/oauth-authorization-server", server.origin()));
    for url in urls {
        assert_eq!(get(&url).error(), (404, "not_found".into()), "{url}");
    }
    assert_eq!(
        send(Request::post(format!("{}/absent/token", server.origin())).body("").unwrap()).status,
        404
    );
}

#[test]
fn authorization_endpoint_is_not_implemented() {
    let server = start(&configuration());
    let url = format!("{}/authorize?response_type=code", server.issuer("weather").unwrap());
    assert_eq!(get(&url).error(), (501, "unsupported_response_type".into()));
    assert_eq!(send(Request::post(&url).body("").unwrap()).status, 501);
}

#[test]
fn documents_can_be_taken_offline_while_tokens_are_issued() {
    let server = start(&with_resource(configuration(), "notes", "https://notes.example/mcp", "EdDSA"));
    let mut urls = metadata_urls(server.origin(), "weather").to_vec();
    urls.push(format!("{}/weather/jwks", server.origin()));
    server.set_keys_available("weather", false).unwrap();
    for url in &urls {
        assert_eq!(get(url).error(), (503, "temporarily_unavailable".into()), "{url}");
    }
    assert_eq!(request_token(&server, "weather", "").status, 200);
    assert_eq!(get(&format!("{}/notes/jwks", server.origin())).status, 200);
    server.set_keys_available("weather", true).unwrap();
    for url in &urls {
        assert_eq!(get(url).status, 200, "{url}");
    }
}
