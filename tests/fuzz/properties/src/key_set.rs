//! A key set: as an operator hands it in, as it stands in a configuration, and in a snapshot.

use std::sync::LazyLock;

use scopegate_core::{Check, Reason, Request, ResourceServer};
use serde_json::{Map, Value, json};

use crate::issuer::{self, ISSUER, KID, NOW, RESOURCE};

/// Input: the document.
pub fn holds_for(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let server = server_without_keys();
    let imported = server.replace_keys(ISSUER, text);
    let inline = ResourceServer::from_json(&config_with(text));
    let value: Option<Value> = serde_json::from_str(text).ok();
    // What stands around the set in a configuration counts as two levels; null there is no set, and the issuer is asked.
    let is_set = value != Some(Value::Null);
    assert!(
        imported.is_ok() || inline.is_err() || !is_set,
        "the configuration takes what may not be handed in"
    );
    match imported {
        Ok(()) => {
            let jwks = value.as_ref().and_then(|set| set["keys"].as_array()).expect("a list of keys");
            is_rightly_read(&server, jwks);
            let accepts = accepts_known_key(&server);
            assert!(is_held(jwks).is_none_or(|held| held == accepts), "our key: {accepts}");
            survives_a_snapshot(jwks);
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.starts_with("expected ") && shown.is_ascii(), "{shown}");
            assert!(matches!(check(&server), Check::NeedKeys(_)), "a refused set has changed something");
        }
    }
}

static TOKEN_LINE: LazyLock<String> = LazyLock::new(|| format!("Bearer {}", issuer::good_token("mcp:read")));

/// A server without keys, whose discovery is never asked.
fn server_without_keys() -> ResourceServer {
    let config = json!({"resource": RESOURCE, "authorization_servers": [ISSUER], "keys": {"background_refresh": false}});
    ResourceServer::from_json(&config.to_string()).expect("a configuration without mistakes")
}

fn config_with(jwks: &str) -> String {
    format!(r#"{{"resource":"{RESOURCE}","authorization_servers":[{{"issuer":"{ISSUER}","jwks":{jwks}}}]}}"#)
}

fn check(server: &ResourceServer) -> Check {
    let lines = [TOKEN_LINE.as_bytes()];
    server.check(&Request::new("GET", "/mcp").authorization(&lines).now(NOW))
}

fn is_rightly_read(server: &ResourceServer, jwks: &[Value]) {
    let stats = server.stats();
    let source = &stats.sources[0];
    let left_aside: usize = source.skipped.values().sum();
    assert!(source.state == "pinned" && (1..=100).contains(&source.keys) && jwks.len() <= 100);
    assert!(source.keys + left_aside <= jwks.len());
    let usable = jwks.iter().filter(|jwk| could_verify(jwk)).count();
    assert!(source.keys <= usable, "{} keys of {usable}", source.keys);
    assert!(source.kids.iter().all(|kid| jwks.iter().any(|jwk| jwk["kid"] == **kid)));
}

/// Whether a JWK is the kind of thing that may verify a token.
fn could_verify(jwk: &Value) -> bool {
    let length = |name: &str| jwk[name].as_str().map_or(0, str::len);
    let fits = match jwk["kty"].as_str() {
        Some("RSA") => (342..=683).contains(&length("n")) && (4..=7).contains(&length("e")),
        Some("EC") => jwk["crv"] == "P-256" && length("x") == 43 && length("y") == 43,
        Some("OKP") => jwk["crv"] == "Ed25519" && length("x") == 43,
        _ => false,
    };
    let signs = jwk.get("use").is_none_or(|purpose| purpose == "sig" || purpose.is_null());
    let kid_fits = match jwk.get("kid") {
        None | Some(Value::Null) => true,
        Some(kid) => kid.as_str().is_some_and(|kid| (1..=256).contains(&kid.len())),
    };
    fits && signs && kid_fits && jwk.get("alg").is_none_or(Value::is_string)
}

/// Whether the set holds the key that signs our token, under its name and for its algorithm. Not known where others have
/// its name too: they may be keys, or no points of the curve.
fn is_held(jwks: &[Value]) -> Option<bool> {
    let known = issuer::public_jwk(KID);
    let may_verify = |jwk: &Value| match jwk.get("key_ops") {
        None | Some(Value::Null) => true,
        Some(operations) => {
            let names = operations.as_array().into_iter().flatten();
            names.filter(|name| **name == "verify").count() == 1
        }
    };
    let algorithm_fits =
        |jwk: &Value| jwk.get("alg").is_none_or(|name| *name == "EdDSA" || *name == "Ed25519");
    let named: Vec<&Value> = jwks
        .iter()
        .filter(|jwk| {
            could_verify(jwk)
                && jwk["kty"] == "OKP"
                && jwk["kid"] == KID
                && may_verify(jwk)
                && algorithm_fits(jwk)
        })
        .collect();
    let ours = named.iter().filter(|jwk| jwk["x"] == known["x"]).count();
    if named.len() > ours && ours > 0 { None } else { Some(ours > 0) }
}

fn accepts_known_key(server: &ResourceServer) -> bool {
    match check(server) {
        Check::Done(Ok(_)) => true,
        Check::Done(Err(rejection)) => {
            let reasons = [Reason::UnknownKey, Reason::AmbiguousKey, Reason::BadSignature];
            assert!(reasons.contains(&rejection.reason()), "{rejection}");
            false
        }
        other => panic!("{other:?}"),
    }
}

/// What is exported is public, and comes back as it was.
fn survives_a_snapshot(jwks: &[Value]) {
    let source = json!({"issuers": [ISSUER], "age_seconds": 1, "ttl_seconds": 600, "keys": jwks});
    let Some(first) = exported(&source) else { return };
    for jwk in first["keys"].as_array().expect("keys") {
        let members: &Map<String, Value> = jwk.as_object().expect("a JWK");
        let public = ["kty", "crv", "x", "y", "n", "e", "kid", "alg", "use"];
        assert!(members.keys().all(|name| public.contains(&name.as_str())), "{jwk}");
    }
    let again = exported(&first).expect("what was exported can be imported");
    assert_eq!(first["keys"], again["keys"]);
}

/// The source that a server exports that begins with this one.
fn exported(source: &Value) -> Option<Value> {
    let now = 1_700_000_000;
    let snapshot = json!({"version": 1, "exported_at": now, "sources": [source]});
    let config = json!({"resource": RESOURCE, "authorization_servers": [ISSUER],
                        "keys": {"background_refresh": false, "snapshot": snapshot}});
    let clock = scopegate_core::testing::ScriptedClock::at(now + 10);
    let server = scopegate_core::testing::server_with_clock(&config.to_string(), &clock).ok()?;
    let exported: Value = serde_json::from_str(&server.export_keys()).expect("JSON");
    exported["sources"].get(0).cloned()
}
