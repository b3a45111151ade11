#![allow(clippy::disallowed_methods)]
//! The HTTP client against a server that works, and one that fails in every way.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use scopegate_stub::{Answer, Fault, Stub};

use super::*;

const TIMEOUT: Duration = Duration::from_millis(800);
const KEY_SET: &str = r#"{"keys":[]}"#;

fn client() -> HttpClient {
    client_with(|_| {})
}

fn client_with(change: impl FnOnce(&mut HttpSettings)) -> HttpClient {
    let mut settings = HttpSettings {
        timeout: TIMEOUT,
        extra_roots: Vec::new(),
        proxy: None,
        user_agent: None,
        allow_private_addresses: false,
        insecure_hosts: Vec::new(),
        client_certificate: None,
    };
    change(&mut settings);
    HttpClient::new(settings)
}

fn get(client: &HttpClient, url: &str) -> Result<Document, FetchError> {
    get_with(client, url, |_| {})
}

fn get_with(
    client: &HttpClient,
    url: &str,
    change: impl FnOnce(&mut FetchRequest<'_>),
) -> Result<Document, FetchError> {
    let lookups = Lookups::default();
    let mut request = FetchRequest {
        url,
        kind: DocumentKind::KeySet,
        etag: None,
        timeout: TIMEOUT,
        public_only: false,
        lookups: &lookups,
    };
    change(&mut request);
    client.get(&request)
}

/// The error of a GET that the stub answers like this; it must come by the deadline.
fn failure_of(answer: Answer) -> FetchError {
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", answer);
    let start = Instant::now();
    let error = get(&client(), &stub.url("/jwks")).unwrap_err();
    assert!(start.elapsed() < TIMEOUT * 2, "{error}");
    error
}

#[test]
fn a_good_answer_arrives_with_its_freshness_and_etag() {
    let stub = Stub::start().unwrap();
    let answer =
        Answer::ok(KEY_SET).header("Cache-Control", "max-age=700").header("Age", "100").etag("\"v1\"");
    stub.answer("/jwks", answer);
    let document = get(&client(), &stub.url("/jwks")).unwrap();
    assert_eq!(document.body.as_deref(), Some(KEY_SET.as_bytes()));
    assert_eq!(document.lifetime, Some(Duration::from_secs(600)));
    assert_eq!(document.etag.as_deref(), Some("\"v1\""));
    assert!(document.private);
}

#[test]
fn a_request_says_who_asks_and_wants_no_encoding() {
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    get(&client(), &stub.url("/jwks")).unwrap();
    get(&client_with(|settings| settings.user_agent = Some("acme/1".to_owned())), &stub.url("/jwks"))
        .unwrap();
    let received = stub.received();
    let mut headers: Vec<_> =
        received[0].headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    headers.sort_unstable();
    let host = stub.address().to_string();
    let user_agent = concat!("scopegate/", env!("CARGO_PKG_VERSION"));
    let expected = [
        ("accept", "application/json, application/jwk-set+json"),
        ("accept-encoding", "identity"),
        ("host", host.as_str()),
        ("user-agent", user_agent),
    ];
    assert_eq!(headers, expected);
    assert_eq!(received[1].header("user-agent"), Some("acme/1"));
    assert_eq!(stub.connections(), 2);
}

#[test]
fn an_etag_is_sent_and_304_has_no_body() {
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET).etag("\"v1\"").header("Cache-Control", "max-age=900"));
    let url = stub.url("/jwks");
    let document = get_with(&client(), &url, |request| request.etag = Some("\"v1\"")).unwrap();
    assert_eq!((document.body, document.lifetime), (None, Some(Duration::from_secs(900))));
    let changed = get_with(&client(), &url, |request| request.etag = Some("\"v0\"")).unwrap();
    assert!(changed.body.is_some());
}

#[test]
fn only_200_is_an_answer() {
    for status in [204, 206, 304, 400, 401, 404, 410, 500, 503] {
        let error = failure_of(Answer::status(status));
        assert_eq!((error.step(), error.status()), (FetchStep::Http, Some(status)), "{error}");
    }
    let error = failure_of(Answer::status(429).header("Retry-After", "120"));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(120)));
}

