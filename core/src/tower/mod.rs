//! A tower layer: every request of an HTTP service passes the resource server first. For axum and whatever else tower
//! serves. Feature `tower`; needs a tokio runtime.
//!
//! ```
//! use axum::{Extension, Router, routing::get};
//! use scopegate_core::tower::ResourceServerLayer;
//! use scopegate_core::{AccessToken, Config, ResourceServer};
//!
//! # fn main() -> Result<(), scopegate_core::ConfigError> {
//! async fn whoami(Extension(token): Extension<AccessToken>) -> String {
//!     format!("Hello, {}", token.subject().unwrap_or("client"))
//! }
//!
//! let gate = ResourceServer::new(Config::new("https://mcp.example.com/mcp", ["https://as.example.com"]))?;
//! let app: Router = Router::new().route("/mcp", get(whoami)).layer(ResourceServerLayer::new(gate).health("/healthz"));
//! # Ok(())
//! # }
//! ```

mod answers;
mod log;
mod need;
mod sessions;

use std::collections::HashSet;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_ENCODING,
    CONTENT_TYPE, HeaderName, HeaderValue, ORIGIN,
};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Either, Full};
use tower_layer::Layer;
use tower_service::Service;

use self::answers::{encoding_refused, session_not_found, type_refused};
use self::log::RefusalLog;
pub use self::need::{ScopesNeeded, ScopesNeededLater};
use self::need::{ScopesOf, require_of_calls};
use self::sessions::{Owner, Sessions};
use crate::call::{FullCall, ReadBody};
use crate::request::Request;
use crate::resource_server::{Check, ResourceServer};
use crate::response::HttpResponse;
use crate::token::access_token::AccessToken;

/// What a guarded service receives: the bytes that were judged, or the body untouched where it did not decide.
pub type RequestBody<B> = Either<Full<Bytes>, B>;

/// What goes back: a refusal or a well-known document, or what the service answered.
pub type ResponseBody<B> = Either<Full<Bytes>, B>;

/// Puts a resource server in front of a service. It guards everything that it wraps, but for the well-known routes and
/// the paths of [`ResourceServerLayer::public`].
///
/// A request that passes has its [`AccessToken`] among its extensions; any other is answered with the refusal, unchanged.
/// The body is read only when it decides on the request, after the token proved good; the service then receives the
/// bytes that were judged. An MCP session that the service opened answers its principal alone. Each refusal writes one
/// line through `tracing`, with its reason and without any part of the token.
///
/// Wrap the whole application, so that clients find the discovery document at its root. Not checked: what is said on a
/// connection after an upgrade.
#[derive(Clone)]
pub struct ResourceServerLayer {
    gate: Arc<dyn Fn() -> ResourceServer + Send + Sync>,
    options: Arc<Options>,
    sessions: Arc<Sessions>,
    log: Arc<RefusalLog>,
}

#[derive(Clone, Default)]
struct Options {
    public: HashSet<String>,
    health: Option<String>,
    metrics: Option<String>,
    scopes: Vec<String>,
    scopes_of: Option<ScopesOf>,
}

impl ResourceServerLayer {
    /// A layer that guards every path.
    pub fn new(gate: ResourceServer) -> Self {
        Self::following(move || gate.clone())
    }

    /// A layer whose resource server may change while it runs: the function gives the current one. It is called once for
    /// each request, which that one judges from begin to end; sessions stay with their owners.
    pub fn following(current: impl Fn() -> ResourceServer + Send + Sync + 'static) -> Self {
        let gate = Arc::new(current);
        ResourceServerLayer { gate, options: Arc::default(), sessions: Arc::default(), log: Arc::default() }
    }

    /// Paths that need no token, compared exactly with the path of the request as it was sent.
    pub fn public(mut self, paths: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Arc::make_mut(&mut self.options).public.extend(paths.into_iter().map(Into::into));
        self
    }

