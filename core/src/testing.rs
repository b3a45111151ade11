//! For the tests of servers: an issuer in memory (a key, its key set, and tokens; no network, no account), a clock that
//! the test moves, and keys and signatures without claims.
//!
//! The issuer's keys are made anew for every instance and protect nothing.

mod scripted_clock;
mod signatures;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};

use crate::clock::{Clock, SystemClock};
use crate::lock::Mutex;
pub use scripted_clock::{ScriptedClock, is_fetching, refresh_age, server_with_clock};
pub use signatures::{ImportedKey, verify_jws};

/// An authorization server in memory that signs with ES256.
///
/// ```
/// use scopegate_core::{Request, ResourceServer, testing::Issuer};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::new("https://mcp.test/mcp");
/// let config = format!(
///     r#"{{"resource": "https://mcp.test/mcp", "authorization_servers": [{}]}}"#,
///     issuer.server()
/// );
/// let gate = ResourceServer::from_json(&config)?;
/// let authorization = issuer.authorization(&serde_json::json!({"sub": "alice"}));
/// let token = gate.authorize(&Request::new("POST", "/mcp").authorization(&[authorization.as_bytes()]))?;
/// assert_eq!(token.subject(), Some("alice"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Issuer {
    resource: String,
    signer: Mutex<Signer>,
}

struct Signer {
    number: u64,
    key: EcdsaKeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("number", &self.number).finish_non_exhaustive()
    }
}

/// The `iss` of every token.
const ISSUER: &str = "https://issuer.test";

/// How long a token is valid unless it says otherwise, in seconds.
const LIFETIME: i64 = 300;

impl Issuer {
    /// An issuer with a fresh key, whose tokens are for `resource` unless they say otherwise.
    pub fn new(resource: &str) -> Issuer {
        Issuer { resource: resource.to_owned(), signer: Mutex::new(Signer::new(1)) }
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &'static str {
        ISSUER
    }

    /// An entry for `authorization_servers`: JSON with the issuer, the present key set and the format `rfc9068`. A
    /// server made from it does not see a later [`Issuer::rotate`].
    pub fn server(&self) -> String {
        json!({"issuer": ISSUER, "jwks": {"keys": [self.signer.lock().jwk()]}, "token_format": "rfc9068"})
            .to_string()
    }

    /// A signed token. Every claim of RFC 9068 has a default (`sub` "user", `client_id` "client", `aud` the resource,
    /// `exp` 300 s after `iat`); the members of the object `claims` replace them, and a null leaves one out.
    /// `expires_in` is no claim but the seconds from now to `exp`, which may be negative.
    pub fn mint(&self, claims: &Value) -> String {
        let now = SystemClock.wall().unwrap_or_default();
        let mut merged = Map::new();
        let signer = self.signer.lock();
        let jti = URL_SAFE_NO_PAD.encode(random::<16>());
        let defaults = json!({
            "iss": ISSUER, "aud": self.resource, "sub": "user", "client_id": "client", "iat": now, "jti": jti,
            "exp": now + LIFETIME,
        });
        for (name, value) in [&defaults, claims].into_iter().filter_map(Value::as_object).flatten() {
            match (name.as_str(), value) {
                ("expires_in", seconds) => {
                    merged.insert("exp".to_owned(), json!(now + seconds.as_i64().unwrap_or(LIFETIME)))
                }
                (name, Value::Null) => merged.shift_remove(name),
                (name, value) => merged.insert(name.to_owned(), value.clone()),
            };
        }
        signer.sign(&Value::Object(merged))
    }

    /// A field value for `Authorization` with a token of these claims; see [`Issuer::mint`].
    pub fn authorization(&self, claims: &Value) -> String {
        format!("Bearer {}", self.mint(claims))
    }

    /// Signs with a new key from now on. Servers that were made before know only the old one.
    pub fn rotate(&self) {
        let mut signer = self.signer.lock();
        *signer = Signer::new(signer.number + 1);
    }
}

impl Signer {
    fn new(number: u64) -> Signer {
        let key =
            EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("the system has random numbers");
        Signer { number, key }
    }

    fn kid(&self) -> String {
        format!("test-key-{}", self.number)
    }

    fn jwk(&self) -> Value {
        // An uncompressed point: 4, x, y.
        let point = self.key.public_key().as_ref();
        let coordinate =
            |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(point.get(range).unwrap_or_default());
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": self.kid(),
               "x": coordinate(1..33), "y": coordinate(33..65)})
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({"alg": "ES256", "typ": "at+jwt", "kid": self.kid()});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&header), encode(claims));
        let signature =
            self.key.sign(&SystemRandom::new(), input.as_bytes()).expect("the system has random numbers");
        format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system has random numbers");
    bytes
}
