//! Resource URIs: the one key under which a policy looks up all spellings of a resource.
//!
//! The server behind finds the resource by its own reading of the URI. TypeScript's rewrites it as browsers do (WHATWG
//! URL), Python's templates decode what they capture and pass over queries and fragments, Go's file handler decodes
//! the path. Spellings that one of them takes for the same resource have one key here, or none, and what has no key
//! is denied.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The key of a URI, None for a URI that servers could take for another one, or for a text that is no absolute URI.
///
/// It differs from the URI in this: scheme and host are in lower case, the hexadecimal digits of escapes in upper case;
/// characters beyond ASCII are escaped; there is no query; an empty path of a web address is `/`; several slashes in a
/// row in the path are one.
///
/// No key has: a dot segment; an escape of an unreserved character, of a slash, a backslash or a control character,
/// or of what is not UTF-8; a blank, a control character, or any other that RFC 3986 does not have; a fragment; a
/// user name; a port that is the default or has leading zeros; a host that parsers rewrite (numbers that are no IPv4
/// address, IPv6 in another form than RFC 5952's, escapes in the host of a web address, `localhost` in a file URI).
pub(crate) fn key(uri: &str) -> Option<String> {
    spelled(uri, Braces::Refused)
}

/// The key of a URI or of a URI template (RFC 6570), whose expressions stay as they are. Expressions of a query or a
/// fragment have no part in it.
pub(crate) fn template_key(template: &str) -> Option<String> {
    let end = ["{?", "{&", "{#"].into_iter().filter_map(|start| template.find(start)).min();
    spelled(template.get(..end.unwrap_or(template.len()))?, Braces::Taken)
}

/// What is wrong with the URI of a policy, None when it is a key.
pub(crate) fn key_problem(uri: &str) -> Option<String> {
    match key(uri) {
        Some(key) if key == uri => None,
        Some(key) => Some(format!("expected the form that URIs are compared in: \"{key}\"")),
        None if uri.contains(['{', '}']) => {
            Some("expected a URI, or a pattern such as weather://*, and no template".to_owned())
        }
        None => Some("expected a URI that can be read in one way, such as file:///reports/2026".to_owned()),
    }
}

/// What is wrong with a pattern of a policy, given without its `*`; None when it ends where a segment begins.
pub(crate) fn stem_problem(stem: &str) -> Option<String> {
    let scheme = stem.strip_suffix("://").or_else(|| stem.strip_suffix(':'));
    match scheme.map(|scheme| (scheme, Scheme::of(scheme))) {
        _ if stem.is_empty() => return None,
        Some((written, Some(scheme))) if scheme.0 == written => return None,
        Some((written, Some(scheme))) => {
            let stem = stem.replacen(written, &scheme.0, 1);
            return Some(format!("expected the form that URIs are compared in: \"{stem}*\""));
        }
        _ => {}
    }
    // The prefix `a:/` would also fit `a://host/`.
    if !stem.ends_with('/') || stem.ends_with(":/") {
        return Some(
            "expected the * after a slash, scheme:* or scheme://*: it stands for whole segments".to_owned(),
        );
    }
    match key(stem) {
        Some(key) if key != stem && key.ends_with('/') => {
            Some(format!("expected the form that URIs are compared in: \"{key}*\""))
        }
        _ => key_problem(stem),
    }
}

/// Whether a text may be a URI template.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Braces {
    Refused,
    Taken,
}

fn spelled(uri: &str, braces: Braces) -> Option<String> {
    let (scheme, rest) = uri.split_once(':')?;
    let scheme = Scheme::of(scheme)?;
    let rest = escaped(rest, braces)?;
    let rest = rest.split_once('?').map_or(&*rest, |(before, _)| before);
    let (authority, path) = match rest.strip_prefix("//") {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            (format!("//{}", self::authority(authority, &scheme)?), path)
        }
        // Browsers put in the slashes that are missing after these schemes.
        None if scheme.is_special() => return None,
        None => (String::new(), rest),
    };
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return None;
    }
    let path = if path.is_empty() && scheme.is_special() { "/" } else { path };
    Some(format!("{}:{authority}{}", scheme.0, with_single_slashes(path)))
}

/// A scheme in lower case.
struct Scheme(String);

impl Scheme {
    fn of(text: &str) -> Option<Scheme> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_scheme = text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(fits);
        is_scheme.then(|| Scheme(text.to_ascii_lowercase()))
    }

    /// Whether it is one of WHATWG URL's special schemes, for which browsers rewrite more.
    fn is_special(&self) -> bool {
        self.0 == "file" || self.default_port().is_some()
    }

    fn default_port(&self) -> Option<u16> {
        match &*self.0 {
            "http" | "ws" => Some(80),
            "https" | "wss" => Some(443),
            "ftp" => Some(21),
            _ => None,
        }
    }
}