/// T46 (tests/attacks.md)
#[test]
fn redirects_are_not_followed() {
    let (stub, other) = (Stub::start().unwrap(), Stub::start().unwrap());
    for server in [&stub, &other] {
        server.answer("/elsewhere", Answer::ok(KEY_SET));
    }
    let other_name = other.url("/elsewhere").replace("127.0.0.1", "localhost");
    let secure = other.url("/elsewhere").replace("http:", "https:");
    let targets = [
        "/elsewhere",
        &stub.url("/elsewhere"),
        &other.url("/elsewhere"),
        &other_name,
        &secure,
        "file:///etc/hosts",
        "",
    ];
    for status in [300, 301, 302, 303, 305, 307, 308] {
        for target in targets {
            stub.answer("/jwks", Answer::redirect(status, target));
            let error = get(&client(), &stub.url("/jwks")).unwrap_err();
            assert_eq!((error.step(), error.status()), (FetchStep::Http, Some(status)), "{target}: {error}");
            assert!(error.to_string().contains("redirects are not followed"), "{target}: {error}");
        }
    }
    assert_eq!((stub.count("/elsewhere"), other.connections()), (0, 0));
}

/// T47 (tests/attacks.md)
#[test]
fn a_server_that_is_slow_in_any_way_costs_no_more_than_the_deadline() {
    let every = Duration::from_millis(50);
    let large = vec![b' '; 200];
    for fault in [Fault::Hang, Fault::HangInBody, Fault::Drip { every }, Fault::DripBody { every }] {
        let error = failure_of(Answer::ok(large.clone()).fault(fault));
        assert_eq!((error.step(), error.message()), (FetchStep::Http, "key set: timed out"), "{fault:?}");
    }
    let error = failure_of(Answer::ok(KEY_SET).delay(TIMEOUT * 2));
    assert_eq!(error.message(), "key set: timed out");
}

#[test]
fn a_server_that_cuts_the_connection_is_a_failure() {
    for fault in [Fault::Close, Fault::Reset, Fault::Truncated] {
        let error = failure_of(Answer::ok(KEY_SET).fault(fault));
        assert_eq!(error.step(), FetchStep::Http, "{fault:?} {error}");
    }
}

/// T47 (tests/attacks.md)
#[test]
fn sizes_are_bounded() {
    let limit = 256 * 1024;
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok("").fault(Fault::Oversize { bytes: limit }));
    assert_eq!(get(&client(), &stub.url("/jwks")).unwrap().body.unwrap().len(), limit);
    for (fault, kind, expected) in [
        (Fault::Oversize { bytes: limit + 1 }, DocumentKind::KeySet, "key set: larger than 262144 bytes"),
        (Fault::Endless, DocumentKind::KeySet, "key set: larger than 262144 bytes"),
        (Fault::Oversize { bytes: 65537 }, DocumentKind::Metadata, "metadata: larger than 65536 bytes"),
    ] {
        stub.answer("/large", Answer::ok("").fault(fault));
        let error = get_with(&client(), &stub.url("/large"), |request| request.kind = kind).unwrap_err();
        assert_eq!((error.step(), error.message()), (FetchStep::Http, expected));
    }
    let error = failure_of(Answer::ok(KEY_SET).header("X-Large", &"x".repeat(20_000)));
    assert_eq!(error.message(), "key set: its headers are larger than 16384 bytes");
    let error =
        failure_of((0..300).fold(Answer::ok(KEY_SET), |answer, n| answer.header(&format!("X-{n}"), "x")));
    assert_eq!(error.message(), "key set: not an HTTP/1.1 answer, or too many headers");
}

#[test]
fn an_encoding_that_was_not_asked_for_is_refused() {
    let error = failure_of(Answer::ok(KEY_SET).header("Content-Encoding", "gzip"));
    assert!(error.message().contains("content encoding"), "{error}");
}

#[test]
fn what_is_not_http_is_refused_without_quoting_it() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"secret-banner\r\n\r\n");
    });
    let error = get(&client(), &url).unwrap_err();
    server.join().unwrap();
    assert_eq!(error.step(), FetchStep::Http);
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn the_failed_step_is_named() {
    let free_port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let error = get(&client(), &format!("http://{free_port}/jwks")).unwrap_err();
    assert_eq!(error.to_string(), "connect: key set: connection refused");
    let no_time = get_with(&client(), "http://127.0.0.1/jwks", |request| request.timeout = Duration::ZERO);
    assert_eq!(no_time.unwrap_err().step(), FetchStep::Http);
}

