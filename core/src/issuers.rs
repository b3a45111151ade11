//! Which authorization server an issuer is of.

use std::collections::HashMap;

/// The places of servers by their issuers, which are compared exactly.
#[derive(Debug)]
pub(crate) struct Issuers(HashMap<String, usize>);

impl Issuers {
    /// An issuer that is given twice is of the later server.
    pub(crate) fn new(places: impl IntoIterator<Item = (String, usize)>) -> Issuers {
        Issuers(places.into_iter().collect())
    }

    pub(crate) fn place_of(&self, issuer: &str) -> Option<usize> {
        self.0.get(issuer).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_found_by_exactly_its_text() {
        let texts = ["https://b.example", "https://a.example/", "https://a.example", "x", ""];
        let issuers = Issuers::new(texts.iter().map(|text| (*text).to_owned()).zip(0..));
        for (place, text) in texts.iter().enumerate() {
            assert_eq!(issuers.place_of(text), Some(place), "{text}");
            assert_eq!(
                issuers.place_of(&format!("{text}/")),
                texts.iter().position(|known| *known == format!("{text}/"))
            );
        }
        for text in ["https://A.example", "https://a.exampl", "https://a.example\0", "y"] {
            assert_eq!(issuers.place_of(text), None, "{text}");
        }
        assert_eq!(Issuers::new([]).place_of(""), None);
    }
}
