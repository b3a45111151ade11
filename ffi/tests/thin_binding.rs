//! Nothing is decided twice: no byte of a refusal is written in this crate.

use std::fs;
use std::path::Path;

const FORBIDDEN: [&str; 6] = [
    "www-authenticate",
    "invalid_token",
    "insufficient_scope",
    "invalid_request",
    ".well-known",
    "retry-after",
];

#[test]
fn source_holds_no_status_and_no_word_of_a_refusal() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("src/") {
        let path = entry.expect("src/").path();
        let source = fs::read_to_string(&path).expect("a readable file");
        assert_eq!(refusal_words(&source), [""; 0], "{}", path.display());
        files += 1;
    }
    assert!(files > 10, "{files} files");
}

#[test]
fn search_sees_what_it_must() {
    let sample =
        "// 403 is not code\nlet status = 401; // 404\nlet name = \"Invalid_Token\";\nlet reason = 4001;\n";
    assert_eq!(refusal_words(sample), ["let status = 401;", "let name = \"Invalid_Token\";"]);
}

/// The lines of a source, without comments, that hold what belongs in the core.
fn refusal_words(source: &str) -> Vec<&str> {
    let code = source.lines().map(|line| line.split("//").next().unwrap_or_default().trim());
    code.filter(|line| {
        let mut texts = line.split('"').skip(1).step_by(2).map(str::to_lowercase);
        texts.any(|text| FORBIDDEN.iter().any(|word| text.contains(word)))
            || line.split(|c: char| !c.is_alphanumeric()).any(is_refusal)
    })
    .collect()
}

/// Whether a word is the status code of a refusal.
fn is_refusal(word: &str) -> bool {
    word.len() == 3 && word.starts_with(['4', '5']) && word.bytes().all(|byte| byte.is_ascii_digit())
}
