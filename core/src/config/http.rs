//! Checking how keys are fetched.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::mistakes::Mistakes;
use super::settings::{is_field_value, whole};
use super::{ClientCertificate, HttpConfig, files};
use crate::fetch::HttpSettings;
use crate::url::Url;

pub(super) fn check(
    config: &HttpConfig,
    mistakes: &mut Mistakes,
    warnings: &mut Vec<String>,
) -> HttpSettings {
    let timeout = whole(config.timeout_seconds, 5, 1..=30, "http.timeout_seconds", mistakes);
    let mut extra_roots = Vec::new();
    if let Some(path) = &config.ca_file {
        match files::read(path) {
            Ok(pem) => certificates(&pem, "http.ca_file", &mut extra_roots, mistakes),
            Err(expected) => mistakes.add("http.ca_file", expected),
        }
    }
    if let Some(pem) = &config.ca_pem {
        certificates(pem.as_bytes(), "http.ca_pem", &mut extra_roots, mistakes);
    }
    let is_http = |proxy: &String| Url::parse(&without_userinfo(proxy)).is_ok();
    if config.proxy.as_ref().is_some_and(|proxy| !is_http(proxy)) {
        mistakes.add("http.proxy", "expected the http or https URL of a proxy");
    }
    if config.user_agent.as_ref().is_some_and(|agent| !is_field_value(agent)) {
        mistakes.add("http.user_agent", "expected visible ASCII characters and blanks");
    }
    for (index, host) in config.insecure_hosts.iter().enumerate() {
        let path = format!("http.insecure_hosts[{index}]");
        match Url::parse(&format!("http://{host}")) {
            Ok(url) if url.hostname() == host => {
                warnings.push(format!("{path}: keys of {host} may be fetched over plain http; anybody on the way can replace them"));
            }
            _ => mistakes.add(path, "expected a host name in lower case, without port"),
        }
    }
    let client_certificate = config.client_certificate.as_ref().and_then(|certificate| {
        let problem = |(member, expected): Misplaced| {
            let path = format!("http.client_certificate.{member}");
            mistakes.add(path.trim_end_matches('.'), expected);
        };
        client_certificate(certificate).map_err(problem).ok()
    });
    HttpSettings {
        timeout: Duration::from_secs(timeout),
        extra_roots,
        proxy: config.proxy.clone(),
        user_agent: config.user_agent.clone(),
        allow_private_addresses: config.allow_private_addresses,
        insecure_hosts: config.insecure_hosts.clone(),
        client_certificate,
    }
}

fn certificates(pem: &[u8], path: &str, roots: &mut Vec<u8>, mistakes: &mut Mistakes) {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    if certificates.is_ok_and(|found| !found.is_empty()) {
        roots.extend_from_slice(pem);
        roots.push(b'\n');
    } else {
        mistakes.add(path, "expected at least one PEM certificate");
    }
}

/// The certificate with its chain, and the key that belongs to it.
fn client_certificate(config: &ClientCertificate) -> Result<Arc<CertifiedKey>, Misplaced> {
    let certificate = pem(
        [config.certificate_file.as_deref(), config.certificate_pem.as_deref()],
        ["certificate_file", "certificate_pem"],
    )?;
    let (text, place) = certificate.ok_or(("", "expected certificate_file or certificate_pem".to_owned()))?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&text).collect::<Result<_, _>>().unwrap_or_default();
    if chain.is_empty() {
        return Err((place, "expected at least one PEM certificate, the client's first".to_owned()));
    }
    let key = pem([config.key_file.as_deref(), config.key_pem.as_deref()], ["key_file", "key_pem"])?;
    // One PEM may hold both.
    let (text, place) = key.unwrap_or((text, place));
    let private_key = PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| (place, "expected a PEM private key without a passphrase".to_owned()))?;
    CertifiedKey::from_der(chain, private_key, &rustls::crypto::aws_lc_rs::default_provider())
        .map(Arc::new)
        .map_err(|_| (place, "expected the private key of the first certificate".to_owned()))
}

/// A member of the client certificate, empty for the whole, and what is expected there.
type Misplaced = (&'static str, String);

/// The content of a file, or a text of the configuration, with the member that it came from.
fn pem(
    [file, text]: [Option<&str>; 2],
    [file_member, text_member]: [&'static str; 2],
) -> Result<Option<(Vec<u8>, &'static str)>, Misplaced> {
    match (file, text) {
        (Some(_), Some(_)) => Err((text_member, format!("expected either this or {file_member}"))),
        (Some(file), None) => match files::read(file) {
            Ok(content) => Ok(Some((content, file_member))),
            Err(expected) => Err((file_member, expected)),
        },
        (None, text) => Ok(text.map(|text| (text.as_bytes().to_vec(), text_member))),
    }
}

/// A proxy's URL may carry its credentials.
pub(super) fn without_userinfo(proxy: &str) -> String {
    match (proxy.find("://"), proxy.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => {
            format!(
                "{}://{}",
                proxy.get(..scheme).unwrap_or_default(),
                proxy.get(at + 1..).unwrap_or_default()
            )
        }
        _ => proxy.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    fn pair() -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new(vec!["client".to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn read(certificate: &str, key: Option<&str>) -> Result<(), (&'static str, String)> {
        let config = ClientCertificate {
            certificate_pem: Some(certificate.to_owned()),
            key_pem: key.map(str::to_owned),
            ..ClientCertificate::default()
        };
        assert!(!format!("{config:?}").contains("BEGIN"), "the key is shown");
        client_certificate(&config).map(drop)
    }

    #[test]
    fn a_certificate_and_its_key_may_stand_in_one_pem_or_in_two() {
        let (certificate, key) = pair();
        assert_eq!(read(&certificate, Some(&key)), Ok(()));
        assert_eq!(read(&format!("{certificate}{key}"), None), Ok(()));
        assert_eq!(read(&format!("{key}{certificate}"), None), Ok(()));
    }

    #[test]
    fn what_is_printed_shows_no_password_of_a_proxy() {
        let proxy = Some("http://user:pass@word@proxy.example:3128".to_owned());
        let shown = format!("{:?}", HttpConfig { proxy, ..HttpConfig::default() });
        assert!(shown.contains("http://proxy.example:3128") && !shown.contains("pass"), "{shown}");
    }

    #[test]
    fn a_key_of_another_certificate_is_a_mistake() {
        let ((certificate, _), (_, other)) = (pair(), pair());
        let (member, expected) = read(&certificate, Some(&other)).unwrap_err();
        assert_eq!(
            (member, expected.as_str()),
            ("key_pem", "expected the private key of the first certificate")
        );
    }
}