    /// A path that answers GET and HEAD with `{"status": ..}`, for probes, without a token.
    pub fn health(mut self, path: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.options).health = Some(path.into());
        self
    }

    /// A path that answers GET and HEAD with the counters as Prometheus text, for scrapers, without a token. They name
    /// issuers, so have the proxy in front deny the path to all but operators.
    pub fn metrics(mut self, path: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.options).metrics = Some(path.into());
        self
    }

    /// Scopes that every guarded request needs beside the configuration's ([`Request::scopes`]).
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Arc::make_mut(&mut self.options).scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// A function that is asked for the scopes which each call needs, beside those of the configuration and its policy. It
    /// is for an MCP server, and has the body of every guarded request read.
    ///
    /// It is asked after the token proved good and the policy allowed the call, for each call of a batch; for a request
    /// that calls nothing, with an empty method. An error or a panic of it refuses the request as
    /// [`Reason::Internal`](crate::Reason::Internal).
    pub fn scopes_of<F>(mut self, scopes_of: F) -> Self
    where
        F: Fn(&FullCall<'_>, &AccessToken) -> ScopesNeeded + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.options).scopes_of = Some(ScopesOf::Now(Arc::new(scopes_of)));
        self
    }

    /// [`ResourceServerLayer::scopes_of`] for a function that waits, such as for the owner of what a call is about. It is in
    /// the place of that one. How long it waits is for itself to bound: the request waits with it.
    ///
    /// ```
    /// # use scopegate_core::tower::ResourceServerLayer;
    /// # async fn owner_of(_document: Option<String>) -> Result<String, std::io::Error> { Ok(String::new()) }
    /// # fn guard(layer: ResourceServerLayer) -> ResourceServerLayer {
    /// layer.scopes_of_async(|call, token| {
    ///     Box::pin(async move {
    ///         let owner = owner_of(call.params.map(str::to_owned)).await?;
    ///         Ok(if token.subject() == Some(&owner) { vec![] } else { vec!["documents:all".to_owned()] })
    ///     })
    /// })
    /// # }
    /// ```
    pub fn scopes_of_async<F>(mut self, scopes_of: F) -> Self
    where
        F: for<'a> Fn(&'a FullCall<'a>, &'a AccessToken) -> ScopesNeededLater<'a> + Send + Sync + 'static,
    {
        Arc::make_mut(&mut self.options).scopes_of = Some(ScopesOf::Later(Arc::new(scopes_of)));
        self
    }

    /// The answer to what needs no token and is not for the service.
    fn answer(&self, gate: &ResourceServer, path: &str, request: &Request<'_>) -> Option<HttpResponse> {
        let is = |option: &Option<String>| option.as_deref() == Some(path);
        let health = || is(&self.options.health).then(|| gate.health_response(request)).flatten();
        let metrics = || is(&self.options.metrics).then(|| gate.metrics_response(request)).flatten();
        let is_missing = || !self.options.public.contains(path) && gate.is_metadata_path(path);
        let missing = || is_missing().then(|| gate.not_found());
        gate.well_known(request).or_else(health).or_else(metrics).or_else(missing)
    }

    /// Whom the request is from, with the body that the service shall read, or the refusal.
    async fn admit<B>(
        &self,
        gate: &ResourceServer,
        head: &Parts,
        request: Request<'_>,
        body: B,
    ) -> Result<Admitted<B>, HttpResponse>
    where
        B: Body<Data = Bytes>,
    {
        let first = check(gate, &request).await;
        let reads_body = match &first {
            Check::NeedBody { .. } => true,
            Check::Done(decided) => decided.is_ok() && self.options.scopes_of.is_some(),
            Check::NeedKeys(_) => false,
        };
        if reads_body && is_encoded(&head.headers) {
            return Err(encoding_refused());
        }
        let (bytes, body) = if reads_body {
            let bytes = received(body, gate.body_limit()).await;
            (bytes.clone(), Either::Left(Full::new(bytes)))
        } else {
            (Bytes::new(), Either::Right(body))
        };
        let read = ReadBody::of(&bytes, gate.body_limit());
        let decided = match first {
            Check::NeedBody { .. } => check(gate, &request.read_body(&read)).await,
            decided => decided,
        };
        if matches!(decided, Check::Done(Ok(_))) && !bytes.is_empty() && !is_json(&head.headers) {
            return Err(type_refused());
        }
        let token = match decided {
            Check::Done(decided) => decided,
            Check::NeedKeys(_) | Check::NeedBody { .. } => {
                Err(Box::new(gate.internal_error("the same was asked for twice", &request)))
            }
        };
        let token = match (token, &self.options.scopes_of) {
            (Ok(token), Some(scopes_of)) => {
                let required = require_of_calls(gate, &request.read_body(&read), &token, scopes_of).await;
                required.map(|()| token)
            }
            (token, _) => token,
        };
        let token = token.map_err(|rejection| {
            self.log.write(&rejection);
            rejection.response().clone()
        })?;
        let owner = Owner::of(&token, &head.headers);
        if self.sessions.are_foreign(&sessions::ids(&head.headers), &owner) {
            return Err(session_not_found());
        }
        Ok(Admitted { token, owner, body })
    }
}

