//! Texts and lists of them, one behind the other in one string: each after its length, which is written as a character.
//!
//! Long ones are cut, with `…` in the place of the rest.

/// The longest text, in bytes, and the longest list.
pub(super) const MAX_TEXT: usize = 256;
const MAX_LIST: usize = 32;
const CUT: &str = "…";

/// What most events take.
const USUAL: usize = 256;

/// Stands where a text is not known, and at the end of a list.
const NONE: char = '\0';

#[derive(Debug)]
pub(super) struct Texts(String);

impl Texts {
    pub(super) fn new() -> Texts {
        Texts(String::with_capacity(USUAL))
    }

    pub(super) fn push(&mut self, text: Option<&str>) {
        let Some(text) = text else { return self.0.push(NONE) };
        let (kept, rest) = if text.len() <= MAX_TEXT { (text, "") } else { (start_of(text), CUT) };
        // Far below the surrogates, which are no characters.
        let mark = u32::try_from(kept.len() + rest.len() + 1).ok().and_then(char::from_u32);
        self.0.push(mark.unwrap_or(NONE));
        self.0.push_str(kept);
        self.0.push_str(rest);
    }

    pub(super) fn push_list<'a>(&mut self, texts: impl Iterator<Item = &'a str>) {
        self.push_items(texts, |all, text| all.push(Some(text)));
    }

    pub(super) fn push_pairs<'a>(&mut self, pairs: impl Iterator<Item = (&'a str, Option<&'a str>)>) {
        self.push_items(pairs, |all, (first, second)| {
            all.push(Some(first));
            all.push(second);
        });
    }

    /// Where a list was cut the first text of the last item says so.
    fn push_items<T>(&mut self, mut items: impl Iterator<Item = T>, push: impl Fn(&mut Self, T)) {
        items.by_ref().take(MAX_LIST).for_each(|item| push(self, item));
        if items.next().is_some() {
            self.push(Some(CUT));
        }
        self.push(None);
    }

    pub(super) fn read(&self) -> Reader<'_> {
        Reader(&self.0)
    }
}

/// Takes the texts in the order in which they were pushed.
pub(super) struct Reader<'a>(&'a str);

impl<'a> Reader<'a> {
    pub(super) fn text(&mut self) -> Option<&'a str> {
        let mark = self.0.chars().next()?;
        let start = mark.len_utf8();
        let end = start + usize::try_from(u32::from(mark)).ok()?.saturating_sub(1);
        let text = self.0.get(start..end);
        self.0 = self.0.get(end..).unwrap_or_default();
        text.filter(|_| mark != NONE)
    }

    pub(super) fn list(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.text().map(str::to_owned)).collect()
    }

    pub(super) fn pairs(&mut self) -> Vec<(String, Option<String>)> {
        let pair = || Some((self.text()?.to_owned(), self.text().map(str::to_owned)));
        std::iter::from_fn(pair).collect()
    }
}

fn start_of(text: &str) -> &str {
    let end = (0..=MAX_TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(text: &str) -> String {
        let mut texts = Texts::new();
        texts.push(Some(text));
        texts.read().text().expect("a text").to_owned()
    }

    #[test]
    fn what_was_pushed_is_read_in_its_order() {
        let mut texts = Texts::new();
        texts.push(Some("é"));
        texts.push(None);
        texts.push(Some(""));
        texts.push_list(["a", "\0", ""].into_iter());
        texts.push_list(std::iter::empty());
        texts.push_pairs([("tools/call", Some("weather")), ("ping", None)].into_iter());
        texts.push(Some("last"));
        let mut read = texts.read();
        assert_eq!((read.text(), read.text(), read.text()), (Some("é"), None, Some("")));
        assert_eq!(read.list(), ["a", "\0", ""]);
        assert!(read.list().is_empty());
        let pairs = [("tools/call".to_owned(), Some("weather".to_owned())), ("ping".to_owned(), None)];
        assert_eq!(read.pairs(), pairs);
        assert_eq!((read.text(), read.text()), (Some("last"), None));
    }

    #[test]
    fn long_texts_and_lists_are_cut() {
        assert_eq!(kept(&"é".repeat(128)), "é".repeat(128));
        assert_eq!(kept(&"é".repeat(129)), format!("{}…", "é".repeat(128)));
        assert_eq!(kept(&format!("a{}", "é".repeat(128))), format!("a{}…", "é".repeat(127)));
        for (length, last) in [(32, "a"), (33, "…"), (100, "…")] {
            let mut texts = Texts::new();
            texts.push_list(std::iter::repeat_n("a", length));
            texts.push_pairs(std::iter::repeat_n(("a", None), length));
            let mut read = texts.read();
            let (list, pairs) = (read.list(), read.pairs());
            assert_eq!((list.len(), list.last().map(String::as_str)), (length.min(33), Some(last)));
            assert_eq!(
                (pairs.len(), pairs.last().map(|(first, _)| first.as_str())),
                (length.min(33), Some(last))
            );
        }
    }
}
