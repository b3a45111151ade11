use serde_json::{Value, json};
use ureq::http::Request;

use crate::fixture::{
    CLIENT_SECRET, configuration, form_request, key_set, post_form, request_token, send, start,
    token_endpoint, with_resource,
};
use crate::verification::verify;

const OTHER: &str = "https://other.example/mcp";

fn refusal(parameters: &str) -> (u16, String) {
    request_token(&start(&configuration()), "weather", parameters).error()
}

fn granted_scope(parameters: &str) -> Value {
    let answer = request_token(&start(&configuration()), "weather", parameters);
    assert_eq!(answer.status, 200);
    answer.json()["scope"].clone()
}

#[test]
fn resource_parameter_names_the_resource_of_the_issuer() {
    let server = start(&configuration());
    for parameters in [
        "resource=http%3A%2F%2F127.0.0.1%3A8000%2Fmcp",
        "resource=http://127.0.0.1:8000/mcp",
        "resource=http://127.0.0.1:8000/mcp&resource=http://127.0.0.1:8000/mcp",
        "resource=",
        "",
    ] {
        let token = request_token(&server, "weather", parameters).access_token();
        let claims = verify(&token, &key_set(&server, "weather")).unwrap().claims;
        assert_eq!(claims["aud"], "http://127.0.0.1:8000/mcp", "{parameters}");
    }
}

#[test]
fn other_resource_is_an_invalid_target() {
    for indicator in [
        OTHER,
        "http://127.0.0.1:8000/mcp/",
        "http://127.0.0.1:8000/mcp/x",
        "http://127.0.0.1:8000/",
        "http://127.0.0.1:8000/MCP",
        "http://127.0.0.1:8000/mcp%23fragment",
        "weather",
        "/mcp",
        "%ff",
    ] {
        assert_eq!(refusal(&format!("resource={indicator}")), (400, "invalid_target".into()), "{indicator}");
    }
}

#[test]
fn two_different_resources_are_an_invalid_target() {
    let own = "resource=http://127.0.0.1:8000/mcp";
    assert_eq!(refusal(&format!("{own}&resource={OTHER}")), (400, "invalid_target".into()));
    assert_eq!(refusal(&format!("resource={OTHER}&{own}")), (400, "invalid_target".into()));
}

#[test]
fn resource_of_another_issuer_is_an_invalid_target() {
    let server = start(&with_resource(configuration(), "other", OTHER, "ES256"));
    let parameters = format!("resource={OTHER}");
    assert_eq!(request_token(&server, "other", &parameters).status, 200);
    assert_eq!(request_token(&server, "weather", &parameters).error(), (400, "invalid_target".into()));
}

#[test]
fn resource_without_a_path_may_be_named_with_or_without_a_slash() {
    for registered in ["https://bare.example", "https://bare.example/"] {
        let server = start(&with_resource(configuration(), "bare", registered, "ES256"));
        for named in ["https://bare.example", "https://bare.example/"] {
            let token = request_token(&server, "bare", &format!("resource={named}")).access_token();
            let claims = verify(&token, &key_set(&server, "bare")).unwrap().claims;
            assert_eq!(claims["aud"], registered);
        }
        let more = request_token(&server, "bare", "resource=https://bare.example//");
        assert_eq!(more.error(), (400, "invalid_target".into()));
    }
}

#[test]
fn scopes_are_granted_as_asked_for() {
    assert_eq!(granted_scope("scope=mail:send"), "mail:send");
    assert_eq!(granted_scope("scope=weather:read+mail:send"), "weather:read mail:send");
    assert_eq!(granted_scope("scope=mail:send%20weather:read%20mail:send"), "mail:send weather:read");
}

#[test]
fn request_without_scope_gets_the_default_scopes() {
    assert_eq!(granted_scope(""), "weather:read");
    assert_eq!(granted_scope("scope="), "weather:read");
}

#[test]
fn all_scopes_of_a_grant_are_default_unless_it_lists_them() {
    let mut configuration = configuration();
    configuration["clients"][0]["grants"][0].as_object_mut().unwrap().remove("default_scopes");
    let answer = request_token(&start(&configuration), "weather", "");
    assert_eq!(answer.json()["scope"], "weather:read mail:send");
}