#[test]
fn plain_http_is_for_loopback_and_the_hosts_that_were_named() {
    let error = get(&client(), "http://as.example/jwks").unwrap_err();
    assert_eq!(error.step(), FetchStep::Start);
    assert!(error.to_string().contains("http.insecure_hosts"), "{error}");
    let named = client_with(|settings| settings.insecure_hosts = vec!["dev.example".to_owned()]);
    let may_ask = |url: &str| named.rules(&Url::parse(url).unwrap(), false).is_ok();
    for url in
        ["https://as.example", "http://localhost:1", "http://127.0.0.2", "http://[::1]", "http://DEV.example"]
    {
        assert!(may_ask(url), "{url}");
    }
    for url in ["http://as.example", "http://a.dev.example", "http://10.0.0.1", "http://localhost.example"] {
        assert!(!may_ask(url), "{url}");
    }
}

#[test]
fn plain_http_to_loopback_stays_there_whatever_the_name_resolves_to() {
    let rules = client().rules(&Url::parse("http://localhost").unwrap(), false).unwrap();
    assert!(rules.admit("127.0.0.1".parse().unwrap()) && !rules.admit("192.0.2.1".parse().unwrap()));
}

#[test]
fn a_name_that_does_not_resolve_fails_as_dns() {
    // A label over 63 characters is refused by the resolver without asking anyone.
    let url = format!("http://{}.localhost/jwks", "a".repeat(64));
    assert_eq!(get(&client(), &url).unwrap_err().step(), FetchStep::Dns);
}

/// T45 (tests/attacks.md)
#[test]
fn metadata_services_are_never_asked_and_private_addresses_not_for_a_public_issuer() {
    for host in ["169.254.169.254", "[fd00:ec2::254]", "0.0.0.0", "127.1", "0x7f.1", "2130706433"] {
        let error = get(&client(), &format!("https://{host}/jwks")).unwrap_err();
        assert_eq!(error.step(), FetchStep::Dns, "{host} {error}");
    }
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    for url in [stub.url("/jwks"), stub.url("/jwks").replace("127.0.0.1", "localhost")] {
        let public_only = get_with(&client(), &url, |request| request.public_only = true);
        assert_eq!(public_only.unwrap_err().step(), FetchStep::Dns);
        assert_eq!(stub.connections(), 0);
    }
    let allowing = client_with(|settings| settings.allow_private_addresses = true);
    assert!(get_with(&allowing, &stub.url("/jwks"), |request| request.public_only = true).is_ok());
}

/// T45: whatever the operator or the metadata names, in whichever spelling. Nothing is connected to: the step is DNS.
#[test]
fn t45_no_spelling_of_a_forbidden_address_is_asked() {
    let never = [
        "169.254.169.254",
        "169.254.170.2",
        "169.254.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "0.0.0.0",
        "0.1.2.3",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[fe80::1]",
        "[ff02::1]",
        "[fd00:ec2::254]",
        "[fd00:ec2::23]",
        "[fd20:ce::254]",
        "[fd00:42::42]",
        "[::ffff:0:169.254.169.254]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::169.254.169.254]",
        "[64:ff9b::169.254.169.254]",
        "[64:ff9b:1::1]",
        "[2002:a9fe:a9fe::]",
        "[2001::1]",
        "127.1",
        "127.0.1",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "2130706433",
        "017700000001",
        "169.254.43518",
        "0xa9fea9fe",
        "2852039166",
        "127.0.0.1.",
    ];
    let not_from_outside = [
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "198.18.0.1",
        "240.0.0.1",
        "[::1]",
        "[fc00::1]",
        "[fd00::1]",
        "[fec0::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:10.0.0.1]",
        "[64:ff9b::10.0.0.1]",
        "[2002:7f00:1::]",
        "localhost",
    ];
    for host in never {
        for public_only in [false, true] {
            let url = format!("https://{host}:1/jwks");
            let error = get_with(&client(), &url, |request| request.public_only = public_only).unwrap_err();
            assert_eq!(error.step(), FetchStep::Dns, "{host}: {error}");
        }
    }
    for host in not_from_outside {
        let error =
            get_with(&client(), &format!("https://{host}:1/jwks"), |request| request.public_only = true);
        assert_eq!(error.unwrap_err().step(), FetchStep::Dns, "{host}");
    }
}

