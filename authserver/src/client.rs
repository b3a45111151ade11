//! Registered clients and what each may ask for.

use std::collections::BTreeMap;

use crate::error::ErrorResponse;
use crate::secret::Secret;

#[derive(Debug, Clone)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) grants: Vec<Grant>,
}

/// What a client may ask for at one resource.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) resource_id: String,
    pub(crate) scopes: Vec<String>,
    /// Granted when the request names no scope (RFC 6749 section 3.3).
    pub(crate) default_scopes: Vec<String>,
}

/// All registered clients, by identifier.
#[derive(Debug)]
pub(crate) struct Clients {
    by_id: BTreeMap<String, Client>,
    nobody: Secret,
}

impl Clients {
    pub(crate) fn new(clients: Vec<Client>) -> Self {
        let by_id = clients.into_iter().map(|client| (client.id.clone(), client)).collect();
        Self { by_id, nobody: Secret::new("") }
    }

    /// The client with this identifier and secret. An unknown identifier costs the same comparison as a known
    /// one.
    pub(crate) fn authenticate(&self, id: &str, secret: &str) -> Option<&Client> {
        let client = self.by_id.get(id);
        let matches = client.map_or(&self.nobody, |client| &client.secret).matches(secret);
        client.filter(|_| matches)
    }
}

impl Client {
    pub(crate) fn grant(&self, resource_id: &str) -> Result<&Grant, ErrorResponse> {
        self.grants
            .iter()
            .find(|grant| grant.resource_id == resource_id)
            .ok_or(ErrorResponse::unauthorized_client("The client has no grant for this resource"))
    }
}

impl Grant {
    /// The scopes of a token: the requested ones in the order of the request, each once, or the default ones.
    /// More than the grant allows is refused, never cut down.
    pub(crate) fn scopes(&self, requested: Option<&str>) -> Result<Vec<&str>, ErrorResponse> {
        let Some(requested) = requested else {
            return Ok(self.default_scopes.iter().map(String::as_str).collect());
        };
        let mut granted = Vec::new();
        for name in requested.split(' ') {
            let scope =
                self.scopes.iter().find(|scope| *scope == name).ok_or(ErrorResponse::invalid_scope(
                    "scope must be a list, separated by single blanks, of scopes that this client is allowed",
                ))?;
            if !granted.contains(&scope.as_str()) {
                granted.push(scope);
            }
        }
        Ok(granted)
    }
}