#[test]
fn token_without_any_scope_has_no_scope_claim() {
    let mut configuration = configuration();
    configuration["clients"][0]["grants"][0]["default_scopes"] = json!([]);
    let server = start(&configuration);
    let answer = request_token(&server, "weather", "");
    assert_eq!(answer.json().get("scope"), None);
    let verified = verify(&answer.access_token(), &key_set(&server, "weather")).unwrap();
    assert_eq!(verified.claims.get("scope"), None);
}

#[test]
fn scope_beyond_the_grant_or_the_resource_is_refused() {
    for scope in [
        "weather:write",              // of the resource, not of the client
        "weather:delete",             // of neither
        "weather:read+weather:write", // one allowed, one not: nothing is granted
        "weather:rea",
        "WEATHER:READ",
        "weather:read++mail:send",
        "+weather:read",
        "weather:read+",
        "weather:read%09mail:send",
        "weather:read,mail:send",
        "%ff",
    ] {
        assert_eq!(refusal(&format!("scope={scope}")), (400, "invalid_scope".into()), "{scope}");
    }
}

#[test]
fn client_without_a_grant_for_the_resource_is_unauthorized() {
    let mut configuration = with_resource(configuration(), "other", OTHER, "ES256");
    configuration["clients"][0]["grants"].as_array_mut().unwrap().pop();
    let answer = request_token(&start(&configuration), "other", "");
    assert_eq!(answer.error(), (400, "unauthorized_client".into()));
}

#[test]
fn other_grant_types_are_unsupported() {
    let server = start(&configuration());
    for grant_type in ["authorization_code", "password", "refresh_token", "CLIENT_CREDENTIALS", "%00"] {
        let form = format!("grant_type={grant_type}&client_id=agent&client_secret={CLIENT_SECRET}");
        assert_eq!(post_form(&server, &form).error(), (400, "unsupported_grant_type".into()), "{grant_type}");
    }
}

#[test]
fn grant_type_is_required() {
    let server = start(&configuration());
    for prefix in ["", "grant_type=&"] {
        let form = format!("{prefix}client_id=agent&client_secret={CLIENT_SECRET}");
        assert_eq!(post_form(&server, &form).error(), (400, "invalid_request".into()));
    }
}

#[test]
fn repeated_parameter_is_an_invalid_request() {
    for parameters in [
        "grant_type=client_credentials",
        "client_id=agent",
        "client_secret=x",
        "scope=weather:read&scope=weather:read",
        "scope=&scope=weather:read",
        "sc%6fpe=mail:send&scope=weather:read",
        "unknown=1&unknown=1",
    ] {
        assert_eq!(refusal(parameters), (400, "invalid_request".into()), "{parameters}");
    }
}

#[test]
fn unknown_parameter_is_ignored() {
    assert_eq!(granted_scope("audience=https%3A%2F%2Fother.example"), "weather:read");
}

#[test]
fn parameters_in_the_query_are_not_read() {
    let server = start(&configuration());
    let url = format!("{}?scope=mail:send&client_secret=x", token_endpoint(&server, "weather"));
    let form = format!("grant_type=client_credentials&client_id=agent&client_secret={CLIENT_SECRET}");
    assert_eq!(send(form_request(&url).body(form).unwrap()).json()["scope"], "weather:read");
    let everything = format!("{url}&grant_type=client_credentials&client_id=agent");
    assert_eq!(send(form_request(&everything).body("").unwrap()).error(), (401, "invalid_client".into()));
}

#[test]
fn body_must_be_a_form() {
    let server = start(&configuration());
    let form = format!("grant_type=client_credentials&client_id=agent&client_secret={CLIENT_SECRET}");
    let send_as = |content_type: &str| {
        let request = Request::post(token_endpoint(&server, "weather")).header("Content-Type", content_type);
        send(request.body(form.as_bytes()).unwrap())
    };
    for content_type in
        ["application/json", "text/plain", "multipart/form-data", "", "application/x-www-form"]
    {
        assert_eq!(send_as(content_type).error(), (400, "invalid_request".into()), "{content_type}");
    }
    for content_type in
        ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
    {
        assert_eq!(send_as(content_type).status, 200, "{content_type}");
    }
}