/// T49 (tests/attacks.md)
#[test]
fn a_name_is_looked_up_once_at_a_time() {
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    let url = stub.url("/jwks").replace("127.0.0.1", "localhost");
    let lookups = Lookups::default();
    let hanging = lookups.begin().unwrap();
    let request = FetchRequest {
        url: &url,
        kind: DocumentKind::KeySet,
        etag: None,
        timeout: TIMEOUT,
        public_only: false,
        lookups: &lookups,
    };
    let error = client().get(&request).unwrap_err();
    assert_eq!(error.to_string(), "DNS: key set: the last look-up of a name has not come back yet");
    drop(hanging);
    assert!(client().get(&request).is_ok());
    assert!(client().get(&request).is_ok());
}

/// T52 (tests/attacks.md)
#[test]
fn a_proxy_is_asked_with_connect_and_only_the_literal_target_is_checked() {
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = proxy.local_addr().unwrap();
    let client = client_with(|settings| {
        settings.proxy = Some(format!("http://{address}"));
        settings.insecure_hosts = vec!["as.example".to_owned(), "169.254.169.254".to_owned()];
    });
    let seen = thread::spawn(move || {
        let (mut stream, head) = accept_with_head(&proxy);
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").unwrap();
        head
    });
    let error = get(&client, "http://169.254.169.254/jwks").unwrap_err();
    assert_eq!(error.step(), FetchStep::Dns, "{error}");
    let error = get(&client, "http://as.example/jwks").unwrap_err();
    assert_eq!(error.to_string(), "connect: key set: the proxy refused the connection");
    assert!(seen.join().unwrap().starts_with("CONNECT as.example:80 HTTP/1.1\r\n"));
}

/// T47: neither does a proxy that is slow to say whether it connects.
#[test]
fn t47_a_proxy_that_answers_byte_by_byte_costs_no_more_than_the_deadline() {
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = proxy.local_addr().unwrap();
    let client = client_with(|settings| {
        settings.proxy = Some(format!("http://{address}"));
        settings.insecure_hosts = vec!["as.example".to_owned()];
    });
    thread::spawn(move || drip(&mut accept_with_head(&proxy).0, b"HTTP/1.1 200 OK\r\nX: ", b'x'));
    let start = Instant::now();
    let error = get(&client, "http://as.example/jwks").unwrap_err();
    assert_eq!(error.message(), "key set: timed out");
    assert!(start.elapsed() < TIMEOUT * 2, "{:?}", start.elapsed());
}

/// Sends what has begun byte by byte, and goes on for longer than anybody waits, until the client goes away.
fn drip(stream: &mut TcpStream, begun: &[u8], then: u8) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    for byte in begun.iter().copied().chain(std::iter::repeat_n(then, 200)) {
        stream.write_all(&[byte])?;
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn accept_with_head(listener: &TcpListener) -> (TcpStream, String) {
    let mut stream = listener.accept().unwrap().0;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    (stream, String::from_utf8(head).unwrap())
}

#[test]
fn tls_goes_through_a_proxy_to_the_server_itself() {
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    let secure = Secure::start(&stub, "as.example");
    let proxy = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = proxy.local_addr().unwrap();
    let port = secure.port;
    let tunnel = thread::spawn(move || {
        let (mut client, head) = accept_with_head(&proxy);
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut from_client, &mut to_server));
        let _ = std::io::copy(&mut server, &mut client);
        head
    });
    let client = client_with(|settings| {
        settings.proxy = Some(format!("http://user:secret@{address}"));
        settings.extra_roots = secure.ca_pem.clone().into_bytes();
    });
    let document = get(&client, "https://as.example/jwks").unwrap();
    assert_eq!(document.body.as_deref(), Some(KEY_SET.as_bytes()));
    assert!(!document.private);
    let head = tunnel.join().unwrap();
    assert!(head.starts_with("CONNECT as.example:443 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"), "{head}");
}

/// A test CA and TLS in front of a stub, with a certificate for this name.
struct Secure {
    ca_pem: String,
    config: Arc<ServerConfig>,
    port: u16,
}

impl Secure {
    fn start(stub: &Stub, name: &str) -> Secure {
        Secure::start_asking(stub, name, false).0
    }

