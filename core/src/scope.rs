//! Scopes: their grammar, sets of them in a fixed order, and which scope implies which.

use std::collections::{BTreeMap, HashSet};

use crate::token::memory::Owned;

/// Whether `text` is one scope token: visible ASCII without `"` and `\` (RFC 6749 section 3.3).
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Scopes in the order of their first mention, without duplicates.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ScopeSet(Vec<String>);

/// So many scopes are compared one by one. With more of them, no list must cost the square of its length.
const FEW: usize = 16;

impl ScopeSet {
    pub(crate) fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| held == scope)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    pub(crate) fn as_slice(&self) -> &[String] {
        &self.0
    }

    /// The scopes with single blanks between them.
    pub(crate) fn joined(&self) -> String {
        self.0.join(" ")
    }
}

impl Owned for ScopeSet {
    fn owned(&self) -> usize {
        self.0.owned()
    }
}

impl<S: AsRef<str>> Extend<S> for ScopeSet {
    fn extend<I: IntoIterator<Item = S>>(&mut self, scopes: I) {
        let scopes = scopes.into_iter();
        self.0.reserve(scopes.size_hint().0);
        let mut held = HashSet::new();
        for (number, scope) in scopes.enumerate() {
            let scope = scope.as_ref();
            if number == FEW {
                held.extend(self.0.iter().cloned());
            }
            let is_new = if number < FEW { !self.contains(scope) } else { held.insert(scope.to_owned()) };
            if is_new {
                self.0.push(scope.to_owned());
            }
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        let mut set = ScopeSet::default();
        set.extend(scopes);
        set
    }
}

/// Which scopes a granted scope covers beside itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Implications {
    /// `scope_implications`. Their closure could be as large as their square.
    direct: BTreeMap<String, Vec<String>>,
    wildcards: bool,
}

impl Implications {
    pub(crate) fn new(direct: &BTreeMap<String, Vec<String>>, wildcards: bool) -> Self {
        Implications { direct: direct.clone(), wildcards }
    }

    /// Whether these granted scopes cover all that is needed.
    pub(crate) fn cover<'a>(&self, granted: &[String], needed: impl IntoIterator<Item = &'a str>) -> bool {
        let mut reach = None;
        needed.into_iter().enumerate().all(|(number, scope)| {
            let is_granted = number < FEW && granted.iter().any(|held| self.covers(held, scope));
            is_granted || reach.get_or_insert_with(|| self.reach(granted)).covers(scope, self.wildcards)
        })
    }

    /// The granted scopes, then the implied ones sorted by bytes; `None` when they imply no others.
    pub(crate) fn effective(&self, granted: &[String]) -> Option<Vec<String>> {
        if self.direct.is_empty() {
            return None;
        }
        let mut implied = self.reach(granted).scopes.split_off(granted.len());
        implied.sort_unstable();
        let all = granted.iter().map(String::as_str).chain(implied.iter().copied());
        (!implied.is_empty()).then(|| all.map(str::to_owned).collect())
    }

    fn covers(&self, granted: &str, needed: &str) -> bool {
        granted == needed || (self.wildcards && matches_wildcard(granted, needed))
    }

    /// The granted scopes, each once, and what they imply.
    fn reach<'a>(&'a self, granted: &'a [String]) -> Reach<'a> {
        let mut reach = Reach::default();
        granted.iter().for_each(|scope| reach.add(scope));
        let mut next = 0;
        while let Some(scope) = reach.scopes.get(next) {
            self.direct.get(*scope).into_iter().flatten().for_each(|implied| reach.add(implied));
            next += 1;
        }
        reach
    }
}

/// Scopes and what they imply.
#[derive(Default)]
struct Reach<'a> {
    /// In the order in which they were met, each once.
    scopes: Vec<&'a str>,
    /// The same once they are many.
    index: HashSet<&'a str>,
}

impl<'a> Reach<'a> {
    fn add(&mut self, scope: &'a str) {
        if self.has(scope) {
            return;
        }
        self.scopes.push(scope);
        match self.scopes.len() {
            ..FEW => {}
            FEW => self.index.extend(&self.scopes),
            _ => drop(self.index.insert(scope)),
        }
    }

    fn has(&self, scope: &str) -> bool {
        match self.scopes.len() {
            ..FEW => self.scopes.contains(&scope),
            _ => self.index.contains(scope),
        }
    }

