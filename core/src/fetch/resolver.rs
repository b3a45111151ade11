#![allow(clippy::disallowed_methods)]
//! Name look-ups: bounded in time, one at a time for a source, their addresses checked.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::address::{self, AddressRules};
use super::{FetchError, FetchStep, Trace};

/// The name look-ups of one source. A look-up cannot be called off, so while one hangs there is no second.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lookups(Arc<AtomicBool>);

impl Lookups {
    pub(super) fn begin(&self) -> Option<Running> {
        let free = self.0.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).is_ok();
        free.then(|| Running(self.0.clone()))
    }
}

/// Marks a look-up as over when it is dropped, a panic included.
pub(super) struct Running(Arc<AtomicBool>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Resolves a host to the addresses that the rules admit. ureq's own resolver panics when no thread can be had.
#[derive(Debug)]
pub(super) struct CheckedResolver {
    pub(super) rules: AddressRules,
    /// The addresses say nothing about the server.
    pub(super) is_for_proxy: bool,
    pub(super) lookups: Lookups,
    pub(super) trace: Arc<Trace>,
}

/// As many as ureq keeps.
const MAX_ADDRESSES: usize = 16;

impl Resolver for CheckedResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.trace.enter(FetchStep::Dns);
        let found =
            self.addresses(uri, *timeout.after).map_err(|error| ureq::Error::Other(Box::new(error)))?;
        let mut admitted = self.empty();
        for address in found.into_iter().take(MAX_ADDRESSES) {
            admitted.push(address);
        }
        self.trace.enter(FetchStep::Connect);
        Ok(admitted)
    }
}

impl CheckedResolver {
    fn addresses(&self, uri: &Uri, timeout: Duration) -> Result<Vec<SocketAddr>, FetchError> {
        let host = uri.host().ok_or_else(|| FetchError::new(FetchStep::Start, "the URL has no host"))?;
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        let found = match address::literal(host) {
            Some(address) => vec![SocketAddr::new(address, port)],
            None => look_up(host.to_owned(), port, timeout, &self.lookups)?,
        };
        let found = admitted(found, self.rules)?;
        // All of them: a name with a public address beside a private one is no private server.
        if !self.is_for_proxy && found.iter().map(SocketAddr::ip).all(address::is_private) {
            self.trace.private.store(true, Ordering::Relaxed);
        }
        Ok(found)
    }
}

/// The addresses that may be asked. The connection is made to these and the name is not looked up again, so a name that
/// leads elsewhere the next time is checked the next time.
fn admitted(mut found: Vec<SocketAddr>, rules: AddressRules) -> Result<Vec<SocketAddr>, FetchError> {
    if found.is_empty() {
        return Err(FetchError::new(FetchStep::Dns, "the host has no address"));
    }
    found.retain(|address| rules.admit(address.ip()));
    if found.is_empty() {
        return Err(FetchError::new(FetchStep::Dns, address::REFUSED));
    }
    Ok(found)
}

fn look_up(
    host: String,
    port: u16,
    timeout: Duration,
    lookups: &Lookups,
) -> Result<Vec<SocketAddr>, FetchError> {
    let failed = |what| FetchError::new(FetchStep::Dns, what);
    let running =
        lookups.begin().ok_or_else(|| failed("the last look-up of a name has not come back yet"))?;
    let (answer, answered) = mpsc::sync_channel(1);
    let work = move || {
        let found = (host.as_str(), port).to_socket_addrs().map(|found| found.collect());
        drop(running);
        // The receiver is gone when the time was up.
        let _ = answer.send(found);
    };
    thread::Builder::new()
        .name("scopegate-dns".to_owned())
        .spawn(work)
        .map_err(|_| failed("no thread could be started for the look-up"))?;
    match answered.recv_timeout(timeout) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(_)) => Err(failed("the host name could not be resolved")),
        Err(RecvTimeoutError::Timeout) => Err(failed("the look-up timed out")),
        Err(RecvTimeoutError::Disconnected) => Err(failed("the look-up failed")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(found: &[&str]) -> Vec<SocketAddr> {
        found.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 443)).collect()
    }

    /// T45 (tests/attacks.md)
    #[test]
    fn a_name_that_is_rebound_to_a_forbidden_address_is_refused() {
        let any = AddressRules::default();
        let public = AddressRules { public_only: true, ..any };
        assert!(admitted(addresses(&["203.0.113.7"]), public).is_ok());
        for rebound in
            ["169.254.169.254", "fe80::1", "::ffff:169.254.169.254", "fd00:ec2::254", "0.0.0.0", "224.0.0.1"]
        {
            assert_eq!(
                admitted(addresses(&[rebound]), any).unwrap_err().message(),
                address::REFUSED,
                "{rebound}"
            );
        }
        for rebound in ["127.0.0.1", "10.0.0.1", "::1", "fd00::1"] {
            assert!(admitted(addresses(&[rebound]), public).is_err(), "{rebound}");
            assert!(admitted(addresses(&[rebound]), any).is_ok(), "{rebound}");
        }
    }

    #[test]
    fn of_several_addresses_only_those_that_may_be_asked_are_kept() {
        let found = addresses(&["169.254.169.254", "203.0.113.7", "10.0.0.1", "2001:db8::1"]);
        let public = AddressRules { public_only: true, ..AddressRules::default() };
        assert_eq!(admitted(found, public).unwrap(), addresses(&["203.0.113.7", "2001:db8::1"]));
        assert_eq!(admitted(Vec::new(), public).unwrap_err().message(), "the host has no address");
    }
}