    /// With a certificate for `localhost` that is unusual.
    fn start_changed(stub: &Stub, change: impl FnOnce(&mut CertificateParams)) -> Secure {
        let ca = test_ca(stub);
        let key = KeyPair::generate().unwrap();
        let mut certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        change(&mut certificate);
        let certificate = certificate.signed_by(&key, &ca).unwrap();
        let config = server_config(certificate.der().clone(), &key, WebPkiClientVerifier::no_client_auth());
        Secure { ca_pem: ca.pem(), port: serve_tls(stub, &config), config }
    }

    /// The second is a certificate with its key, as PEM, which the server may insist on.
    fn start_asking(stub: &Stub, name: &str, asks_for_certificate: bool) -> (Secure, String) {
        let ca = test_ca(stub);
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client_verifier = if asks_for_certificate {
            let mut roots = RootCertStore::empty();
            roots.add(ca.der().clone()).unwrap();
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap()
        } else {
            WebPkiClientVerifier::no_client_auth()
        };
        let config = server_config(certificate.der().clone(), &key, client_verifier);
        let key = KeyPair::generate().unwrap();
        let client = CertificateParams::new(vec!["client".to_owned()]).unwrap().signed_by(&key, &ca).unwrap();
        let port = serve_tls(stub, &config);
        (Secure { ca_pem: ca.pem(), config, port }, client.pem() + &key.serialize_pem())
    }

    /// A client that has read the trust store: how long that takes is not what is measured.
    fn client(&self) -> HttpClient {
        let client = client_with(|settings| settings.extra_roots = self.ca_pem.clone().into_bytes());
        client.tls().unwrap();
        client
    }
}

fn test_ca(stub: &Stub) -> CertifiedIssuer<'static, KeyPair> {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, format!("test CA of {}", stub.address()));
    CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap()
}

fn server_config(
    certificate: CertificateDer<'static>,
    key: &KeyPair,
    client_verifier: Arc<dyn ClientCertVerifier>,
) -> Arc<ServerConfig> {
    let private_key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(client_verifier)
        .with_single_cert(vec![certificate], private_key)
        .unwrap();
    Arc::new(config)
}

/// TLS in front of a stub; the port.
fn serve_tls(stub: &Stub, config: &Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let (port, config, behind) = (listener.local_addr().unwrap().port(), config.clone(), stub.address());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let front = StreamOwned::new(connection, stream.unwrap());
            // Fails where the client refuses the certificate.
            thread::spawn(move || relay(front, TcpStream::connect(behind)?));
        }
    });
    port
}

fn relay(mut front: StreamOwned<ServerConnection, TcpStream>, mut behind: TcpStream) -> std::io::Result<()> {
    let mut request = [0; 4096];
    let length = front.read(&mut request)?;
    behind.write_all(&request[..length])?;
    let mut buffer = [0; 4096];
    loop {
        let length = behind.read(&mut buffer)?;
        if length == 0 {
            front.conn.send_close_notify();
            return front.flush();
        }
        front.write_all(&buffer[..length])?;
        front.flush()?;
    }
}

#[test]
fn a_private_ca_is_trusted_when_it_is_configured() {
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    for name in ["localhost", "127.0.0.1"] {
        let secure = Secure::start(&stub, name);
        let document = get(&secure.client(), &format!("https://{name}:{}/jwks", secure.port)).unwrap();
        assert_eq!(document.body.as_deref(), Some(KEY_SET.as_bytes()));
    }
}

#[test]
fn a_server_that_asks_for_a_certificate_is_shown_the_configured_one() {
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    let (secure, pem) = Secure::start_asking(&stub, "localhost", true);
    let url = format!("https://localhost:{}/jwks", secure.port);
    let error = get(&secure.client(), &url).unwrap_err();
    assert_eq!(
        error.to_string(),
        "TLS: key set: the server asks for a certificate (`http.client_certificate`)"
    );
    assert_eq!(stub.received(), []);
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap();
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let client = client_with(|settings| {
        settings.extra_roots = secure.ca_pem.clone().into_bytes();
        settings.client_certificate = Some(Arc::new(CertifiedKey::from_der(chain, key, &provider).unwrap()));
    });
    client.tls().unwrap();
    assert_eq!(get(&client, &url).unwrap().body.as_deref(), Some(KEY_SET.as_bytes()));
}

