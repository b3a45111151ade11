//! TLS: the platform's trust store plus the configured certificates. ureq offers one or the other.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{AlertDescription, CertificateError, ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::Verifier;
use ureq::unversioned::transport::time::{Duration, Instant};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport, TransportAdapter,
};

use super::{FetchError, FetchStep, HttpSettings, Trace};

/// Reads the platform's trust store, so this is IO.
pub(super) fn client_config(settings: &HttpSettings) -> Result<Arc<ClientConfig>, FetchError> {
    let failed = |what| FetchError::new(FetchStep::Tls, what);
    let roots = CertificateDer::pem_slice_iter(&settings.extra_roots)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| failed("`http.ca_file` or `http.ca_pem` is not PEM"))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let has_extra_roots = !roots.is_empty();
    let verifier = Verifier::new_with_extra_roots(roots, provider.clone()).map_err(|_| {
        failed(if has_extra_roots {
            "a certificate of `http.ca_file` or `http.ca_pem` is not usable as a CA"
        } else {
            "no CA certificate was found on this machine: install the system's CA certificates, or name a file of \
             them in `http.ca_file`"
        })
    })?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| failed("the TLS library offers no protocol version"))?
        .dangerous() // The method's name warns of verifiers that check less; this one is the platform's.
        .with_custom_certificate_verifier(Arc::new(verifier));
    let mut config = match &settings.client_certificate {
        Some(certificate) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certificate.clone())))
        }
        None => builder.with_no_client_auth(),
    };
    // Every fetch is a connection of its own.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

/// Wraps the connection in TLS when the URL is https.
pub(super) struct TlsConnector {
    /// `None` where no https is to be spoken.
    pub(super) config: Option<Arc<ClientConfig>>,
    pub(super) trace: Arc<Trace>,
}

impl fmt::Debug for TlsConnector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsConnector")
    }
}

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, ureq::Error> {
        let Some(transport) = chained else { return Ok(None) };
        if !details.needs_tls() || transport.is_tls() {
            self.trace.enter(FetchStep::Http);
            return Ok(Some(Either::A(transport)));
        }
        self.trace.enter(FetchStep::Tls);
        let transport =
            self.handshake(details, transport).map_err(|error| ureq::Error::Other(Box::new(error)))?;
        self.trace.enter(FetchStep::Http);
        Ok(Some(Either::B(transport)))
    }
}

impl TlsConnector {
    fn handshake(
        &self,
        details: &ConnectionDetails<'_>,
        transport: impl Transport,
    ) -> Result<TlsTransport, FetchError> {
        let failed = |what| FetchError::new(FetchStep::Tls, what);
        let config = self.config.clone().ok_or_else(|| failed("no TLS configuration"))?;
        let host = details.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| failed("the host is no valid server name"))?;
        let mut connection =
            ClientConnection::new(config, name).map_err(|_| failed("the TLS library refuses this host"))?;
        let mut socket = TransportAdapter::new(transport.boxed(), details.current_time.clone());
        socket.set_timeout(time_left(details));
        connection.complete_io(&mut socket).map_err(|error| failed(handshake_failure(&error)))?;
        let buffers =
            LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(TlsTransport { buffers, stream: StreamOwned { conn: connection, sock: socket } })
    }
}

/// The time for connecting, less what the TCP connection took.
fn time_left(details: &ConnectionDetails<'_>) -> NextTimeout {
    let mut timeout = details.timeout;
    if let (Duration::Exact(limit), Instant::Exact(start), Instant::Exact(now)) =
        (timeout.after, details.now, (details.current_time)())
    {
        timeout.after = Duration::Exact(limit.saturating_sub(now.saturating_duration_since(start)));
    }
    timeout
}

fn handshake_failure(error: &io::Error) -> &'static str {
    if let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return match error {
            rustls::Error::InvalidCertificate(error) => certificate_failure(error),
            _ => "the handshake failed",
        };
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => "the server cut the handshake",
        _ if is_timeout(error) => "the handshake timed out",
        _ => "the handshake failed",
    }
}

/// Whether a server refused the connection because it wants a certificate. In TLS 1.3 it says so after the handshake.
pub(super) fn wants_certificate(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::AlertReceived(AlertDescription::CertificateRequired)))
}

fn is_timeout(error: &io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
    matches!(inner, Some(ureq::Error::Timeout(_))) || error.kind() == io::ErrorKind::TimedOut
}

fn certificate_failure(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the server's certificate is not issued by a trusted CA (`http.ca_file` adds one)"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another name"
        }
        CertificateError::Revoked => "the server's certificate was revoked",
        _ => "the server's certificate is not valid",
    }
}

/// A TLS connection as ureq uses it.
pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        true
    }
}
