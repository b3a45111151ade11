//! Keys that a set must not smuggle in, and keys that a token brings along.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};

use scopegate_core::{Reason, ResourceServer};
use scopegate_stub::{Answer, Stub};
use serde_json::{Value, json};

use crate::signer::{ISSUER, RESOURCE, Signer, claims, encode, refusal, server};

/// T01, T02: there is nothing that could be switched on.
#[test]
fn t01_t02_no_configuration_takes_none_or_hmac() {
    let jwk = Signer::new("ours").jwk();
    for name in ["none", "None", "NONE", "", "HS256", "HS384", "HS512", "hs256", "ES256K", "RS1"] {
        let entry = json!({"issuer": ISSUER, "jwks": {"keys": [jwk]}, "algorithms": ["ES256", name]});
        let config = json!({"resource": RESOURCE, "authorization_servers": [entry]});
        let error = ResourceServer::from_json(&config.to_string()).expect_err(name);
        let paths: Vec<&str> = error.mistakes().iter().map(|mistake| mistake.path.as_str()).collect();
        assert_eq!(paths, ["authorization_servers[0].algorithms[1]"], "{name}");
    }
}

/// T09: the addresses in a header are not asked, whoever signed and whichever `kid` it names.
#[test]
fn t09_an_address_in_a_token_is_never_connected_to() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let url = format!("http://{}/keys", listener.local_addr().expect("an address"));
    let (ours, attacker) = (Signer::new("ours"), Signer::new("evil"));
    let server = server(json!({"jwks": {"keys": [ours.jwk()]}}));
    for members in [
        json!({"jku": url}),
        json!({"x5u": url}),
        json!({"jku": url, "jwk": attacker.jwk()}),
        json!({"jku": url, "x5u": url, "x5c": [url]}),
    ] {
        assert_eq!(refusal(&server, &ours.token(&members)), None, "{members}");
        assert_eq!(refusal(&server, &attacker.token(&members)), Some(Reason::UnknownKey), "{members}");
        let mut as_ours = members.clone();
        as_ours["kid"] = json!("ours");
        assert_eq!(refusal(&server, &attacker.token(&as_ours)), Some(Reason::BadSignature), "{members}");
    }
    let nobody = listener.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(nobody, Err(ErrorKind::WouldBlock));
}

/// T45: an issuer that is not configured costs no look at the network.
#[test]
fn t45_an_unknown_issuer_is_never_asked_for_keys() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.set_nonblocking(true).expect("a socket");
    let signer = Signer::new("ours");
    let server = server(json!({"jwks_uri": "http://127.0.0.1:1/keys"}));
    let mut claims = claims();
    claims["iss"] = json!(format!("http://{}", listener.local_addr().expect("an address")));
    let token = signer.sign(r#"{"alg":"ES256","kid":"ours"}"#, &claims.to_string());
    assert_eq!(refusal(&server, &token), Some(Reason::UntrustedIssuer));
    assert!(server.stats().sources[0].fetches.values().all(|count| *count == 0));
    assert!(listener.accept().is_err());
}

/// T13: eleven sizes of RSA modulus with nine exponents. A key that is used makes of a forged signature a bad signature; one
/// that is not held, an unknown key.
#[test]
fn t13_of_every_size_and_exponent_only_sound_rsa_keys_are_used() {
    let bits = [512, 1024, 2040, 2047, 2048, 4096, 4097, 8192, 8193, 16384, 131_072];
    let exponents = [
        ("0", encode(&[0])),
        ("1", encode(&[1])),
        ("2", encode(&[2])),
        ("3", encode(&[3])),
        ("65536", encode(&[1, 0, 0])),
        ("65537", encode(&[1, 0, 1])),
        ("2^33 - 1", encode(&[1, 0xff, 0xff, 0xff, 0xff])),
        ("2^33 + 1", encode(&[2, 0, 0, 0, 1])),
        ("256 bytes", encode(&[0xff; 256])),
    ];
    let mut jwks = vec![Signer::new("other").jwk()];
    for size in bits {
        let n = encode(&modulus(size));
        jwks.extend(exponents.iter().map(
            |(name, e)| json!({"kty": "RSA", "alg": "RS256", "kid": format!("{size} {name}"), "n": n, "e": e}),
        ));
    }
    assert_eq!(jwks.len(), 100);
    let mut used = Vec::new();
    let server = server(json!({"jwks": {"keys": jwks}}));
    for jwk in &jwks[1..] {
        let kid = jwk["kid"].as_str().expect("a kid");
        match refusal(&server, &forged(kid)) {
            Some(Reason::BadSignature) => used.push(kid),
            reason => assert_eq!(reason, Some(Reason::UnknownKey), "{kid}"),
        }
    }
    assert_eq!(used, ["2048 65537", "2048 2^33 - 1", "4096 65537", "4096 2^33 - 1"]);
    assert_eq!(server.stats().sources[0].skipped["weak_rsa"], 95);
}

