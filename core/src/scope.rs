//! Scopes: their grammar, sets of them in a fixed order, and which scope implies which.

use std::collections::{BTreeMap, BTreeSet};

use crate::token::memory::Owned;

/// Whether `text` is one scope token: visible ASCII without `"` and `\` (RFC 6749 section 3.3).
pub(crate) fn is_scope_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
}

/// Scopes in the order of their first mention, without duplicates.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ScopeSet(Vec<String>);

impl ScopeSet {
    pub(crate) fn insert(&mut self, scope: &str) {
        if !self.contains(scope) {
            self.0.push(scope.to_owned());
        }
    }

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
        for scope in scopes {
            self.insert(scope.as_ref());
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
    /// The transitive closure of `scope_implications`.
    closure: BTreeMap<String, BTreeSet<String>>,
    wildcards: bool,
}

impl Implications {
    pub(crate) fn new(direct: &BTreeMap<String, Vec<String>>, wildcards: bool) -> Self {
        let closure = direct.keys().map(|scope| (scope.clone(), reachable(direct, scope))).collect();
        Implications { closure, wildcards }
    }

    /// Whether these granted scopes cover `needed`.
    pub(crate) fn cover(&self, granted: &[String], needed: &str) -> bool {
        granted.iter().any(|scope| {
            self.covers(scope, needed)
                || self
                    .closure
                    .get(scope)
                    .is_some_and(|implied| implied.iter().any(|scope| self.covers(scope, needed)))
        })
    }

    /// The granted scopes, then the implied ones sorted by bytes; `None` when they imply no others.
    pub(crate) fn effective(&self, granted: &[String]) -> Option<Vec<String>> {
        let implied: BTreeSet<&String> =
            granted.iter().filter_map(|scope| self.closure.get(scope)).flatten().collect();
        let mut added = implied.into_iter().filter(|scope| !granted.contains(scope)).peekable();
        added.peek()?;
        Some(granted.iter().chain(added).cloned().collect())
    }

    fn covers(&self, granted: &str, needed: &str) -> bool {
        granted == needed || (self.wildcards && matches_wildcard(granted, needed))
    }
}

/// `a:b:*` covers `a:b:` plus one or more characters.
fn matches_wildcard(granted: &str, needed: &str) -> bool {
    granted
        .strip_suffix('*')
        .filter(|prefix| prefix.ends_with(':'))
        .is_some_and(|prefix| needed.len() > prefix.len() && needed.starts_with(prefix))
}

fn reachable(direct: &BTreeMap<String, Vec<String>>, from: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(scope) = open.pop() {
        for implied in direct.get(scope).into_iter().flatten() {
            if implied != from && found.insert(implied.clone()) {
                open.push(implied);
            }
        }
    }
    found
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
        assert!(implications.cover(&strings(&["admin"]), "read"));
        assert!(!implications.cover(&strings(&["read"]), "write"));
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
        assert!(on.cover(&granted, "a:b:c"));
        assert!(on.cover(&granted, "a:b:c:d"));
        assert!(!on.cover(&granted, "a:b:"));
        assert!(!on.cover(&granted, "a:bc"));
        assert!(!on.cover(&granted, "cd"));
        assert!(!Implications::default().cover(&granted, "a:b:c"));
    }

    #[test]
    fn scope_grammar_is_that_of_rfc_6749() {
        assert!(is_scope_token("mcp:tools/read!#[]~"));
        for bad in ["", " ", "a b", "a\"", "a\\", "a\u{7f}", "é", "a\n"] {
            assert!(!is_scope_token(bad), "{bad:?}");
        }
    }
}
