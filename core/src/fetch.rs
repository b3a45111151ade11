//! Fetching key sets and metadata over HTTP: the network lives here and nowhere else.

mod address;
mod deadline;
mod headers;
mod proxy;
mod resolver;
#[cfg(test)]
mod tests;
mod tls;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use http::{HeaderValue, StatusCode, header};
use rustls::ClientConfig;
use rustls::sign::CertifiedKey;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, TcpConnector, time};
use ureq::{Agent, Body};

use crate::url::Url;
use address::AddressRules;
use deadline::DeadlineConnector;
use resolver::CheckedResolver;
pub(crate) use resolver::Lookups;

/// Gets documents. The one implementation outside of tests is [`HttpClient`].
pub(crate) trait Fetch: Send + Sync {
    /// Gets one document. Blocks, for at most `request.timeout`.
    fn get(&self, request: &FetchRequest<'_>) -> Result<Document, FetchError>;

    /// The time for one fetch with all its GETs.
    fn timeout(&self) -> Duration;
}

/// What to get.
pub(crate) struct FetchRequest<'a> {
    pub(crate) url: &'a str,
    pub(crate) kind: DocumentKind,
    /// The ETag of the version that is held, if this URL sent it.
    pub(crate) etag: Option<&'a str>,
    /// From the name look-up to the last byte.
    pub(crate) timeout: Duration,
    /// Refuse private and loopback addresses: the URL was read from the document of a public issuer.
    pub(crate) public_only: bool,
    pub(crate) lookups: &'a Lookups,
}

/// The kinds of document, each with its size limit.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DocumentKind {
    Metadata,
    KeySet,
}

impl DocumentKind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            DocumentKind::Metadata => "metadata",
            DocumentKind::KeySet => "key set",
        }
    }

    const fn max_bytes(self) -> u64 {
        match self {
            DocumentKind::Metadata => 64 * 1024,
            DocumentKind::KeySet => 256 * 1024,
        }
    }
}

/// An answer 200, or 304 to a request with an ETag.
#[derive(Clone, Debug, Default)]
pub(crate) struct Document {
    /// `None`: not modified.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) etag: Option<String>,
    /// How long the answer says that it stays fresh; `None` when it does not say.
    pub(crate) lifetime: Option<Duration>,
    /// Whether the server's address is a private or loopback one, as far as that can be seen.
    pub(crate) private: bool,
}

/// Why keys could not be fetched. Says which step failed; never holds a byte of what the server sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FetchError {
    step: FetchStep,
    message: Cow<'static, str>,
    status: Option<u16>,
    retry_after: Option<Duration>,
}

/// The steps of a fetch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[repr(u8)]
pub enum FetchStep {
    /// Nothing was sent: backoff, a limit or the configuration forbids a fetch now, or the caller stopped waiting.
    Start,
    /// Looking up the server's addresses, and whether they may be asked.
    Dns,
    /// Connecting to the server or proxy.
    Connect,
    /// The TLS handshake and the server's certificate.
    Tls,
    /// The HTTP exchange: time-outs, status, sizes, encoding.
    Http,
    /// Reading the document: strict JSON, the right issuer, at least one usable key.
    Parse,
}

impl FetchStep {
    /// The name in `stats`.
    pub const fn name(self) -> &'static str {
        match self {
            FetchStep::Start => "start",
            FetchStep::Dns => "DNS",
            FetchStep::Connect => "connect",
            FetchStep::Tls => "TLS",
            FetchStep::Http => "HTTP",
            FetchStep::Parse => "parse",
        }
    }

    const fn from_number(number: u8) -> FetchStep {
        match number {
            1 => FetchStep::Dns,
            2 => FetchStep::Connect,
            3 => FetchStep::Tls,
            4 => FetchStep::Http,
            5 => FetchStep::Parse,
            _ => FetchStep::Start,
        }
    }
}

impl FetchError {
    pub(crate) fn new(step: FetchStep, message: impl Into<Cow<'static, str>>) -> FetchError {
        FetchError { step, message: message.into(), status: None, retry_after: None }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn with_status(status: u16) -> FetchError {
        FetchError { status: Some(status), ..FetchError::new(FetchStep::Http, format!("status {status}")) }
    }

    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn with_retry_after(retry_after: Option<Duration>) -> FetchError {
        FetchError { retry_after, ..FetchError::with_status(503) }
    }

    /// The same, where a server asked to be left alone for so long at the least.
    pub(crate) fn asked_for(self, retry_after: Option<Duration>) -> FetchError {
        FetchError { retry_after: self.retry_after.max(retry_after), ..self }
    }

    /// The step that failed.
    pub fn step(&self) -> FetchStep {
        self.step
    }

    /// What went wrong, without the step.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The HTTP status, when the server answered with another one than 200.
    pub(crate) fn status(&self) -> Option<u16> {
        self.status
    }

    /// How long the server asked to be left alone.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.step.name(), self.message)
    }
}