/// [`ResourceServer::check`], once missing keys were fetched. Only the fetch leaves this thread.
async fn check(gate: &ResourceServer, request: &Request<'_>) -> Check {
    let check = gate.check(request);
    let Check::NeedKeys(wanted) = &check else { return check };
    let (fetching, keys) = (gate.clone(), wanted.clone());
    // What became of the fetch is told by the check after it.
    let _ = tokio::task::spawn_blocking(move || fetching.refresh(&keys)).await;
    gate.check_after(request, wanted)
}

struct Admitted<B> {
    token: AccessToken,
    owner: Owner,
    body: RequestBody<B>,
}

impl<S> Layer<S> for ResourceServerLayer {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { inner, layer: self.clone() }
    }
}

/// A service behind a resource server: [`ResourceServerLayer`] makes it.
#[derive(Clone)]
pub struct Guarded<S> {
    inner: S,
    layer: ResourceServerLayer,
}

impl<S, B, R: 'static> Service<http::Request<B>> for Guarded<S>
where
    S: Service<http::Request<RequestBody<B>>, Response = http::Response<R>> + Clone + Send + 'static,
    S::Future: Send,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = http::Response<ResponseBody<R>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        // The service that was polled ready is the one to call.
        let unpolled = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, unpolled);
        Box::pin(guard(inner, self.layer.clone(), request))
    }
}

async fn guard<S, B, R>(
    mut inner: S,
    layer: ResourceServerLayer,
    request: http::Request<B>,
) -> Result<http::Response<ResponseBody<R>>, S::Error>
where
    S: Service<http::Request<RequestBody<B>>, Response = http::Response<R>>,
    B: Body<Data = Bytes>,
{
    let (mut head, body) = request.into_parts();
    let path = head.uri.path();
    let lines = Lines::of(&head.headers);
    let scopes: Vec<&str> = layer.options.scopes.iter().map(String::as_str).collect();
    let asked = lines.request(&head.method, path, &scopes);
    let gate = (layer.gate)(); // of the whole request, whatever is current when it ends
    if let Some(answer) = layer.answer(&gate, path, &asked) {
        return Ok(respond(answer));
    }
    if layer.options.public.contains(path) {
        let passed = inner.call(http::Request::from_parts(head, Either::Right(body))).await?;
        return Ok(passed.map(Either::Right));
    }
    match layer.admit(&gate, &head, asked, body).await {
        Err(refusal) => Ok(respond(refusal)),
        Ok(Admitted { token, owner, body }) => {
            head.extensions.insert(token);
            let passed = inner.call(http::Request::from_parts(head, body)).await?;
            layer.sessions.opened(&sessions::ids(passed.headers()), &owner);
            Ok(passed.map(Either::Right))
        }
    }
}