/// What follows the scheme with its characters in one spelling, None where a character has none.
fn escaped(text: &str, braces: Braces) -> Option<String> {
    let (mut spelled, mut decoded) = (String::with_capacity(text.len()), Vec::with_capacity(text.len()));
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '%' => {
                let byte = hexadecimal(characters.next()?)? * 16 + hexadecimal(characters.next()?)?;
                if is_unreserved(byte) || matches!(byte, b'/' | b'\\') {
                    return None;
                }
                escape(byte, &mut spelled);
                decoded.push(byte);
            }
            '{' | '}' if braces == Braces::Taken => spelled.push(character),
            '!'..='~' if !"\"#<>\\^`{|}".contains(character) => spelled.push(character),
            _ if character.is_ascii() || character.is_whitespace() => return None,
            _ => {
                let mut buffer = [0; 4];
                for byte in character.encode_utf8(&mut buffer).bytes() {
                    escape(byte, &mut spelled);
                    decoded.push(byte);
                }
            }
        }
    }
    let has_controls = std::str::from_utf8(&decoded).ok()?.chars().any(char::is_control);
    (!has_controls).then_some(spelled)
}

fn hexadecimal(digit: char) -> Option<u8> {
    digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn escape(byte: u8, to: &mut String) {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    to.push('%');
    to.extend([byte >> 4, byte & 15].iter().filter_map(|digit| DIGITS.get(usize::from(*digit))));
}

/// Host and port with the host in lower case, None where parsers would rewrite them.
fn authority(text: &str, scheme: &Scheme) -> Option<String> {
    if text.contains('@') {
        return None;
    }
    let host_end = match text.strip_prefix('[') {
        Some(_) => text.find(']')? + 1,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(host_end);
    let is_plain_port = port.is_empty() || is_plain_port(port, scheme);
    let host = lower_case(host);
    let is_plain_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => is_plain_ipv6(address),
        None if host.is_empty() => port.is_empty() && scheme.default_port().is_none(),
        None if scheme.is_special() => {
            is_plain_web_host(&host) && !(scheme.0 == "file" && host == "localhost")
        }
        None => true,
    };
    (is_plain_port && is_plain_host).then(|| format!("{host}{port}"))
}

/// Whether a port with its colon is written as parsers write it. A file URI has none.
fn is_plain_port(port: &str, scheme: &Scheme) -> bool {
    let digits = port.strip_prefix(':').unwrap_or_default();
    let number = digits.parse::<u16>().ok().filter(|number| number.to_string() == digits);
    number.is_some() && number != scheme.default_port() && scheme.0 != "file"
}

fn is_plain_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok_and(|address| address.to_string() == text) && !text.contains('.')
}

/// Whether browsers leave this host as it is. They decode escapes, and take any host whose last label is a number for
/// an IPv4 address.
fn is_plain_web_host(host: &str) -> bool {
    let last = host.strip_suffix('.').unwrap_or(host).rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    !host.contains('%') && (!is_number || host.parse::<Ipv4Addr>().is_ok())
}

/// Lower case, escapes excepted.
fn lower_case(host: &str) -> String {
    let mut parts = host.split('%');
    let mut lower = parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        lower.extend(["%", digits, &rest.to_ascii_lowercase()]);
    }
    lower
}

