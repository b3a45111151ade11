//! Counters and gauges as Prometheus text (exposition format 0.0.4).

use std::fmt::Display;

use crate::event::Stats;
use crate::keys::relay::RelayStatus;
use crate::keys::source::SourceStatus;

/// The `Content-Type` of the text.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The statistics as text. The names and labels are listed in `docs/operating.md`.
pub(crate) fn text(stats: &Stats) -> String {
    let mut text = Text::default();
    decisions(stats, &mut text);
    token_cache(stats, &mut text);
    events(stats, &mut text);
    keys(&stats.sources, &mut text);
    fetches(&stats.sources, &mut text);
    relay(stats.authorization_server_metadata.as_slice(), &mut text);
    text.0
}

fn decisions(stats: &Stats, text: &mut Text) {
    text.counter("accepted_total", "Accepted requests.");
    text.sample("accepted_total", &[], stats.accepted);
    text.counter("refused_total", "Refused requests by reason.");
    for (reason, count) in &stats.refused {
        text.sample("refused_total", &[("reason", reason)], count);
    }
    text.counter("not_rfc9068_total", "Accepted tokens that token_format rfc9068 would refuse.");
    text.sample("not_rfc9068_total", &[], stats.not_rfc9068);
}

fn token_cache(stats: &Stats, text: &mut Text) {
    text.counter("token_cache_lookups_total", "Tokens by whether they were held when they came.");
    text.sample("token_cache_lookups_total", &[("result", "hit")], stats.token_cache.hits);
    text.sample("token_cache_lookups_total", &[("result", "miss")], stats.token_cache.misses);
    text.gauge("token_cache_entries", "Verified tokens that are held.");
    text.sample("token_cache_entries", &[], stats.token_cache.entries);
    text.gauge("token_cache_bytes", "The memory that they take.");
    text.sample("token_cache_bytes", &[], stats.token_cache.bytes);
}

fn events(stats: &Stats, text: &mut Text) {
    text.counter("events_total", "Audit events by whether there was room for them.");
    text.sample("events_total", &[("result", "recorded")], stats.events.recorded);
    text.sample("events_total", &[("result", "dropped")], stats.events.dropped);
    text.gauge("events_waiting", "Audit events that wait to be drained.");
    text.sample("events_waiting", &[], stats.events.waiting);
}

fn keys(sources: &[SourceStatus], text: &mut Text) {
    text.gauge("keys", "Usable keys that are held.");
    for source in sources {
        text.sample("keys", &[("issuer", &source.issuer)], source.keys);
    }
    text.gauge("keys_usable", "Whether tokens of the issuer can be judged now.");
    for source in sources {
        text.sample("keys_usable", &[("issuer", &source.issuer)], u8::from(source.is_usable()));
    }
    text.gauge("keys_degraded", "Whether the keys are overdue and a fetch has failed.");
    for source in sources {
        text.sample("keys_degraded", &[("issuer", &source.issuer)], u8::from(source.degraded));
    }
    text.gauge("keys_age_seconds", "The age of the keys that are held.");
    for source in sources {
        if let Some(age) = source.age_seconds {
            text.sample("keys_age_seconds", &[("issuer", &source.issuer)], age);
        }
    }
    text.gauge("keys_skipped", "Published keys that were left aside, by reason.");
    for source in sources {
        for (reason, count) in &source.skipped {
            text.sample("keys_skipped", &[("issuer", &source.issuer), ("reason", reason)], count);
        }
    }
}

fn fetches(sources: &[SourceStatus], text: &mut Text) {
    text.counter("fetches_total", "Finished fetches by outcome, or the step that failed.");
    for source in sources {
        for (outcome, count) in &source.fetches {
            text.sample("fetches_total", &[("issuer", &source.issuer), ("outcome", outcome)], count);
        }
    }
    text.gauge("fetches_waiting", "Requests that wait for a fetch.");
    for source in sources {
        text.sample("fetches_waiting", &[("issuer", &source.issuer)], source.waiting);
    }
}

/// None or one.
fn relay(relays: &[RelayStatus], text: &mut Text) {
    text.gauge("metadata_usable", "Whether the authorization server's metadata is served now.");
    for relay in relays {
        text.sample("metadata_usable", &[("issuer", &relay.issuer)], u8::from(relay.is_usable()));
    }
    text.gauge("metadata_age_seconds", "The age of the authorization server's metadata.");
    for relay in relays {
        if let Some(age) = relay.age_seconds {
            text.sample("metadata_age_seconds", &[("issuer", &relay.issuer)], age);
        }
    }
    text.counter("metadata_fetches_total", "Fetches of it by outcome, or the step that failed.");
    for relay in relays {
        for (outcome, count) in &relay.fetches {
            text.sample("metadata_fetches_total", &[("issuer", &relay.issuer), ("outcome", outcome)], count);
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn counter(&mut self, name: &str, help: &str) {
        self.family(name, help, "counter");
    }

    fn gauge(&mut self, name: &str, help: &str) {
        self.family(name, help, "gauge");
    }

    fn family(&mut self, name: &str, help: &str, kind: &str) {
        self.0.push_str(&format!("# HELP scopegate_{name} {help}\n# TYPE scopegate_{name} {kind}\n"));
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let labels: Vec<_> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        self.0.push_str(&format!("scopegate_{name}{labels} {value}\n"));
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::keys::test_keys::jwks;
    use crate::request::Request;
    use crate::resource_server::ResourceServer;

    #[test]
    fn the_page_for_operators_names_every_family_and_no_other() {
        let page = include_str!("../../../docs/operating.md");
        let rows = page.lines().filter(|line| line.starts_with("| `scopegate_"));
        let first_cells = rows.filter_map(|row| row.split('|').nth(1));
        let named = first_cells.flat_map(|cell| cell.split(',')).map(|name| name.trim().trim_matches('`'));
        let config =
            json!({"resource": "https://mcp.example/mcp", "authorization_servers": ["https://as.example"]});
        let server = ResourceServer::from_json(&config.to_string()).expect("a configuration");
        let text = server.stats().to_prometheus();
        let families = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
        assert_eq!(named.collect::<Vec<_>>(), families.collect::<Vec<_>>());
    }

    #[test]
    fn every_sample_follows_its_family_and_labels_are_escaped() {
        let server = json!({"issuer": "a\"b\\c\nd", "advertise": "https://as.example",
            "jwks": serde_json::from_str::<Value>(&jwks(&["1"])).expect("JSON")});
        let config = json!({"resource": "https://mcp.example/mcp", "authorization_servers": [server]});
        let server = ResourceServer::from_json(&config.to_string()).expect("a configuration");
        let _ = server.authorize(&Request::new("GET", "/mcp"));
        let text = server.stats().to_prometheus();
        assert!(text.contains("\nscopegate_refused_total{reason=\"missing_token\"} 1\n"), "{text}");
        assert!(text.contains("\nscopegate_keys{issuer=\"a\\\"b\\\\c\\nd\"} 1\n"), "{text}");
        let mut family = "";
        for line in text.lines() {
            match line.strip_prefix("# TYPE ") {
                Some(named) => family = named.split(' ').next().unwrap_or_default(),
                None if line.starts_with("# HELP ") => {}
                None => assert_eq!(line.split(['{', ' ']).next(), Some(family), "{line}"),
            }
        }
    }
}