#[test]
fn the_environments_certificates_are_trusted() {
    const NAME: &str = "fetch::tests::the_environments_certificates_are_trusted";
    if let Ok(url) = std::env::var("SCOPEGATE_TEST_URL") {
        let client = client();
        client.tls().unwrap();
        assert_eq!(get(&client, &url).unwrap().body.as_deref(), Some(KEY_SET.as_bytes()));
        return;
    }
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    let secure = Secure::start(&stub, "localhost");
    let file = std::env::temp_dir().join(format!("scopegate-test-ca-{}.pem", std::process::id()));
    std::fs::write(&file, &secure.ca_pem).unwrap();
    // The environment belongs to the process, so a process of its own.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME]).env("SSL_CERT_FILE", &file).env_remove("SSL_CERT_DIR");
    child.env("SCOPEGATE_TEST_URL", format!("https://localhost:{}/jwks", secure.port));
    let output = child.output().unwrap();
    std::fs::remove_file(&file).unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains("1 passed"), "{report}");
}

#[test]
fn a_server_on_ipv6_is_asked_by_its_address() {
    // Machines without IPv6 cannot show it.
    let Ok(listener) = TcpListener::bind((std::net::Ipv6Addr::LOCALHOST, 0)) else { return };
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let server = thread::spawn(move || {
        let (mut stream, head) = accept_with_head(&listener);
        let length = KEY_SET.len();
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{KEY_SET}");
        stream.write_all(answer.as_bytes()).unwrap();
        head
    });
    assert!(get(&client(), &url).unwrap().private);
    assert!(server.join().unwrap().contains("[::1]:"));
}

/// T50 (tests/attacks.md)
#[test]
fn a_certificate_that_proves_nothing_is_refused() {
    let stub = Stub::start().unwrap();
    let secure = Secure::start(&stub, "localhost");
    let error = get(&secure.client(), &format!("https://127.0.0.1:{}/jwks", secure.port)).unwrap_err();
    assert_eq!(error.to_string(), "TLS: key set: the server's certificate is for another name");
    let other = Secure::start(&Stub::start().unwrap(), "localhost");
    let error = get(&other.client(), &format!("https://localhost:{}/jwks", secure.port)).unwrap_err();
    assert!(error.to_string().contains("not issued by a trusted CA (`http.ca_file` adds one)"), "{error}");
    assert_eq!(stub.received(), []);
}

/// T50: the one CA that vouches for these is configured, so nothing but the certificate itself is wrong.
#[test]
fn t50_certificates_out_of_their_time_or_signed_by_themselves_are_refused() {
    let stub = Stub::start().unwrap();
    for (from, until, said) in [(2000, 2001, "expired"), (2999, 3000, "not valid yet")] {
        let secure = Secure::start_changed(&stub, |certificate| {
            certificate.not_before = rcgen::date_time_ymd(from, 1, 1);
            certificate.not_after = rcgen::date_time_ymd(until, 1, 1);
        });
        let error = get(&secure.client(), &format!("https://localhost:{}/jwks", secure.port)).unwrap_err();
        assert_eq!(error.step(), FetchStep::Tls, "{error}");
        assert!(error.to_string().contains(said), "{error}");
    }
    let key = KeyPair::generate().unwrap();
    let alone = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let config = server_config(alone.der().clone(), &key, WebPkiClientVerifier::no_client_auth());
    let port = serve_tls(&stub, &config);
    let error = get(&Secure::start(&stub, "localhost").client(), &format!("https://localhost:{port}/jwks"))
        .unwrap_err();
    assert_eq!(error.step(), FetchStep::Tls, "{error}");
    assert_eq!(stub.received(), []);
}

/// T50: a server that knows TLS 1.1 and nothing later.
#[test]
fn t50_tls_1_1_is_refused() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut record = [0; 5];
        stream.read_exact(&mut record).unwrap();
        stream.read_exact(&mut vec![0; usize::from(u16::from_be_bytes([record[3], record[4]]))]).unwrap();
        // ServerHello: TLS 1.1, a random, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no compression.
        let hello = [&[2, 0, 0, 38, 3, 2][..], &[7; 32], &[0, 0, 0x2f, 0]].concat();
        stream.write_all(&[&[22, 3, 2, 0, hello.len() as u8][..], &hello].concat()).unwrap();
        let mut alert = [0; 7];
        stream.read_exact(&mut alert).map(|()| (alert[0], alert[5]))
    });
    let client = Secure::start(&Stub::start().unwrap(), "127.0.0.1").client();
    let error = get(&client, &format!("https://127.0.0.1:{port}/jwks")).unwrap_err();
    assert_eq!(error.step(), FetchStep::Tls, "{error}");
    let (record, level) = server.join().unwrap().unwrap();
    assert_eq!((record, level), (21, 2), "expected a fatal alert");
}

