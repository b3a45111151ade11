//! The two servers that tokens are made for, one for each token format, and the good tokens that changes begin with.

use std::sync::Arc;

use scopegate_core::ResourceServer;
use serde_json::{Value, json};

use crate::members::{Members, quoted};
use crate::signing::{Scheme, SigningKey};

pub(crate) const RESOURCE: &str = "https://mcp.test/mcp";
pub(crate) const ISSUER: &str = "https://issuer.test";
pub(crate) const LEEWAY: i64 = 30;
/// Of the profile `rfc9068`, beyond which a token is too old.
pub(crate) const MAX_AGE: i64 = 3600;

/// A configuration that every judge is given, the clock, and the keys.
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) now: i64,
    jwks: Value,
    /// For each algorithm the key that signs, and another one.
    keys: Vec<(Scheme, Arc<SigningKey>, Arc<SigningKey>)>,
}

impl Profile {
    /// RFC 9068 in full. Two keys for each algorithm are published, so a token must name its own.
    pub(crate) fn rfc9068() -> Profile {
        let mut jwks = Vec::new();
        let keys = keys(|scheme, key, other| {
            let published = |key: &SigningKey| key.jwk(&[("alg", scheme.name()), ("use", "sig")]);
            jwks.extend([published(key), published(other)]);
        });
        Profile { name: "rfc9068", now: 1_800_000_000, jwks: json!({"keys": jwks}), keys }
    }

    /// JWTs of any issuer. One key for each algorithm is published, some with less to say about themselves, beside one that
    /// must not be used; the other keys of the run are not. The clock is past 2^32.
    pub(crate) fn generic() -> Profile {
        let mut jwks = vec![json!({"kty": "oct", "kid": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"})];
        let keys = keys(|scheme, key, _| {
            jwks.push(match scheme {
                Scheme::Rs256 => key.jwk(&[]),
                Scheme::EdDsa => key.jwk(&[("alg", "EdDSA")]),
                _ => key.jwk(&[("alg", scheme.name()), ("use", "sig")]),
            });
        });
        Profile { name: "generic", now: 4_300_000_000, jwks: json!({"keys": jwks}), keys }
    }

    /// What the judges read.
    pub(crate) fn description(&self) -> Value {
        json!({
            "name": self.name, "now": self.now, "issuer": ISSUER, "audience": RESOURCE, "leeway": LEEWAY,
            "max_age": self.is_rfc9068().then_some(MAX_AGE), "jwks": self.jwks,
            "algorithms": Scheme::ACCEPTED.map(Scheme::name),
        })
    }

    pub(crate) fn server(&self) -> ResourceServer {
        let mut config = json!({
            "resource": RESOURCE, "leeway_seconds": LEEWAY,
            "authorization_servers": [{"issuer": ISSUER, "token_format": self.name, "jwks": self.jwks}],
        });
        if self.is_rfc9068() {
            config["max_token_age_seconds"] = json!(MAX_AGE);
        }
        ResourceServer::from_json(&config.to_string()).expect("the configuration is right")
    }

    pub(crate) fn is_rfc9068(&self) -> bool {
        self.name == "rfc9068"
    }
}

fn keys(
    mut publish: impl FnMut(Scheme, &SigningKey, &SigningKey),
) -> Vec<(Scheme, Arc<SigningKey>, Arc<SigningKey>)> {
    Scheme::ACCEPTED
        .into_iter()
        .map(|scheme| {
            let key = |number| {
                let kid = format!("{}-{number}", scheme.name().to_lowercase());
                Arc::new(SigningKey::generate(&kid, scheme))
            };
            let (key, other) = (key(1), key(2));
            publish(scheme, &key, &other);
            (scheme, key, other)
        })
        .collect()
}

/// A good token, taken apart.
pub(crate) struct Base {
    pub(crate) name: String,
    /// Whether it has all that it may have, and not just what it must.
    pub(crate) is_full: bool,
    pub(crate) profile: Arc<Profile>,
    pub(crate) scheme: Scheme,
    pub(crate) key: Arc<SigningKey>,
    pub(crate) other_key: Arc<SigningKey>,
    pub(crate) header: Members,
    pub(crate) payload: Members,
}

impl Base {
    /// For each algorithm a token with what it must have, and one with all that it may have.
    pub(crate) fn all(profile: &Arc<Profile>) -> Vec<Base> {
        let of = |(scheme, key, other): &(Scheme, Arc<SigningKey>, Arc<SigningKey>)| {
            [false, true].map(|is_full| {
                let shape = if is_full { "full" } else { "lean" };
                Base {
                    name: format!("{} {} {shape}", profile.name, scheme.name()),
                    is_full,
                    profile: profile.clone(),
                    scheme: *scheme,
                    key: key.clone(),
                    other_key: other.clone(),
                    header: header(profile, *scheme, &key.kid, is_full),
                    payload: payload(profile, is_full),
                }
            })
        };
        profile.keys.iter().flat_map(of).collect()
    }
}

fn header(profile: &Profile, scheme: Scheme, kid: &str, is_full: bool) -> Members {
    let (alg, kid) = (quoted(scheme.name()), quoted(kid));
    match (profile.is_rfc9068(), is_full) {
        (true, _) => Members::new(&[("typ", r#""at+jwt""#), ("alg", &alg), ("kid", &kid)]),
        (false, true) => Members::new(&[("alg", &alg), ("kid", &kid), ("typ", r#""JWT""#)]),
        (false, false) => Members::new(&[("alg", &alg), ("kid", &kid)]),
    }
}

fn payload(profile: &Profile, is_full: bool) -> Members {
    let (iat, nbf, exp) = (profile.now - 60, profile.now - 60, profile.now + 240);
    let (iat, nbf, exp) = (iat.to_string(), nbf.to_string(), exp.to_string());
    let (iss, aud) = (quoted(ISSUER), quoted(RESOURCE));
    let list = format!(r#"["https://other.test",{aud}]"#);
    let mut members =
        Members::new(&[("iss", &iss), ("aud", if is_full { &list } else { &aud }), ("exp", &exp)]);
    if profile.is_rfc9068() || is_full {
        for (name, value) in [("sub", r#""alice""#), ("iat", &iat), ("jti", r#""6b1c""#)] {
            members.set(name, value);
        }
    }
    match (profile.is_rfc9068(), is_full) {
        (true, false) => members.set("client_id", r#""client""#),
        (true, true) => {
            for (name, value) in [
                ("client_id", r#""client""#),
                ("nbf", &nbf),
                ("scope", r#""mcp:read mcp:write""#),
                ("auth_time", &iat),
                ("acr", r#""1""#),
                ("groups", r#"["staff"]"#),
            ] {
                members.set(name, value);
            }
        }
        (false, false) => members.set("scope", r#""mcp:read""#),
        (false, true) => {
            for (name, value) in [
                ("nbf", nbf.as_str()),
                ("scp", r#"["mcp:read","mcp:write"]"#),
                ("azp", r#""client""#),
                ("token_use", r#""access""#),
                ("realm_access", r#"{"roles":["user"]}"#),
            ] {
                members.set(name, value);
            }
        }
    }
    members
}
