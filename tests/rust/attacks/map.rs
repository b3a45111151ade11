//! `tests/attacks.md` names every attack once, and only tests that are there.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use scopegate_tests::{repository, suites};

/// T01 to T65.
const NUMBER_OF_ATTACKS: usize = 65;

struct Row {
    attack: String,
    /// Files of the repository.
    files: Vec<String>,
}

/// The rows of the page: id, attack, where it is tested, languages.
fn rows() -> BTreeMap<String, Row> {
    let page = fs::read_to_string(repository().join("tests/attacks.md")).expect("tests/attacks.md");
    let mut rows = BTreeMap::new();
    for line in page.lines().filter(|line| line.starts_with("| T")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [id, attack, place, languages] = cells.as_slice() else { panic!("{line}: expected four cells") };
        assert!(!attack.is_empty() && !place.is_empty() && !languages.is_empty(), "{line}");
        let files: Vec<String> = place.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        let row = Row { attack: (*attack).to_owned(), files };
        assert!(rows.insert((*id).to_owned(), row).is_none(), "{id} stands twice");
    }
    rows
}

#[test]
fn every_attack_is_on_the_page_once() {
    let expected: BTreeSet<String> = (1..=NUMBER_OF_ATTACKS).map(|number| format!("T{number:02}")).collect();
    assert_eq!(rows().into_keys().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn every_file_on_the_page_is_there_and_names_the_attack() {
    let mut files = 0;
    for (id, row) in rows() {
        for file in &row.files {
            let text = fs::read_to_string(repository().join(file))
                .unwrap_or_else(|error| panic!("{id}: {file}: {error}"));
            let names_it = |word: &str| word.eq_ignore_ascii_case(&id);
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            assert!(words.into_iter().any(names_it), "{file} does not name {id} ({})", row.attack);
            files += 1;
        }
    }
    assert!(files > 100, "{files}");
}

#[test]
fn every_attack_that_a_vector_names_leads_to_its_file() {
    let rows = rows();
    let mut found = BTreeMap::<String, BTreeSet<String>>::new();
    for suite in suites() {
        for case in suite.groups.iter().flat_map(|group| &group.cases) {
            for id in case.refs.iter().filter(|name| is_id(name)) {
                let row = rows.get(id).unwrap_or_else(|| panic!("{}: {id} is not on the page", case.id));
                let file = format!("tests/vectors/{}.json", suite.suite);
                assert!(row.files.contains(&file), "{id}: the page does not name {file}");
                found.entry(id.clone()).or_default().insert(file);
            }
        }
    }
    for (id, row) in rows {
        let named = row.files.iter().filter(|file| file.starts_with("tests/vectors/"));
        for file in named {
            assert!(found.get(&id).is_some_and(|files| files.contains(file)), "{id}: no vector in {file}");
        }
    }
}

fn is_id(name: &str) -> bool {
    name.strip_prefix('T')
        .is_some_and(|number| number.len() == 2 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

#[test]
fn every_link_of_the_security_page_leads_somewhere() {
    let page = fs::read_to_string(repository().join("SECURITY.md")).expect("SECURITY.md");
    let links: Vec<&str> = page.split("](").skip(1).filter_map(|rest| rest.split(')').next()).collect();
    assert!(links.len() > 10, "{links:?}");
    for link in links {
        let file = link.split('#').next().unwrap_or_default();
        assert!(repository().join(file).exists(), "{link}");
    }
}
