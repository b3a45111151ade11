//! Values at the edges of what a configuration may hold.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// A source of values that a number stands for.
pub(crate) struct Draw(Rng);

/// Fixed, so that every run writes the same.
const SEED: u64 = 6750_9728;

/// What clients look for with an unanchored search of the whole challenge: no value may hold it.
const PARAMETERS: [&str; 4] = ["scope=", "error=", "error_description=", "resource_metadata="];

impl Draw {
    pub(crate) fn new(number: usize) -> Draw {
        Draw(Rng::with_seed(SEED + number as u64))
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: u32) -> bool {
        self.0.u32(0..100) < percent
    }

    /// A number from zero to this.
    pub(crate) fn up_to(&mut self, most: usize) -> usize {
        self.0.usize(0..=most)
    }

    /// Up to `usual`, and once in a while up to `seldom`.
    fn length(&mut self, usual: usize, seldom: usize) -> usize {
        let most = if self.chance(2) { seldom } else { usual };
        self.up_to(most)
    }

    /// One of these.
    pub(crate) fn one<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.0.usize(0..of.len())]
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length).map(|_| char::from(alphabet[self.0.usize(0..alphabet.len())])).collect()
    }

    /// A scope token, seldom a long one.
    pub(crate) fn scope(&mut self) -> String {
        loop {
            let scope = match self.0.u32(0..10) {
                0..=3 => self.one(&SCOPES).to_owned(),
                4 => format!("{}{}", self.one(&SCOPES), self.one(&SCOPES)),
                5 => {
                    let length = 1 + self.length(60, 3000);
                    self.text(&scope_characters(), length)
                }
                _ => {
                    let length = 1 + self.up_to(12);
                    self.text(&scope_characters(), length)
                }
            };
            if is_allowed(&scope) {
                return scope;
            }
        }
    }

    /// Scopes that differ, mostly a few.
    pub(crate) fn scopes(&mut self, most: usize) -> Vec<String> {
        let count = self.length(most, most * 40);
        let mut scopes = Vec::new();
        while scopes.len() < count {
            let scope = self.scope();
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// Scheme and authority of a resource.
    pub(crate) fn authority(&mut self) -> String {
        let (scheme, host) = match self.0.u32(0..20) {
            0..=2 => ("http", self.one(&LOOPBACK_HOSTS).to_owned()),
            3 => (self.one(&["HTTPS", "Https"]), self.one(&HOSTS).to_owned()),
            4 => ("https", format!("{}.test", vec!["a".repeat(63); 3].join("."))),
            _ => ("https", self.one(&HOSTS).to_owned()),
        };
        let port = if self.chance(50) { "" } else { self.one(&PORTS) };
        format!("{scheme}://{host}{port}")
    }

    /// A path, empty or beginning with a slash.
    pub(crate) fn path(&mut self) -> String {
        let mut path = String::new();
        let segments = *self.one(&[&0, &1, &1, &1, &2, &2, &3, &6]);
        for _ in 0..segments {
            path.push('/');
            let length = self.length(12, 400);
            let segment = if self.chance(50) {
                self.one(&SEGMENTS).to_owned()
            } else {
                self.text(PATH_CHARACTERS, length)
            };
            // Clients take dot segments away, and no resource has them.
            path.push_str(if matches!(segment.as_str(), "." | "..") { "-" } else { &segment });
        }
        if self.chance(10) {
            path.push('/');
        }
        path
    }

    /// A query with its question mark, or nothing.
    pub(crate) fn query(&mut self) -> String {
        if self.chance(80) {
            return String::new();
        }
        loop {
            let length = self.up_to(20);
            let query = format!("?{}{}", self.one(&QUERIES), self.text(QUERY_CHARACTERS, length));
            if is_allowed(&query) {
                return query;
            }
        }
    }

    /// Any JSON.
    pub(crate) fn json(&mut self, depth: usize) -> Value {
        match self.0.u32(0..if depth == 0 { 5 } else { 7 }) {
            0 => Value::Null,
            1 => Value::Bool(self.chance(50)),
            2 => serde_json::from_str(self.one(&NUMBERS)).expect("a number"),
            3 | 4 => Value::String(self.word()),
            5 => (0..self.up_to(3)).map(|_| self.json(depth - 1)).collect(),
            _ => {
                let members = self.up_to(3);
                Value::Object((0..members).map(|_| (self.word(), self.json(depth - 1))).collect())
            }
        }
    }

    /// Text of any characters.
    pub(crate) fn word(&mut self) -> String {
        let count = self.up_to(3);
        (0..count).map(|_| self.one(&WORDS).to_owned()).collect()
    }

    /// Further members of the metadata.
    pub(crate) fn members(&mut self) -> Map<String, Value> {
        let mut members = Map::new();
        if self.chance(50) {
            return members;
        }
        for _ in 0..self.up_to(5) {
            match self.0.u32(0..4) {
                0 => {
                    members.insert("resource_name".to_owned(), json!(format!("n{}", self.word())));
                    let tag = self.one(&["de", "fr-CA", "zh-Hant-TW"]);
                    members.insert(format!("resource_name#{tag}"), json!(self.word()));
                }
                1 => {
                    let name = self.one(&[
                        "resource_documentation",
                        "resource_policy_uri",
                        "resource_tos_uri",
                        "jwks_uri",
                    ]);
                    members.insert(name.to_owned(), json!(self.page()));
                }
                2 => {
                    let name = self.one(&MEMBERS).to_owned();
                    members.insert(name, self.json(4));
                }
                _ => {
                    let name = format!("x{}", self.word().replace('#', ""));
                    members.insert(name, self.json(4));
                }
            }
        }
        members
    }

    fn page(&mut self) -> String {
        let authority = format!("https://{}", self.one(&HOSTS));
        format!("{authority}/docs{}{}", self.query(), self.one(&["", "#part", "#"]))
    }

    /// A JSON-RPC id.
    pub(crate) fn id(&mut self) -> Value {
        match self.0.u32(0..4) {
            0 => json!(self.0.i64(-(1 << 53)..=1 << 53)),
            1 => json!(self.up_to(9)),
            _ => json!(self.word()),
        }
    }
}

/// Whether a scope or URL may stand in a configuration.
pub(crate) fn is_allowed(text: &str) -> bool {
    text != "offline_access" && !PARAMETERS.iter().any(|parameter| text.contains(parameter))
}

/// Every character of a scope token (RFC 6749 section 3.3).
pub(crate) fn scope_characters() -> Vec<u8> {
    (0x21..=0x7e).filter(|byte| !b"\"\\".contains(byte)).collect()
}

/// What people use, and what a careless parser takes for something else.
const SCOPES: [&str; 34] = [
    "mcp",
    "mcp:tools:read",
    "mcp:tools:*",
    "https://graph.example/.default",
    "api://4f1b/access_as_user",
    "openid",
    "a",
    "~",
    "!",
    "Bearer",
    "bearer",
    "DPoP",
    ",",
    "a,b",
    "=",
    "a=b",
    "a=,b=",
    "realm=x",
    "scope",
    "Scope=x",
    "SCOPE=",
    "error",
    "Error=invalid_token",
    "error_uri=x",
    "error_description",
    "error_descriptions=x",
    "resource_metadata",
    "Resource_Metadata=x",
    "%22",
    "%0d%0aSet-Cookie:x=y",
    "'",
    "$1",
    "${jndi:x}",
    "<script>",
];

const HOSTS: [&str; 13] = [
    "mcp.test",
    "MCP.Example.com",
    "a-b.c--d.test",
    "xn--bcher-kva.test",
    "under_score.test",
    "mcp.test.",
    "1.mcp.test",
    "mcp",
    "192.0.2.7",
    "[2001:db8::1]",
    "[2001:DB8:0:0::1]",
    "[::ffff:192.0.2.1]",
    "[2001:db8:1:2:3:4:5:6]",
];

const LOOPBACK_HOSTS: [&str; 5] = ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "[::1]"];

