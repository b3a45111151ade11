//! Headers that verified tokens had: most tokens of an issuer have the same one, letter for letter, and it is read once.
//!
//! Nothing is decided here: the same letters are the same header. Only a token that proved good leaves its header, so that
//! strangers drive none out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arc_swap::ArcSwap;

use super::jws::Header;

/// How many are kept.
const PLACES: usize = 16;

/// When all places are taken, one header in so many takes that of the oldest: where there are more than places, most go by.
const TURN: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct KnownHeaders {
    /// The oldest first.
    known: ArcSwap<Vec<Arc<Known>>>,
    without_place: AtomicUsize,
}

/// A header, and how tokens write it.
#[derive(Debug)]
struct Known {
    encoded: Box<[u8]>,
    header: Header,
}

impl KnownHeaders {
    /// The header that is written like this.
    pub(crate) fn find(&self, encoded: &[u8]) -> Option<Header> {
        let known = self.known.load();
        known.iter().find(|known| *known.encoded == *encoded).map(|known| known.header.clone())
    }

    /// Keeps the header of a token that proved good.
    pub(crate) fn remember(&self, encoded: &[u8], header: &Header) {
        let is_full = self.known.load().len() >= PLACES;
        if is_full && !self.without_place.fetch_add(1, Ordering::Relaxed).is_multiple_of(TURN) {
            return;
        }
        let added = Arc::new(Known { encoded: encoded.into(), header: header.clone() });
        self.known.rcu(|known| {
            let others = known.iter().filter(|other| other.encoded != added.encoded).cloned();
            let mut all: Vec<_> = others.chain([Arc::clone(&added)]).collect();
            all.drain(..all.len().saturating_sub(PLACES));
            all
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::jws::MediaType;

    fn header(kid: usize) -> Header {
        Header { algorithm: None, media_type: MediaType::Jwt, kid: Some(kid.to_string()) }
    }

    fn written(kid: usize) -> Vec<u8> {
        format!("header-{kid}").into_bytes()
    }

    #[test]
    fn a_header_is_found_by_all_of_its_letters() {
        let headers = KnownHeaders::default();
        headers.remember(b"abc", &header(1));
        headers.remember(b"abc", &header(1));
        assert_eq!(headers.find(b"abc"), Some(header(1)));
        for other in [&b""[..], b"ab", b"abd", b"abcd", b"ABC"] {
            assert_eq!(headers.find(other), None);
        }
        assert_eq!(headers.known.load().len(), 1);
    }

    #[test]
    fn the_oldest_goes_when_there_are_more_than_places() {
        let headers = KnownHeaders::default();
        for kid in 0..PLACES {
            headers.remember(&written(kid), &header(kid));
        }
        for _ in 0..2 * TURN {
            headers.remember(&written(1000), &header(1000));
        }
        assert_eq!(headers.known.load().len(), PLACES);
        assert_eq!(headers.find(&written(0)), None);
        assert_eq!(headers.find(&written(1)), Some(header(1)));
        assert_eq!(headers.find(&written(1000)), Some(header(1000)));
    }
}