impl Error for FetchError {}

/// How to fetch, as checked by the configuration.
#[derive(Clone, Debug)]
pub(crate) struct HttpSettings {
    /// The total time of one fetch.
    pub(crate) timeout: Duration,
    /// PEM text of the certificates that are trusted beside the platform's.
    pub(crate) extra_roots: Vec<u8>,
    pub(crate) proxy: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) allow_private_addresses: bool,
    /// Host names, compared exactly, that may be asked over plain http.
    pub(crate) insecure_hosts: Vec<String>,
    /// Shown to servers that ask for one.
    pub(crate) client_certificate: Option<Arc<CertifiedKey>>,
}

impl PartialEq for HttpSettings {
    fn eq(&self, other: &Self) -> bool {
        let HttpSettings {
            timeout,
            extra_roots,
            proxy,
            user_agent,
            allow_private_addresses,
            insecure_hosts,
            client_certificate,
        } = self;
        // The key is the first certificate's.
        let chain =
            |certificate: &Option<Arc<CertifiedKey>>| certificate.as_ref().map(|key| key.cert.clone());
        *timeout == other.timeout
            && *extra_roots == other.extra_roots
            && *proxy == other.proxy
            && *user_agent == other.user_agent
            && *allow_private_addresses == other.allow_private_addresses
            && *insecure_hosts == other.insecure_hosts
            && chain(client_certificate) == chain(&other.client_certificate)
    }
}