    fn covers(&self, needed: &str, wildcards: bool) -> bool {
        let mut stems = needed.match_indices(':').filter_map(|(at, _)| needed.get(..=at));
        let is_below = |stem: &str| stem.len() < needed.len() && self.has(&[stem, "*"].concat());
        self.has(needed) || (wildcards && stems.any(is_below))
    }
}

/// `a:b:*` covers `a:b:` plus one or more characters.
fn matches_wildcard(granted: &str, needed: &str) -> bool {
    granted
        .strip_suffix('*')
        .filter(|prefix| prefix.ends_with(':'))
        .is_some_and(|prefix| needed.len() > prefix.len() && needed.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(scopes: &[&str]) -> Vec<String> {
        scopes.iter().map(|scope| (*scope).to_owned()).collect()
    }

    #[test]
    fn implications_are_transitive_and_end_in_a_cycle() {
        let direct = BTreeMap::from([
            ("admin".to_owned(), strings(&["write"])),
            ("write".to_owned(), strings(&["read", "admin"])),
        ]);
        let implications = Implications::new(&direct, false);
        assert!(implications.cover(&strings(&["admin"]), ["read"]));
        assert!(!implications.cover(&strings(&["read"]), ["write"]));
        assert_eq!(
            implications.effective(&strings(&["x", "admin"])),
            Some(strings(&["x", "admin", "read", "write"]))
        );
        assert_eq!(implications.effective(&strings(&["x", "write", "admin", "read"])), None);
    }

    #[test]
    fn wildcard_covers_what_follows_its_colon_and_only_when_switched_on() {
        let on = Implications::new(&BTreeMap::new(), true);
        let granted = strings(&["a:b:*", "c*"]);
        assert!(on.cover(&granted, ["a:b:c"]));
        assert!(on.cover(&granted, ["a:b:c:d"]));
        assert!(!on.cover(&granted, ["a:b:"]));
        assert!(!on.cover(&granted, ["a:bc"]));
        assert!(!on.cover(&granted, ["cd"]));
        assert!(!Implications::default().cover(&granted, ["a:b:c"]));
    }

    #[test]
    fn many_scopes_are_judged_as_few_are() {
        let names: Vec<String> = (0..100).map(|number| format!("s:{number}")).collect();
        let reversed: ScopeSet = names.iter().rev().chain(&names).collect();
        assert!(reversed.iter().eq(names.iter().rev().map(String::as_str)));
        let none = Implications::default();
        assert!(none.cover(reversed.as_slice(), reversed.iter()));
        assert!(!none.cover(&names[1..], names.iter().map(String::as_str)));
        assert!(!none.cover(&names[..99], names.iter().map(String::as_str)));

        let wildcards = Implications::new(&BTreeMap::new(), true);
        let stems: Vec<String> = names.iter().map(|name| format!("{name}:*")).collect();
        let below: Vec<String> = names.iter().map(|name| format!("{name}:a:b")).collect();
        assert!(wildcards.cover(&stems, below.iter().map(String::as_str)));
        assert!(!none.cover(&stems, below.iter().map(String::as_str)));
        assert!(!wildcards.cover(&stems[1..], below.iter().map(String::as_str)));
        let empty: Vec<String> = names.iter().map(|name| format!("{name}:")).collect();
        assert!(!wildcards.cover(&stems, empty.iter().map(String::as_str)));

        let links = names.iter().zip(&names[1..]).map(|(name, next)| (name.clone(), vec![next.clone()]));
        let chain = Implications::new(&links.collect(), false);
        assert!(chain.cover(&names[..1], names.iter().map(String::as_str)));
        assert!(!chain.cover(&names[1..], names.iter().map(String::as_str)));
        assert_eq!(chain.effective(&names[98..]), None);
        let mut implied = names[1..].to_vec();
        implied.sort();
        assert_eq!(chain.effective(&names[..1]), Some([&names[..1], &implied].concat()));
    }

    #[test]
    fn scope_grammar_is_that_of_rfc_6749() {
        assert!(is_scope_token("mcp:tools/read!#[]~"));
        for bad in ["", " ", "a b", "a\"", "a\\", "a\u{7f}", "é", "a\n"] {
            assert!(!is_scope_token(bad), "{bad:?}");
        }
    }
}
