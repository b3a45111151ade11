//! Claims: every one that is read, those that tell other tokens from access tokens, and some that must not matter.

use super::values::member;
use crate::change::{Change, Part};
use crate::members::quoted;
use crate::profile::{Base, ISSUER, RESOURCE};

pub(super) fn changes(base: &Base) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut claim = |class: &'static str, name: &str, more: &[String]| {
        changes.extend(member(class, base, Part::Payload, name, more));
    };
    claim("claim-iss", "iss", &issuers());
    claim("claim-aud", "aud", &audiences());
    claim("claim-sub", "sub", &names());
    claim("claim-jti", "jti", &names());
    for name in ["client_id", "azp", "appid", "cid"] {
        claim("claim-client-id", name, &names());
    }
    for name in ["scope", "scp", "scopes", "permissions"] {
        claim("claim-scope", name, &scopes());
    }
    claim("claim-cnf", "cnf", &confirmations());
    for name in ["at_hash", "c_hash", "s_hash", "nonce", "events", "token_use", "typ", "sid"] {
        claim("claim-of-other-tokens", name, &kinds());
    }
    for name in [
        "auth_time",
        "acr",
        "amr",
        "roles",
        "groups",
        "email_verified",
        "act",
        "may_act",
        "__proto__",
        "constructor",
    ] {
        claim("claim-unread", name, &[]);
    }
    for name in ["exp", "nbf", "iat"] {
        claim("claim-times", name, &times(base));
    }
    changes
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| quoted(value)).collect()
}

fn issuers() -> Vec<String> {
    let host = ISSUER.trim_start_matches("https://");
    strings(&[
        &format!("{ISSUER}/"),
        &format!("{ISSUER}//"),
        &format!("{ISSUER}/tenant"),
        &format!("{ISSUER}:443"),
        &format!("{ISSUER}?"),
        &format!("{ISSUER}#"),
        &format!("{ISSUER}."),
        &format!("{ISSUER}.evil.test"),
        &format!("https://evil.test/{host}"),
        &format!("https://evil.test@{host}"),
        &format!("https://user@{host}"),
        &format!("http://{host}"),
        &format!("HTTPS://{host}"),
        &format!("https://{}", host.to_uppercase()),
        &format!(" {ISSUER}"),
        &format!("{ISSUER} "),
        &format!("{ISSUER}\0"),
        &format!("{ISSUER}\n"),
        &format!("{ISSUER}\u{200b}"),
        &ISSUER.replace('i', "\u{456}"),
        &ISSUER.replace('.', "%2e"),
        host,
        RESOURCE,
        "https://evil.test",
    ])
}

/// One name and lists of names: ours, ours in another spelling, and what only looks like it.
fn audiences() -> Vec<String> {
    let host = "mcp.test";
    let mut names = strings(&[
        "HTTPS://mcp.test/mcp",
        "https://MCP.test/mcp",
        "https://mcp.test:443/mcp",
        "https://MCP.TEST:443/mcp",
        "https://mcp.test:0443/mcp",
        "https://mcp.test:/mcp",
        "https://mcp.test:8443/mcp",
        "http://mcp.test/mcp",
        "http://mcp.test:443/mcp",
        "https://mcp.test/mcp/",
        "https://mcp.test/MCP",
        "https://mcp.test//mcp",
        "https://mcp.test/./mcp",
        "https://mcp.test/x/../mcp",
        "https://mcp.test/m%63p",
        "https://mcp.test/mcp?",
        "https://mcp.test/mcp?x=1",
        "https://mcp.test/mcp#",
        "https://mcp.test/mcp#x",
        "https://user@mcp.test/mcp",
        "https://mcp.test@evil.test/mcp",
        "https://mcp.test.evil.test/mcp",
        "https://mcp.test./mcp",
        "https://evil.test/https://mcp.test/mcp",
        "https://mcp.test/mcp/tools",
        "https://mcp.test/mc",
        "https://mcp.test/",
        "https://mcp.test",
        " https://mcp.test/mcp",
        "https://mcp.test/mcp ",
        "https://mcp.test/mcp\0",
        "https://mcp.test/mcp\n",
        "https:\\\\mcp.test\\mcp",
        "https:mcp.test/mcp",
        "//mcp.test/mcp",
        "https://mcp\u{3002}test/mcp",
        "https://mc\u{ff50}.test/mcp",
        host,
        "client",
        "*",
        "https://other.test",
        "https://other.test https://mcp.test/mcp",
    ]);
    let lists: Vec<String> = names.iter().map(|name| format!(r#"["https://other.test",{name}]"#)).collect();
    names.extend(lists);
    names.extend([
        format!("[{}]", vec![quoted(RESOURCE); 100].join(",")),
        r#"{"https://mcp.test/mcp":true}"#.to_owned(),
    ]);
    names
}

fn names() -> Vec<String> {
    let mut names = strings(&[
        "bob",
        "a b",
        "a\0b",
        "\u{e9}",
        "e\u{301}",
        "\u{1f600}",
        "\u{202e}",
        "\n",
        "https://issuer.test bob",
    ]);
    names.push(quoted(&"a".repeat(5000)));
    names
}

fn scopes() -> Vec<String> {
    let mut scopes = strings(&[
        "mcp:read",
        "mcp:read mcp:write",
        "mcp:write mcp:read",
        "mcp:read  mcp:write",
        " mcp:read",
        "mcp:read ",
        "mcp:read\tmcp:write",
        "mcp:read\nmcp:write",
        "mcp:read,mcp:write",
        "mcp:read\0",
        "mcp:\"read\"",
        "mcp\\read",
        "mcp:r\u{e9}ad",
        "\u{7f}",
        "offline_access",
        "*",
    ]);
    scopes.extend(
        [
            r#"["mcp:read"]"#,
            r#"["mcp:read mcp:write"]"#,
            r#"["mcp:read",""]"#,
            r#"["mcp:read","mcp:read"]"#,
            r#"{"mcp:read":true}"#,
        ]
        .map(str::to_owned),
    );
    scopes
}

fn confirmations() -> Vec<String> {
    [
        r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#,
        r#"{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}"#,
        r#"{"jwk":{}}"#,
        r#"{"kid":"x"}"#,
        r#"{"jku":"https://evil.test"}"#,
        r#"{"jkt":null}"#,
        r#"{"jkt":"x","kid":"x"}"#,
    ]
    .map(str::to_owned)
    .to_vec()
}

/// Values that tell the tokens of an issuer apart.
fn kinds() -> Vec<String> {
    strings(&[
        "access", "Access", "id", "refresh", "ID", "Refresh", "Offline", "Logout", "Bearer", "bearer", "JWT",
        "at+jwt", "DPoP",
    ])
}

/// As text, and other forms of a time than a number of seconds.
fn times(base: &Base) -> Vec<String> {
    let (soon, past) = (base.profile.now + 100, base.profile.now - 100);
    let mut times =
        strings(&[&soon.to_string(), &past.to_string(), "2100-01-01T00:00:00Z", "1e10", "Infinity", "NaN"]);
    times.extend(
        [soon, past]
            .iter()
            .flat_map(|time| [format!("[{time}]"), format!("{time}000"), format!("{time}.25")]),
    );
    times
}
