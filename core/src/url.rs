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
    Escape,
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
            UrlError::Escape => "expected a URL with two hexadecimal digits after each percent sign",
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
        let is_escaped = |rest: &str| {
            let digits = rest.as_bytes().get(..2);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        if !text.split('%').skip(1).all(is_escaped) {
            return Err(UrlError::Escape);
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

    /// Whether the host is a name or an address in its usual form. Clients read `127.1` as an address and `a.1` not at all
    /// (WHATWG URL, host parsing).
    pub(crate) fn has_usual_host(&self) -> bool {
        !is_number_like(&self.host) || self.host.parse::<IpAddr>().is_ok()
    }

    /// Whether a segment of the path is `.` or `..`, plain or encoded: clients take such segments away before they ask
    /// (RFC 3986 section 5.2.4).
    pub(crate) fn has_dot_segment(&self) -> bool {
        let is_dots =
            |segment: &str| matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "." | "..");
        self.path().split('/').any(is_dots)
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

/// Whether a resolver might read this host as a number (`127.1`, `0x7f.1`, `2130706433`): no host name ends in a
/// label that begins like one (RFC 1123 section 2.1).
pub(crate) fn is_number_like(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let digits = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    match digits {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => last.bytes().all(|byte| byte.is_ascii_digit()),
    }
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
            ("https://a.example/%", UrlError::Escape),
            ("https://a.example/?x=%2", UrlError::Escape),
            ("https://a.example/%zz", UrlError::Escape),
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
    fn dot_segments_are_told_in_any_spelling() {
        for text in [
            "https://a.example/.",
            "https://a.example/x/../y",
            "https://a.example/%2e%2E?q",
            "https://a.example/.%2e/",
        ] {
            assert!(Url::parse(text).unwrap().has_dot_segment(), "{text}");
        }
        for text in [
            "https://a.example",
            "https://a.example/...",
            "https://a.example/.x/a.?/../",
            "https://a.example/%2f..",
        ] {
            assert!(!Url::parse(text).unwrap().has_dot_segment(), "{text}");
        }
    }

    #[test]
    fn hosts_that_look_like_numbers_are_told() {
        for text in ["https://127.1", "https://0x7f000001/", "https://1.2.3.4./", "https://a.example.1:8443/"]
        {
            assert!(!Url::parse(text).unwrap().has_usual_host(), "{text}");
        }
        for text in ["https://127.0.0.1", "https://[::ffff:1.2.3.4]", "https://1.example", "https://[::1]:1"]
        {
            assert!(Url::parse(text).unwrap().has_usual_host(), "{text}");
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