/// T14: a set of the largest keys there can be costs no verification: none of them is taken unless they were asked for.
#[test]
fn t14_a_hundred_keys_of_8192_bits_are_left_aside() {
    let stub = Stub::start().expect("a free port");
    let n = encode(&modulus(8192));
    let jwk =
        |number: u32| json!({"kty": "RSA", "alg": "RS256", "kid": number.to_string(), "n": n, "e": "AQAB"});
    let set = json!({"keys": (0..100).map(jwk).collect::<Vec<_>>()});
    stub.answer("/jwks", Answer::ok(set.to_string()));
    let entry = json!({"issuer": ISSUER, "jwks_uri": stub.url("/jwks")});
    let with = |keys: Value| {
        let config = json!({"resource": RESOURCE, "authorization_servers": [entry], "keys": keys});
        ResourceServer::from_json(&config.to_string()).expect("a configuration")
    };
    let usual = with(json!({}));
    assert_eq!(refusal(&usual, &forged("1")), Some(Reason::KeysUnavailable));
    let error = usual.stats().sources[0].last_error.as_ref().expect("an error").message.clone();
    assert!(error.contains("100 weak_rsa"), "{error}");
    assert_eq!(refusal(&with(json!({"rsa_max_bits": 8192})), &forged("1")), Some(Reason::BadSignature));
}

/// T16: an issuer that publishes its private key is told of; nothing that we show, keep or hand on has it.
#[test]
fn t16_a_published_private_key_is_noticed_and_not_kept() {
    let signer = Signer::new("ours");
    let (secret, shared) =
        ("c2VjcmV0LXNjYWxhci1vZi10aGUta2V5LTMyLWJ5dGU", "c2VjcmV0LXN5bW1ldHJpYy1rZXktc2hhcmVk");
    let mut private = signer.jwk();
    private["d"] = json!(secret);
    let symmetric = json!({"kty": "oct", "kid": "hs", "alg": "HS256", "k": shared});
    let stub = Stub::start().expect("a free port");
    stub.answer("/jwks", Answer::ok(json!({"keys": [private, symmetric]}).to_string()));
    let server = server(json!({"jwks_uri": stub.url("/jwks")}));
    assert_eq!(refusal(&server, &signer.token(&json!({}))), None);
    let hmac = signer.sign(r#"{"alg":"HS256","kid":"hs"}"#, &claims().to_string());
    assert_eq!(refusal(&server, &hmac), Some(Reason::AlgorithmNotAllowed));
    let (stats, health) = (server.stats(), server.health());
    assert_eq!((stats.sources[0].skipped["symmetric"], stats.sources[0].private_members), (1, 2));
    assert!(stats.to_json().contains("private"), "{}", stats.to_json());
    let shown = format!("{stats:?}{}{health:?}{server:?}{}", stats.to_json(), server.export_keys());
    assert!(!shown.contains(secret) && !shown.contains(shared), "{shown}");
    assert!(server.export_keys().contains(signer.jwk()["x"].as_str().expect("a coordinate")));
}

/// A number of this many bits, odd, and the same each time; nobody knows its factors.
fn modulus(bits: usize) -> Vec<u8> {
    let mut state = bits as u64;
    let mut bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(bits.div_ceil(8))
    .collect();
    let top = 1 << ((bits - 1) % 8);
    bytes[0] = (bytes[0] % top) | top;
    *bytes.last_mut().expect("a number") |= 1;
    bytes
}

/// An RS256 token with a signature that nobody made.
fn forged(kid: &str) -> String {
    let header = json!({"alg": "RS256", "kid": kid}).to_string();
    format!("{}.{}.{}", encode(header.as_bytes()), encode(claims().to_string().as_bytes()), encode(&[1; 256]))
}
