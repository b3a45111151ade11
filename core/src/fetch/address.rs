//! Which addresses may be asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{FetchError, FetchStep};
use crate::url::is_number_like;

/// What the addresses of a host must be like. Link-local, metadata-service, multicast and unspecified addresses are
/// refused whatever the rules say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AddressRules {
    /// Neither private nor loopback.
    pub(super) public_only: bool,
    /// Loopback: plain http goes nowhere else, whatever `localhost` resolves to.
    pub(super) loopback_only: bool,
}

impl AddressRules {
    pub(super) fn admit(self, address: IpAddr) -> bool {
        let class = classify(address);
        class != Class::Forbidden
            && !(self.public_only && class == Class::Private)
            && (!self.loopback_only || address.to_canonical().is_loopback())
    }

    /// Checks a host as it is written. Behind a proxy this is the only check there is.
    pub(super) fn check_host(self, host: &str) -> Result<(), FetchError> {
        match literal(host) {
            Some(address) if self.admit(address) => Ok(()),
            Some(_) => Err(FetchError::new(FetchStep::Dns, REFUSED)),
            None if is_number_like(host) => Err(FetchError::new(
                FetchStep::Dns,
                "the host is neither a name nor an address in its usual form",
            )),
            None => Ok(()),
        }
    }
}

pub(super) const REFUSED: &str = "the server's address may not be asked: link-local, metadata-service, multicast and \
     unspecified addresses never, private and loopback ones not for a `jwks_uri` that a public issuer names";

/// The address that a host is, if it is one rather than a name.
pub(super) fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Whether an address belongs to this machine or a private network.
pub(super) fn is_private(address: IpAddr) -> bool {
    classify(address) == Class::Private
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Public,
    Private,
    Forbidden,
}

fn classify(address: IpAddr) -> Class {
    match address.to_canonical() {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

/// Services of cloud platforms that hand out credentials, outside the link-local networks.
const METADATA_SERVICES_V4: [Ipv4Addr; 3] =
    [Ipv4Addr::new(100, 100, 100, 200), Ipv4Addr::new(168, 63, 129, 16), Ipv4Addr::new(192, 0, 0, 192)];
const METADATA_SERVICES_V6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42), Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)];
/// Amazon's services beside a machine, of which two hand out credentials, are all in this network.
const AMAZON_SERVICES: (u16, u16) = (0xfd00, 0xec2);

fn classify_v4(address: Ipv4Addr) -> Class {
    let [a, b, c, _] = address.octets();
    let forbidden = a == 0
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || METADATA_SERVICES_V4.contains(&address);
    let private = address.is_loopback()
        || address.is_private()
        || (a == 100 && b & 0xc0 == 64)
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && b & 0xfe == 18)
        || a >= 240;
    match (forbidden, private) {
        (true, _) => Class::Forbidden,
        (_, true) => Class::Private,
        _ => Class::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> Class {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let embedded = |high: u16, low: u16| {
        let [[w, x], [y, z]] = [high.to_be_bytes(), low.to_be_bytes()];
        classify_v4(Ipv4Addr::new(w, x, y, z))
    };
    if address.is_unspecified()
        || address.is_multicast()
        || a & 0xffc0 == 0xfe80
        || METADATA_SERVICES_V6.contains(&address)
        || (a, b) == AMAZON_SERVICES
    {
        return Class::Forbidden;
    }
    if address.is_loopback() || a & 0xfe00 == 0xfc00 || a & 0xffc0 == 0xfec0 {
        return Class::Private;
    }
    match (a, b) {
        // NAT64 (RFC 6052), its local prefix (RFC 8215), 6to4 and Teredo lead to IPv4; so do the IPv4-compatible and
        // IPv4-translated (RFC 2765) addresses of a network that has no others (RFC 4291 section 2.4).
        (0x64, 0xff9b) if [c, d, e, f] == [0; 4] => embedded(g, h),
        (0x64, 0xff9b) => Class::Forbidden,
        (0x2002, _) => embedded(b, c),
        (0x2001, 0) => Class::Forbidden,
        (0, _) => Class::Forbidden,
        _ => Class::Public,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(address: &str) -> Class {
        classify(address.parse().unwrap())
    }

    /// T45 (tests/attacks.md)
    #[test]
    fn metadata_services_and_link_local_are_always_refused() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "fe80::1",
            "ff02::1",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
            "fd00:42::42",
            "::ffff:0:169.254.169.254",
            "::ffff:169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001::1",
            "::169.254.169.254",
        ] {
            assert_eq!(class(address), Class::Forbidden, "{address}");
            assert!(!AddressRules::default().admit(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn private_networks_are_told_from_public_ones() {
        for address in [
            "127.0.0.1",
            "127.255.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "100.64.0.1",
            "198.19.0.1",
            "240.0.0.1",
            "::1",
            "fc00::1",
            "fd12::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
        ] {
            assert_eq!(class(address), Class::Private, "{address}");
        }
        for address in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::808:808"] {
            assert_eq!(class(address), Class::Public, "{address}");
        }
    }

    #[test]
    fn the_rules_narrow_what_is_admitted() {
        let (private, public) = ("10.0.0.1".parse().unwrap(), "8.8.8.8".parse().unwrap());
        let loopback = "::ffff:127.0.0.1".parse().unwrap();
        let public_only = AddressRules { public_only: true, ..AddressRules::default() };
        assert!(!public_only.admit(private) && !public_only.admit(loopback) && public_only.admit(public));
        let loopback_only = AddressRules { loopback_only: true, ..AddressRules::default() };
        assert!(
            !loopback_only.admit(private) && loopback_only.admit(loopback) && !loopback_only.admit(public)
        );
    }

    #[test]
    fn hosts_that_are_numbers_in_disguise_are_refused() {
        for host in
            ["127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "a.0x7f", "1.2.3.4.", "a.256"]
        {
            assert!(AddressRules::default().check_host(host).is_err(), "{host}");
        }
        for host in ["127.0.0.1", "::1", "a.example", "1password.com", "0xcafe.example", "as-1", "localhost"]
        {
            assert!(AddressRules::default().check_host(host).is_ok(), "{host}");
        }
    }
}