#[test]
fn a_server_that_is_slow_behind_tls_costs_no_more_than_the_deadline() {
    let stub = Stub::start().unwrap();
    let secure = Secure::start(&stub, "127.0.0.1");
    let url = format!("https://127.0.0.1:{}/jwks", secure.port);
    let every = Duration::from_millis(50);
    let client = secure.client();
    for fault in [Fault::Hang, Fault::DripBody { every }] {
        stub.answer("/jwks", Answer::ok(vec![b' '; 200]).fault(fault));
        let start = Instant::now();
        let error = get(&client, &url).unwrap_err();
        assert_eq!(error.to_string(), "HTTP: key set: timed out", "{fault:?}");
        assert!(start.elapsed() < TIMEOUT * 2);
    }
}

#[test]
fn a_handshake_that_hangs_costs_no_more_than_the_deadline() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let secure = Secure::start(&Stub::start().unwrap(), "127.0.0.1");
    let client = secure.client();
    let start = Instant::now();
    let error = get(&client, &format!("https://{}/jwks", silent.local_addr().unwrap())).unwrap_err();
    assert_eq!(error.to_string(), "TLS: key set: the handshake timed out");
    assert!(start.elapsed() < TIMEOUT * 2);
}

/// T47: TLS takes nothing in before a record is whole, so it may be the record that is slow.
#[test]
fn t47_a_tls_record_that_comes_byte_by_byte_costs_no_more_than_the_deadline() {
    let secure = Secure::start(&Stub::start().unwrap(), "127.0.0.1");
    let client = secure.client();
    for (kind, said) in
        [(HANDSHAKE, "TLS: key set: the handshake timed out"), (DATA, "HTTP: key set: timed out")]
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let url = format!("https://{}/jwks", listener.local_addr().unwrap());
        let connection = ServerConnection::new(secure.config.clone()).unwrap();
        thread::spawn(move || drip_record(kind, StreamOwned::new(connection, listener.accept()?.0)));
        let start = Instant::now();
        let error = get(&client, &url).unwrap_err();
        assert_eq!(error.to_string(), said);
        assert!(start.elapsed() < TIMEOUT * 2, "{said}: {:?}", start.elapsed());
    }
}

/// Types of TLS records (RFC 8446 section 5.1).
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

/// Sends the largest record that there may be in the place of the handshake or of the answer.
fn drip_record(kind: u8, mut stream: StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    if kind == DATA {
        let _ = stream.read(&mut [0; 4096])?;
        stream.flush()?;
    }
    drip(&mut stream.sock, &[kind, 3, 3, 0x40, 0], 2)
}

#[test]
fn nothing_is_read_from_the_trust_store_before_the_first_https_fetch() {
    let broken = client_with(|settings| settings.extra_roots = b"-----BEGIN CERTIFICATE-----\n!\n".to_vec());
    let stub = Stub::start().unwrap();
    stub.answer("/jwks", Answer::ok(KEY_SET));
    assert!(get(&broken, &stub.url("/jwks")).is_ok());
    let error = get(&broken, "https://127.0.0.1:1/jwks").unwrap_err();
    assert_eq!(error.step(), FetchStep::Tls);
    assert!(error.to_string().contains("http.ca_file"), "{error}");
}

#[test]
fn without_any_ca_the_error_names_ca_file() {
    const NAME: &str = "fetch::tests::without_any_ca_the_error_names_ca_file";
    if std::env::var_os("SSL_CERT_FILE").is_some_and(|file| file == "/dev/null") {
        let error = get(&client(), "https://127.0.0.1:1/jwks").unwrap_err();
        assert_eq!(error.step(), FetchStep::Tls);
        assert!(error.to_string().contains("no CA certificate was found on this machine"), "{error}");
        assert!(error.to_string().contains("`http.ca_file`"), "{error}");
        return;
    }
    // The environment belongs to the process, so a process of its own.
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", NAME]).env("SSL_CERT_FILE", "/dev/null").env_remove("SSL_CERT_DIR");
    let output = child.output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && report.contains("1 passed"), "{report}");
}
