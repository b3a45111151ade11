//! URLs of the configuration: kept byte for byte, taken apart once.

use std::fmt;
use std::net::IpAddr;

/// An absolute http or https URL without userinfo and fragment, in the spelling it was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Url {
    text: String,
    https: bool,
    /// Lower case; an IPv6 address without its brackets.
    host: String,
    port: Option<u16>,
    /// Where the path starts in `text`.
    path_start: usize,
    /// Where the path ends in `text`: at the query or the end.
    path_end: usize,
}

/// What is wrong with a text that should be a URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UrlError {
    NotAbsolute,
    Scheme,
    Userinfo,
    Fragment,
    Character,
    Host,
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            UrlError::NotAbsolute => "expected an absolute URL such as https://mcp.example.com/mcp",
            UrlError::Scheme => "expected an https URL",
            UrlError::Userinfo => "expected a URL without a user name or password",
            UrlError::Fragment => "expected a URL without a fragment (#)",
            UrlError::Character => {
                "expected a URL of visible ASCII characters without quotes and backslashes"
            }
            UrlError::Host => {
                "expected a URL with a host name or address, and a port from 1 to 65535 without leading zeros"
            }
        })
    }
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Url, UrlError> {
        let bad = |byte: u8| !matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e) || b"<>^`{|}".contains(&byte);
        if text.bytes().any(bad) {
            return Err(UrlError::Character);
        }
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::NotAbsolute)?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return Err(UrlError::Scheme);
        }
        if text.contains('#') {
            return Err(UrlError::Fragment);
        }
        let authority_len = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(authority_len);
        if authority.contains('@') {
            return Err(UrlError::Userinfo);
        }
        let (host, port) = split_authority(authority).ok_or(UrlError::Host)?;
        let path_start = text.len() - tail.len();
        let path_end = tail.find('?').map_or(text.len(), |query| path_start + query);
        Ok(Url { text: text.to_owned(), https, host: host.to_ascii_lowercase(), port, path_start, path_end })
    }

    /// The URL as it was configured.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host in lower case, without port; an IPv6 address without brackets.
    pub fn hostname(&self) -> &str {
        &self.host
    }

    /// The port if it is not the scheme's default.
    pub fn port(&self) -> Option<u16> {
        self.port.filter(|port| *port != if self.https { 443 } else { 80 })
    }

    /// Scheme, host and port as a browser writes them in `Origin`.
    pub fn origin(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        match self.port() {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
    }

    /// Scheme and authority in the configured spelling.
    pub(crate) fn authority_part(&self) -> &str {
        self.text.get(..self.path_start).unwrap_or_default()
    }

    /// The path in the configured spelling; empty when the URL ends with its authority.
    pub fn path(&self) -> &str {
        self.text.get(self.path_start..self.path_end).unwrap_or_default()
    }

    /// The query with its question mark, or nothing.
    pub(crate) fn query(&self) -> &str {
        self.text.get(self.path_end..).unwrap_or_default()
    }

    pub(crate) fn is_https(&self) -> bool {
        self.https
    }

    /// Whether the host is this machine by its name: `localhost`, a name below it, or a loopback address.
    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// The form in which equal resources are equal texts: scheme and host in lower case, no default port, `/` for an
    /// empty path; everything else as it stands (RFC 3986 section 6.2.3).
    pub(crate) fn normalised(&self) -> String {
        let path = if self.path().is_empty() { "/" } else { self.path() };
        format!("{}{path}{}", self.origin(), self.query())
    }
}

fn split_authority(authority: &str) -> Option<(&str, Option<u16>)> {
    // The grammar of the authority is http's to check.
    authority.parse::<http::uri::Authority>().ok()?;
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']')?;
            address.parse::<std::net::Ipv6Addr>().ok()?;
            (address, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        Some(digits) => Some(parse_port(digits)?),
        None => None,
    };
    (!host.is_empty()).then_some((host, port))
}

/// A port in the one spelling that it has: 0443 would be another text for the same resource.
fn parse_port(digits: &str) -> Option<u16> {
    let is_plain = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { digits.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_the_configured_spelling() {
        let url = Url::parse("https://MCP.Example.com:8443/a/b?x=1").unwrap();
        assert_eq!(url.as_str(), "https://MCP.Example.com:8443/a/b?x=1");
        assert_eq!((url.hostname(), url.path(), url.query()), ("mcp.example.com", "/a/b", "?x=1"));
        assert_eq!(url.origin(), "https://mcp.example.com:8443");
        assert_eq!(url.authority_part(), "https://MCP.Example.com:8443");
    }

    #[test]
    fn equal_resources_are_equal_after_normalising() {
        for (a, b) in [
            ("https://a.example", "HTTPS://A.example:443/"),
            ("http://127.0.0.1:80/x", "http://127.0.0.1/x"),
            ("https://a.example?t=1", "https://a.example/?t=1"),
        ] {
            assert_eq!(Url::parse(a).unwrap().normalised(), Url::parse(b).unwrap().normalised());
        }
        for (a, b) in
            [("https://a.example/x", "https://a.example/x/"), ("https://a.example/x", "https://a.example/X")]
        {
            assert_ne!(Url::parse(a).unwrap().normalised(), Url::parse(b).unwrap().normalised());
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (text, error) in [
            ("mcp.example.com", UrlError::NotAbsolute),
            ("ftp://a.example", UrlError::Scheme),
            ("https://u@a.example", UrlError::Userinfo),
            ("https://a.example/#x", UrlError::Fragment),
            ("https://a.example/\"", UrlError::Character),
            ("https://a.example/ x", UrlError::Character),
            ("https://", UrlError::Host),
            ("https:///x", UrlError::Host),
            ("https://a.example:99999", UrlError::Host),
            ("https://a.example:", UrlError::Host),
            ("https://a.example:0", UrlError::Host),
            ("https://a.example:0443", UrlError::Host),
            ("https://a.example:+443", UrlError::Host),
            ("https://[::1", UrlError::Host),
        ] {
            assert_eq!(Url::parse(text).unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn loopback_is_told_by_name() {
        for text in ["http://localhost:1", "http://127.0.0.9/", "http://[::1]:2/", "http://a.localhost"] {
            assert!(Url::parse(text).unwrap().is_loopback(), "{text}");
        }
        for text in ["http://10.0.0.1", "http://localhost.example.com", "http://0.0.0.0"] {
            assert!(!Url::parse(text).unwrap().is_loopback(), "{text}");
        }
    }
}