/// The HTTP client. It follows no redirect, keeps no connection and asks for no encoding.
pub(crate) struct HttpClient {
    settings: HttpSettings,
    user_agent: String,
    /// Built at the first https fetch: reading the platform's trust store is IO and can fail.
    tls: ArcSwapOption<ClientConfig>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// Larger than the limit, or ureq takes a header over the limit for a closed connection.
const INPUT_BUFFER_BYTES: usize = 2 * MAX_HEADER_BYTES;
const OUTPUT_BUFFER_BYTES: usize = 4 * 1024;

impl HttpClient {
    /// Does no IO.
    pub(crate) fn new(settings: HttpSettings) -> HttpClient {
        let user_agent = match &settings.user_agent {
            Some(name) if HeaderValue::from_str(name).is_ok() => name.clone(),
            _ => concat!("scopegate/", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        HttpClient { settings, user_agent, tls: ArcSwapOption::empty() }
    }
}

impl Fetch for HttpClient {
    fn get(&self, request: &FetchRequest<'_>) -> Result<Document, FetchError> {
        self.exchange(request).map_err(|error| FetchError {
            message: format!("{}: {}", request.kind.name(), error.message).into(),
            ..error
        })
    }

    fn timeout(&self) -> Duration {
        self.settings.timeout
    }
}

impl HttpClient {
    fn exchange(&self, request: &FetchRequest<'_>) -> Result<Document, FetchError> {
        if request.timeout.is_zero() {
            return Err(FetchError::new(FetchStep::Http, "no time was left for it"));
        }
        let url =
            Url::parse(request.url).map_err(|error| FetchError::new(FetchStep::Start, error.to_string()))?;
        let trace = Arc::new(Trace::default());
        trace.saw_host(&url);
        // An agent for each GET: there is no pool to share, and the resolver knows whom it serves.
        let mut call = self.agent(request, &url, &trace)?.get(request.url);
        if let Some(etag) = request.etag {
            call = call.header(header::IF_NONE_MATCH, etag);
        }
        let failed = |error| failure(error, trace.step());
        let mut response = call.call().map_err(failed)?;
        check_status(&response, request.etag.is_some())?;
        headers::check_encoding(response.headers())?;
        let body = match response.status() {
            StatusCode::NOT_MODIFIED => None,
            _ => {
                let limited = response.body_mut().with_config().limit(request.kind.max_bytes());
                Some(limited.read_to_vec().map_err(failed)?)
            }
        };
        Ok(Document {
            body,
            etag: headers::etag(response.headers()),
            lifetime: headers::lifetime(response.headers()),
            private: trace.private.load(Ordering::Relaxed),
        })
    }

    fn agent(&self, request: &FetchRequest<'_>, url: &Url, trace: &Arc<Trace>) -> Result<Agent, FetchError> {
        let rules = self.rules(url, request.public_only)?;
        let proxy = proxy::for_url(url, self.settings.proxy.as_deref())?;
        let secure_proxy = proxy.as_ref().is_some_and(|proxy| proxy.protocol() == ureq::ProxyProtocol::Https);
        let tls = if url.is_https() || secure_proxy { Some(self.tls()?) } else { None };
        // Behind a proxy it is the proxy's name that is looked up, and the operator chose that.
        let resolver = CheckedResolver {
            rules: if proxy.is_some() { AddressRules::default() } else { rules },
            is_for_proxy: proxy.is_some(),
            lookups: request.lookups.clone(),
            trace: trace.clone(),
        };
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(request.timeout))
            .timeout_connect(Some(CONNECT_TIMEOUT.min(request.timeout)))
            .max_response_header_size(MAX_HEADER_BYTES)
            .input_buffer_size(INPUT_BUFFER_BYTES)
            .output_buffer_size(OUTPUT_BUFFER_BYTES)
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .accept_encoding("identity")
            .accept("application/json, application/jwk-set+json")
            .user_agent(self.user_agent.as_str())
            .proxy(proxy)
            .build();
        let connector =
            ().chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(DeadlineConnector {
                    until: time::Instant::now() + time::Duration::Exact(request.timeout),
                })
                .chain(tls::TlsConnector { config: tls, trace: trace.clone() });
        Ok(Agent::with_parts(config, connector, resolver))
    }

    /// What the addresses of this URL must be like; an error if its scheme or host may not be asked at all.
    fn rules(&self, url: &Url, public_only: bool) -> Result<AddressRules, FetchError> {
        let insecure = self.settings.insecure_hosts.iter().any(|host| host == url.hostname());
        let plain = !url.is_https() && !insecure;
        if plain && !url.is_loopback() {
            return Err(FetchError::new(
                FetchStep::Start,
                "the URL is plain http and its host is neither loopback nor one of `http.insecure_hosts`",
            ));
        }
        let rules = AddressRules {
            public_only: public_only && !self.settings.allow_private_addresses,
            loopback_only: plain,
        };
        rules.check_host(url.hostname())?;
        Ok(rules)
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, FetchError> {
        if let Some(config) = self.tls.load_full() {
            return Ok(config);
        }
        let config = tls::client_config(&self.settings)?;
        self.tls.store(Some(config.clone()));
        Ok(config)
    }
}

fn check_status(response: &http::Response<Body>, conditional: bool) -> Result<(), FetchError> {
    let status = response.status();
    if status == StatusCode::OK || (status == StatusCode::NOT_MODIFIED && conditional) {
        return Ok(());
    }
    let hint = if status.is_redirection() { " (redirects are not followed)" } else { "" };
    Err(FetchError {
        status: Some(status.as_u16()),
        retry_after: headers::retry_after(response.headers()),
        ..FetchError::new(FetchStep::Http, format!("answered with status {}{hint}", status.as_u16()))
    })
}

/// How far one GET came, told by the parts of the connection as they are reached.
#[derive(Debug, Default)]
struct Trace {
    step: AtomicU8,
    private: AtomicBool,
}

impl Trace {
    fn enter(&self, step: FetchStep) {
        self.step.store(step as u8, Ordering::Relaxed);
    }

    fn step(&self) -> FetchStep {
        FetchStep::from_number(self.step.load(Ordering::Relaxed))
    }

    /// Behind a proxy the host as it is written is all that can be seen.
    fn saw_host(&self, url: &Url) {
        if url.is_loopback() || address::literal(url.hostname()).is_some_and(address::is_private) {
            self.private.store(true, Ordering::Relaxed);
        }
    }
}

/// ureq's errors quote what the server sent, so each is put into our own words.
fn failure(error: ureq::Error, step: FetchStep) -> FetchError {
    let (step, what): (FetchStep, Cow<'static, str>) = match error {
        ureq::Error::Other(other) => match other.downcast::<FetchError>() {
            Ok(ours) => (ours.step, ours.message),
            Err(_) => (step, "failed".into()),
        },
        ureq::Error::Timeout(_) => (step, "timed out".into()),
        ureq::Error::Io(error) if tls::wants_certificate(&error) => {
            (FetchStep::Tls, "the server asks for a certificate (`http.client_certificate`)".into())
        }
        ureq::Error::Io(error) => (step, io_failure(&error).into()),
        ureq::Error::BodyExceedsLimit(limit) => {
            (FetchStep::Http, format!("larger than {limit} bytes").into())
        }
        ureq::Error::LargeResponseHeader(_, limit) => {
            (FetchStep::Http, format!("its headers are larger than {limit} bytes").into())
        }
        ureq::Error::ConnectProxyFailed(_) => (FetchStep::Connect, "the proxy refused the connection".into()),
        ureq::Error::Protocol(_) => (FetchStep::Http, "not an HTTP/1.1 answer, or too many headers".into()),
        ureq::Error::Http(_) | ureq::Error::BadUri(_) => {
            (FetchStep::Start, "the URL cannot be asked for".into())
        }
        ureq::Error::ConnectionFailed => (FetchStep::Connect, "failed".into()),
        _ => (step, "failed".into()),
    };
    FetchError::new(step, what)
}

fn io_failure(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused",
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted | io::ErrorKind::BrokenPipe => {
            "the server cut the connection"
        }
        io::ErrorKind::UnexpectedEof => "the answer ends too early",
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => "timed out",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable | io::ErrorKind::NetworkDown => {
            "the server cannot be reached"
        }
        _ => "the connection failed",
    }
}
