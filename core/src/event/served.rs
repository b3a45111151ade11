//! Health and metrics as responses, for probes and scrapers.

use crate::event::{Health, Stats};
use crate::response::HttpResponse;

/// The status alone: what else health knows is for operators.
pub(crate) fn health(method: &str, health: impl FnOnce() -> Health) -> Option<HttpResponse> {
    served(method, "application/json", || format!(r#"{{"status":"{}"}}"#, health().status))
}

/// The counters as Prometheus text.
pub(crate) fn metrics(method: &str, stats: impl FnOnce() -> Stats) -> Option<HttpResponse> {
    served(method, Stats::PROMETHEUS_CONTENT_TYPE, || stats().to_prometheus())
}

fn served(method: &str, content_type: &str, text: impl FnOnce() -> String) -> Option<HttpResponse> {
    let is_head = method == "HEAD";
    if !is_head && method != "GET" {
        return None;
    }
    let mut headers =
        vec![("Content-Type", content_type.to_owned()), ("Cache-Control", "no-store".to_owned())];
    let mut body = text().into_bytes();
    if is_head {
        headers.push(("Content-Length", body.len().to_string()));
        body.clear();
    }
    Some(HttpResponse { status: 200, headers, body })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::keys::test_keys::jwks;
    use crate::request::Request;
    use crate::resource_server::ResourceServer;
    use crate::response::HttpResponse;

    fn server() -> ResourceServer {
        let keys: Value = serde_json::from_str(&jwks(&["1"])).expect("JSON");
        let config = json!({"resource": "https://mcp.example/mcp",
            "authorization_servers": [{"issuer": "https://as.example", "jwks": keys}]});
        ResourceServer::from_json(&config.to_string()).expect("a configuration")
    }

    fn fields(response: &HttpResponse) -> Vec<(&str, &str)> {
        response.headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    #[test]
    fn a_probe_is_told_the_status_alone() {
        let server = server();
        let got = server.health_response(&Request::new("GET", "/healthz")).expect("an answer");
        assert_eq!((got.status, &*got.body), (200, &b"{\"status\":\"ok\"}"[..]));
        assert_eq!(fields(&got), [("Content-Type", "application/json"), ("Cache-Control", "no-store")]);
    }

    #[test]
    fn a_scraper_gets_the_counters_as_they_are_then() {
        let server = server();
        let scrape = Request::new("GET", "/metrics");
        let _ = server.authorize(&Request::new("GET", "/mcp"));
        let got = server.metrics_response(&scrape).expect("an answer");
        assert_eq!(String::from_utf8(got.body.clone()).expect("text"), server.stats().to_prometheus());
        let content_type = ("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
        assert_eq!(fields(&got), [content_type, ("Cache-Control", "no-store")]);
        let _ = server.authorize(&Request::new("GET", "/mcp"));
        assert_ne!(server.metrics_response(&scrape).expect("an answer").body, got.body);
    }

    #[test]
    fn head_has_the_length_in_place_of_the_body_and_other_methods_are_the_applications() {
        let server = server();
        let answers = [ResourceServer::health_response, ResourceServer::metrics_response];
        for answer in answers {
            let got = answer(&server, &Request::new("GET", "/")).expect("an answer");
            let head = answer(&server, &Request::new("HEAD", "/")).expect("an answer");
            assert_eq!(head.header("content-length"), Some(got.body.len().to_string().as_str()));
            assert_eq!((head.status, &*head.body), (200, &b""[..]));
            for method in ["POST", "OPTIONS", "get", ""] {
                assert_eq!(answer(&server, &Request::new(method, "/")), None, "{method}");
            }
        }
    }
}