const PORTS: [&str; 7] = [":443", ":80", ":8443", ":1", ":65535", ":10", ":44300"];

const SEGMENTS: [&str; 19] = [
    "mcp",
    "MCP",
    "v1",
    "",
    "...",
    ".x",
    "%2e%2e%2e",
    "%2F",
    "%41",
    "%c3%a9",
    "%C3%A9",
    "%25",
    "%00",
    "%0d%0a",
    "%22",
    "[x]",
    "scope",
    ".well-known",
    "oauth-protected-resource",
];

/// Unreserved characters, sub-delimiters, and what else RFC 3986 section 3.3 lets stand in a segment.
const PATH_CHARACTERS: &[u8] =
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@";

/// The same with slash and question mark (section 3.4).
const QUERY_CHARACTERS: &[u8] =
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~!$&'()*+,;=:@/?";

const QUERIES: [&str; 6] = ["", "a=b", "tenant=1&x=%20", "scope", "%25", "?"];

const NUMBERS: [&str; 14] = [
    "0",
    "-0",
    "-0.0",
    "1",
    "-1",
    "9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "0.1",
    "1e-7",
    "1.7976931348623157e308",
    "5e-324",
    "123456789012345680000000",
];

const WORDS: [&str; 20] = [
    "a",
    "name",
    " ",
    "\"",
    "\\",
    "/",
    "</script>",
    "\n",
    "\r\n",
    "\t",
    "\u{0}",
    "\u{7f}",
    "\u{80}",
    "é",
    "\u{2028}",
    "日本語",
    "\u{feff}",
    "\u{fffe}",
    "😀",
    "\u{10ffff}",
];

/// Names that mean something to a language.
const MEMBERS: [&str; 10] = [
    "__proto__",
    "constructor",
    "toString",
    "toJSON",
    "model_config",
    "resource ",
    "resources",
    "mcp_protocol_version",
    "\u{0}",
    "é",
];