/// Every line of the header fields that a decision reads.
struct Lines<'a> {
    authorization: Vec<&'a [u8]>,
    origin: Vec<&'a [u8]>,
    access_control_request_method: Option<&'a [u8]>,
    access_control_request_headers: Option<&'a [u8]>,
    protocol_version: Vec<&'a [u8]>,
    mcp_method: Vec<&'a [u8]>,
    mcp_name: Vec<&'a [u8]>,
}

impl<'a> Lines<'a> {
    fn of(headers: &'a HeaderMap) -> Self {
        let all = |name: HeaderName| headers.get_all(name).into_iter().map(HeaderValue::as_bytes).collect();
        Lines {
            authorization: all(AUTHORIZATION),
            origin: all(ORIGIN),
            access_control_request_method: headers
                .get(ACCESS_CONTROL_REQUEST_METHOD)
                .map(HeaderValue::as_bytes),
            access_control_request_headers: headers
                .get(ACCESS_CONTROL_REQUEST_HEADERS)
                .map(HeaderValue::as_bytes),
            protocol_version: all(HeaderName::from_static("mcp-protocol-version")),
            mcp_method: all(HeaderName::from_static("mcp-method")),
            mcp_name: all(HeaderName::from_static("mcp-name")),
        }
    }

    fn request(&'a self, method: &'a Method, path: &'a str, scopes: &'a [&'a str]) -> Request<'a> {
        Request::new(method.as_str(), path)
            .authorization(&self.authorization)
            .origin(&self.origin)
            .access_control_request_method(self.access_control_request_method)
            .access_control_request_headers(self.access_control_request_headers)
            .protocol_version(&self.protocol_version)
            .mcp_method(&self.mcp_method)
            .mcp_name(&self.mcp_name)
            .scopes(scopes)
    }
}

/// The whole body, or just over `limit` bytes of it, which are refused.
async fn received<B: Body<Data = Bytes>>(body: B, limit: usize) -> Bytes {
    let mut body = pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Bytes::from_static(NO_JSON) };
        if let Ok(data) = frame.into_data() {
            bytes.put(data);
        }
        if bytes.len() > limit {
            break;
        }
    }
    bytes.freeze()
}

/// Stands for a body that has no end, or chunks that are none: what came of it may look like a call.
const NO_JSON: &[u8] = &[0];

fn is_encoded(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(CONTENT_ENCODING).into_iter().map(|coding| coding.as_bytes().trim_ascii());
    codings.into_iter().any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

/// Whether every parser of the Content-Type (RFC 9110 section 8.3) takes the body for JSON in UTF-8; without one nothing
/// says otherwise.
fn is_json(headers: &HeaderMap) -> bool {
    let lines: Vec<&[u8]> = headers.get_all(CONTENT_TYPE).into_iter().map(HeaderValue::as_bytes).collect();
    let [line] = lines.as_slice() else { return lines.is_empty() };
    let line = String::from_utf8_lossy(line).to_ascii_lowercase();
    let mut parts = line.split(';').map(str::trim);
    let is_utf8 = |part: &str| matches!(part.replace('"', "").as_str(), "charset=utf-8" | "charset=utf8");
    let essence = parts.next();
    !line.contains(',')
        && essence == Some("application/json")
        && parts.filter(|part| part.contains("charset")).all(is_utf8)
}

fn respond<R>(response: HttpResponse) -> http::Response<ResponseBody<R>> {
    let HttpResponse { status, headers, body } = response;
    let mut answer = http::Response::new(Either::Left(Full::from(body)));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let fields = headers.into_iter().filter_map(|(name, value)| {
        Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
    });
    for (name, value) in fields {
        answer.headers_mut().append(name, value);
    }
    answer
}
