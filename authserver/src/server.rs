//! The server: its state, its thread, its end.

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use serde_json::{Map, Value};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

use crate::client::Clients;
use crate::config::Config;
use crate::connections::serve;
use crate::error::{IssuerError, StartError};
use crate::issuer::Issuer;
use crate::keys::KeyError;
use crate::router::router;
use crate::secret::Secret;

/// A running authorization server. It has a thread of its own and stops when it is dropped.
#[derive(Debug)]
pub struct AuthorizationServer {
    state: Arc<ServerState>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl AuthorizationServer {
    /// Makes a signing key for each resource, and listens. When this returns, connections are accepted.
    ///
    /// # Errors
    /// When the address is taken, or the operating system gives no thread or no randomness.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let listener = TcpListener::bind(config.listen).map_err(StartError::Listen)?;
        listener.set_nonblocking(true).map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let state = Arc::new(ServerState::new(address, config)?);
        let runtime =
            runtime::Builder::new_current_thread().enable_all().build().map_err(StartError::Thread)?;
        let (stop, stopped) = oneshot::channel();
        let listener = registered(listener, &runtime)?;
        let thread = spawn(runtime, serve(listener, router(Arc::clone(&state)), stopped))?;
        Ok(Self { state, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://` and the address listened on.
    pub fn origin(&self) -> &str {
        &self.state.origin
    }

    /// The issuer identifier of a resource: `{origin}/{resource-id}`. None when no such resource is
    /// registered.
    pub fn issuer(&self, resource_id: &str) -> Option<&str> {
        self.state.issuers.get(resource_id).map(|issuer| issuer.url())
    }

    /// Every resource id with its issuer identifier, sorted by id.
    pub fn issuers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.state.issuers.iter().map(|(id, issuer)| (id.as_str(), issuer.url()))
    }

    /// Signs the tokens of a resource with a new key from now on, and returns the key identifiers of the new
    /// key set, the signing key first.
    ///
    /// With `overlap` the key that signed until now stays in the key set, and so do up to seven retired
    /// before it. Without, every earlier key is gone at once, and tokens that it signed are no longer valid.
    ///
    /// # Errors
    /// When no such resource is registered, or no key could be made; nothing has changed then.
    pub fn rotate(&self, resource_id: &str, overlap: bool) -> Result<Vec<String>, IssuerError> {
        Ok(self.state.issuer(resource_id)?.rotate(overlap)?)
    }

    /// Serves the metadata and the key set of a resource, or answers 503 in their place. The token endpoint
    /// goes on either way.
    ///
    /// # Errors
    /// When no such resource is registered.
    pub fn set_keys_available(&self, resource_id: &str, available: bool) -> Result<(), IssuerError> {
        self.state.issuer(resource_id)?.set_keys_available(available);
        Ok(())
    }

    /// A signed token for tests, without client, grant or scope being checked.
    ///
    /// It has the claims of RFC 9068 section 2.2 for the resource and the client `test-client`, and no scope;
    /// `claims` replace them or come on top, and one given as null is left out.
    ///
    /// # Errors
    /// When no such resource is registered, the clock stands before 1970, or signing fails.
    pub fn mint(&self, resource_id: &str, claims: Map<String, Value>) -> Result<String, IssuerError> {
        self.state.issuer(resource_id)?.mint(claims)
    }

    /// Stops: no connection is accepted any more, and requests that are being answered have a second to end.
    /// Dropping the server does the same.
    pub fn stop(self) {}
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there was already reported by its hook
        }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct ServerState {
    origin: String,
    issuers: BTreeMap<String, Arc<Issuer>>,
    clients: Clients,
    admin_secret: Option<Secret>,
}

impl ServerState {
    fn new(address: SocketAddr, config: Config) -> Result<Self, KeyError> {
        let origin = format!("http://{address}");
        let issuers = config
            .resources
            .into_iter()
            .map(|resource| Ok((resource.id.clone(), Arc::new(Issuer::new(&origin, resource)?))))
            .collect::<Result<_, KeyError>>()?;
        Ok(Self { origin, issuers, clients: Clients::new(config.clients), admin_secret: config.admin_secret })
    }

    pub(crate) fn issuer(&self, resource_id: &str) -> Result<&Arc<Issuer>, IssuerError> {
        self.issuers.get(resource_id).ok_or_else(|| IssuerError::UnknownResource(resource_id.to_owned()))
    }

    pub(crate) fn clients(&self) -> &Clients {
        &self.clients
    }

    pub(crate) fn admin_secret(&self) -> Option<&Secret> {
        self.admin_secret.as_ref()
    }
}

fn registered(listener: TcpListener, runtime: &Runtime) -> Result<tokio::net::TcpListener, StartError> {
    let _context = runtime.enter();
    tokio::net::TcpListener::from_std(listener).map_err(StartError::Listen)
}

fn spawn(
    runtime: Runtime,
    server: impl Future<Output = ()> + Send + 'static,
) -> Result<JoinHandle<()>, StartError> {
    thread::Builder::new()
        .name("scopegate-authserver".to_owned())
        .spawn(move || runtime.block_on(server))
        .map_err(StartError::Thread)
}
