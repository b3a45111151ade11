#![allow(clippy::disallowed_methods)]
//! Which proxy a URL is asked through.

use std::env;
use std::net::IpAddr;

use ureq::{Proxy, ProxyProtocol};

use super::address;
use super::{FetchError, FetchStep};
use crate::url::Url;

/// The proxy for a URL: the configured one, else the environment's; none for loopback and for what `NO_PROXY` names.
///
/// A CGI program (`REQUEST_METHOD` is set) ignores the environment: there a request's `Proxy` field arrives as
/// `HTTP_PROXY`.
pub(super) fn for_url(url: &Url, configured: Option<&str>) -> Result<Option<Proxy>, FetchError> {
    let is_cgi = env::var_os("REQUEST_METHOD").is_some();
    choose(url, configured, &|name| if is_cgi { None } else { env::var(name).ok() })
}

fn choose(
    url: &Url,
    configured: Option<&str>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, FetchError> {
    let variable = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
    let either = |lower: &str| variable(lower).or_else(|| variable(&lower.to_ascii_uppercase()));
    if url.is_loopback() || either("no_proxy").is_some_and(|list| is_exempt(url.hostname(), &list)) {
        return Ok(None);
    }
    let by_scheme = if url.is_https() { "https_proxy" } else { "http_proxy" };
    let chosen = configured.map(str::to_owned).or_else(|| either(by_scheme)).or_else(|| either("all_proxy"));
    let Some(chosen) = chosen else { return Ok(None) };
    match Proxy::new(chosen.trim()) {
        Ok(proxy) if matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) => {
            Ok(Some(proxy))
        }
        _ => Err(FetchError::new(
            FetchStep::Connect,
            match configured {
                Some(_) => "`http.proxy` is not the URL of an http or https proxy",
                None => {
                    "the environment's proxy is not the URL of an http or https proxy (`http.proxy` overrides it)"
                }
            },
        )),
    }
}

/// Whether a `NO_PROXY` list names a host: `*`, a domain and all below it (with or without a leading dot or `*.`),
/// an address, or a network such as `10.0.0.0/8`. A port after a name is not looked at.
fn is_exempt(host: &str, list: &str) -> bool {
    list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        if entry == "*" {
            return true;
        }
        if let Some(address) = address::literal(host) {
            return is_within(address, entry);
        }
        let name = entry.rsplit_once(':').map_or(entry, |(name, _)| name);
        let domain = name.trim_start_matches('*').trim_start_matches('.').to_ascii_lowercase();
        !domain.is_empty()
            && host.strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    })
}

fn is_within(address: IpAddr, entry: &str) -> bool {
    let (network, bits) = match entry.split_once('/') {
        Some((network, bits)) => (network, bits.parse::<u32>().ok()),
        None => (entry, Some(u32::MAX)),
    };
    let (Some(network), Some(bits)) = (address::literal(network), bits) else { return false };
    let shared = |same: u128, width: u32| (same << (128 - width)).leading_zeros() >= bits.min(width);
    match (address.to_canonical(), network.to_canonical()) {
        (IpAddr::V4(a), IpAddr::V4(b)) => shared(u128::from(a.to_bits() ^ b.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(b)) => shared(a.to_bits() ^ b.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(url: &str, configured: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        let lookup =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, v)| (*v).to_owned());
        let url = Url::parse(url).unwrap();
        choose(&url, configured, &lookup).unwrap().map(|proxy| format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn the_configured_proxy_comes_before_the_environments() {
        let variables =
            [("HTTPS_PROXY", "http://env:1"), ("http_proxy", "http://plain:2"), ("ALL_PROXY", "all:3")];
        assert_eq!(chosen("https://as.example", Some("http://own:9"), &variables).unwrap(), "own:9");
        assert_eq!(chosen("https://as.example", None, &variables).unwrap(), "env:1");
        assert_eq!(chosen("http://as.example", None, &variables).unwrap(), "plain:2");
        assert_eq!(chosen("https://as.example", None, &variables[1..]).unwrap(), "all:3");
        assert_eq!(chosen("https://as.example", None, &[("https_proxy", " ")]), None);
    }

    #[test]
    fn loopback_and_no_proxy_are_asked_directly() {
        for url in ["http://127.0.0.1:1", "https://localhost", "https://[::1]/jwks"] {
            assert_eq!(chosen(url, Some("http://own:9"), &[]), None, "{url}");
        }
        let variables = [("NO_PROXY", "other.example, .corp.example,10.0.0.0/8")];
        assert_eq!(chosen("https://as.corp.example", Some("http://own:9"), &variables), None);
        assert_eq!(chosen("https://10.9.9.9", Some("http://own:9"), &variables), None);
        assert!(chosen("https://as.example", Some("http://own:9"), &variables).is_some());
    }

    #[test]
    fn no_proxy_matches_whole_labels_and_networks() {
        for (host, list) in [
            ("a.example", "*"),
            ("a.example", "a.example"),
            ("b.a.example", "a.example"),
            ("b.a.example", ".a.example"),
            ("b.a.example", "*.a.example"),
            ("a.example", "A.Example:443"),
            ("10.1.2.3", "10.0.0.0/8"),
            ("10.1.2.3", "10.1.2.3"),
            ("fd00::1", "fd00::/16"),
            ("8.8.8.8", "0.0.0.0/0"),
        ] {
            assert!(is_exempt(host, list), "{host} {list}");
        }
        for (host, list) in [
            ("ba.example", "a.example"),
            ("a.example.com", "a.example"),
            ("11.1.2.3", "10.0.0.0/8"),
            ("a.example", "."),
            ("10.1.2.3", "10.1.2.4"),
            ("10.1.2.3", "10.0.0.0/x"),
            ("fd00::1", "10.0.0.0/8"),
            ("a.example", ""),
        ] {
            assert!(!is_exempt(host, list), "{host} {list}");
        }
    }

    /// T52 (tests/attacks.md)
    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_not_a_detour() {
        for proxy in ["socks5://p:1080", "ftp://p", "://"] {
            let error =
                choose(&Url::parse("https://as.example").unwrap(), Some(proxy), &|_| None).unwrap_err();
            assert!(error.to_string().contains("http.proxy"), "{error}");
        }
    }
}
