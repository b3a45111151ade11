//! An issuer: one resource, its metadata and its keys.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::RwLock;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::access_token::Claims;
use crate::error::IssuerError;
use crate::keys::{KeyError, KeyRing, SigningKey};
use crate::metadata::Metadata;
use crate::resource::Resource;

/// The client of tokens that were minted without one.
const MINTED_CLIENT_ID: &str = "test-client";

#[derive(Debug)]
pub(crate) struct Issuer {
    url: String,
    resource: Resource,
    keys: RwLock<KeyRing>,
    available: AtomicBool,
}

impl Issuer {
    pub(crate) fn new(origin: &str, resource: Resource) -> Result<Self, KeyError> {
        Ok(Self {
            url: format!("{origin}/{}", resource.id),
            keys: RwLock::new(KeyRing::new(SigningKey::generate(resource.algorithm)?)),
            available: AtomicBool::new(true),
            resource,
        })
    }

    /// The issuer identifier: the `iss` of its tokens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn resource(&self) -> &Resource {
        &self.resource
    }

    pub(crate) fn metadata(&self) -> impl Serialize {
        Metadata::new(&self.url, &self.resource)
    }

    pub(crate) fn jwk_set(&self) -> impl Serialize + use<> {
        self.keys.read().jwk_set()
    }

    /// A token for a client that was authenticated and is allowed these scopes.
    pub(crate) fn issue(&self, client_id: &str, scopes: &[&str]) -> Result<String, IssuerError> {
        Ok(self.sign(&Claims::for_client(&self.url, &self.resource, client_id, scopes)?)?)
    }

    /// A token with these claims in place of the usual ones; a claim given as null is left out.
    pub(crate) fn mint(&self, claims: Map<String, Value>) -> Result<String, IssuerError> {
        let usual = Claims::for_client(&self.url, &self.resource, MINTED_CLIENT_ID, &[])?;
        let mut merged = serde_json::to_value(usual).map_err(|_| KeyError)?;
        if let Value::Object(members) = &mut merged {
            members.extend(claims);
            members.retain(|_, value| !value.is_null());
        }
        Ok(self.sign(&merged)?)
    }

    /// Signs with a new key from now on, and returns the key identifiers of the new key set, the signing key
    /// first.
    pub(crate) fn rotate(&self, overlap: bool) -> Result<Vec<String>, KeyError> {
        let next = SigningKey::generate(self.resource.algorithm)?;
        let mut keys = self.keys.write();
        keys.rotate(next, overlap);
        Ok(keys.published().map(str::to_owned).collect())
    }

    /// Whether the metadata and the key set are served.
    pub(crate) fn keys_available(&self) -> bool {
        self.available.load(Ordering::SeqCst)
    }

    pub(crate) fn set_keys_available(&self, available: bool) {
        self.available.store(available, Ordering::SeqCst);
    }

    fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        self.keys.read().current().sign(claims)
    }
}