/// A path without empty segments: whoever opens a file by it passes over them.
fn with_single_slashes(path: &str) -> String {
    let mut single = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !single.ends_with('/') {
            single.push(character);
        }
    }
    single
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_of_one_resource_have_one_key() {
        for (uri, expected) in [
            ("file:///reports/2026", "file:///reports/2026"),
            ("FILE:///Reports/2026", "file:///Reports/2026"),
            ("file://", "file:///"),
            ("file://Server/share", "file://server/share"),
            ("HTTPS://Example.COM/A", "https://example.com/A"),
            ("https://example.com", "https://example.com/"),
            ("https://example.com?q=1", "https://example.com/"),
            ("https://example.com:8443/a?b/../c", "https://example.com:8443/a"),
            ("https://example.com./", "https://example.com./"),
            ("http://127.0.0.1/", "http://127.0.0.1/"),
            ("http://[::1]:8080/", "http://[::1]:8080/"),
            ("Weather://Paris", "weather://paris"),
            ("weather://Paris/", "weather://paris/"),
            ("weather://S%c3%a3O/", "weather://s%C3%A3o/"),
            ("weather://S\u{e3}o/", "weather://s%C3%A3o/"),
            ("file:///\u{fc}", "file:///%C3%BC"),
            ("file:///%c3%bc", "file:///%C3%BC"),
            ("file:///a%20b%3f", "file:///a%20b%3F"),
            ("file:///a//b///c//", "file:///a/b/c/"),
            ("file:////a", "file:///a"),
            ("urn:ISBN:123", "urn:ISBN:123"),
            ("memo:a//b", "memo:a/b"),
            ("memo:/a", "memo:/a"),
            ("memo:///a", "memo:///a"),
            ("memo:", "memo:"),
            ("a+b-c.d:!$&'()*+,;=~_[]@", "a+b-c.d:!$&'()*+,;=~_[]@"),
            ("file:///a...", "file:///a..."),
            ("file:///...", "file:///..."),
        ] {
            assert_eq!(key(uri).as_deref(), Some(expected), "{uri}");
            assert_eq!(template_key(uri).as_deref(), Some(expected), "{uri}");
        }
    }

    #[test]
    fn what_servers_read_differently_has_no_key() {
        for uri in [
            // No absolute URI.
            "",
            "reports",
            "/a",
            "//a/b",
            ":a",
            "1a:b",
            "\u{fc}:a",
            "a b:c",
            // Dot segments.
            "file:///a/../b",
            "file:///.",
            "file:///./a",
            "file:///a/..",
            "memo:..",
            "memo:a/./b",
            "file:///%2e%2e/a",
            "file:///%2E/a",
            "file:///.%2e/a",
            "file:///..%2fa",
            // Escapes.
            "file:///%61",
            "file:///%7E",
            "file:///%2Fa",
            "file:///a%2fb",
            "file:///a%5Cb",
            "file:///a%00",
            "file:///%0a",
            "file:///%7f",
            "file:///%C2%85",
            "file:///%",
            "file:///%4",
            "file:///%zz",
            "file:///%+1",
            "file:///%ff",
            "file:///%C0%AE",
            "file:///%C3\u{bc}",
            // Characters.
            "file:///a\\b",
            "file:\\\\a",
            "file:///a b",
            " file:///a",
            "file:///a ",
            "file:///a\t",
            "file:///a\n",
            "fi\tle:///a",
            "file:///a\u{7f}",
            "file:///a\u{85}",
            "file:///a\u{a0}b",
            "file:///a\u{2028}",
            "file:///\"",
            "file:///<a>",
            "file:///a^",
            "file:///`",
            "file:///a|b",
            "file:///{a}",
            "file:///a?b c",
            "file:///a?%61",
            "file:///a#b",
            "file:///a#",
            "file:///a?b#c",
            // Authorities.
            "https://user@example.com/",
            "https://user:pw@example.com/",
            "https://@example.com/",
            "memo://u@h/",
            "https://example.com:443/",
            "http://example.com:80/",
            "ws://a:80/",
            "wss://a:443/",
            "ftp://a:21/",
            "https://example.com:/",
            "https://example.com:08/",
            "https://example.com:99999/",
            "memo://h:/",
            "memo://h:080/",
            "memo://h:x/",
            "memo://:80/",
            "https://a:b:1/",
            "https:///example.com/",
            "https:/example.com/",
            "https:example.com",
            "https://",
            "https://:8443/",
            "ftp:a",
            "file:/a",
            "file:a",
            "file:",
            "file://localhost/a",
            "file://LOCALHOST/a",
            "file://C:/a",
            "file://server:1/a",
            "http://127.1/",
            "http://0x7f.0.0.1/",
            "http://2130706433/",
            "http://127.0.0.1./",
            "http://0177.0.0.1/",
            "http://a.0x/",
            "http://1.2.3.4.5/",
            "http://\u{ff41}.example/",
            "http://%C3%BC.example/",
            "http://a%24/",
            "http://[::0001]/",
            "http://[0:0:0:0:0:0:0:1]/",
            "http://[::ffff:1.2.3.4]/",
            "http://[::1/",
            "memo://[x]/",
            "http://[::A]x/",
        ] {
            assert_eq!(key(uri), None, "{uri}");
        }
    }

    #[test]
    fn expressions_of_a_template_stay_as_they_are() {
        for (template, expected) in [
            ("weather://{city}/now", Some("weather://{city}/now")),
            ("Weather://{City}/{+Day}", Some("weather://{city}/{+Day}")),
            ("file:///{+path}", Some("file:///{+path}")),
            ("https://example.com{?q}", Some("https://example.com/")),
            ("file:///a/{b}{?c,d}{&e}", Some("file:///a/{b}")),
            ("file:///a{#b}", Some("file:///a")),
            ("file:///{a}/../b", None),
            ("file:///{a b}", None),
            ("{+uri}", None),
            ("{scheme}://a", None),
        ] {
            assert_eq!(template_key(template).as_deref(), expected, "{template}");
        }
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(uri in "(file|https|a):(//)?[a1.:@\\[\\]%AüC3/?{}-]{0,12}") {
            for key_of in [key, template_key] {
                if let Some(key) = key_of(&uri) {
                    prop_assert_eq!(key_of(&key), Some(key.clone()), "{}", uri);
                    prop_assert!(key.is_ascii());
                    prop_assert!(!key.contains(['?', '#', '\\', ' ']));
                }
            }
        }

        #[test]
        fn any_text_has_a_key_or_none(uri in "\\PC{0,40}") {
            let _ = (key(&uri), template_key(&uri), key_problem(&uri), stem_problem(&uri));
        }
    }
}
