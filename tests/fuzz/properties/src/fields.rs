//! An input that is text: fields with 0x1f between them, lists in them with 0x1e between their items.

/// The fields of an input that are left. There is no end of them: past the last they are empty.
pub(crate) struct Fields<'a>(&'a [u8]);

const FIELD_END: u8 = 0x1f;
const ITEM_END: u8 = 0x1e;

impl<'a> Fields<'a> {
    pub(crate) fn of(input: &'a [u8]) -> Self {
        Fields(input)
    }

    pub(crate) fn next(&mut self) -> &'a [u8] {
        let (field, rest) = split_at_first(self.0, FIELD_END);
        self.0 = rest.unwrap_or_default();
        field
    }

    /// The next field as text; what is not UTF-8 becomes U+FFFD.
    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.next()).into_owned()
    }

    /// The next field as a list; an empty field is an empty list.
    pub(crate) fn list(&mut self) -> Vec<&'a [u8]> {
        match self.next() {
            [] => Vec::new(),
            field => field.split(|byte| *byte == ITEM_END).collect(),
        }
    }

    /// The next field as a list of texts.
    pub(crate) fn texts(&mut self) -> Vec<String> {
        self.list().into_iter().map(|item| String::from_utf8_lossy(item).into_owned()).collect()
    }

    /// The next field as a choice out of so many: its first byte, which may be a digit or anything else.
    pub(crate) fn choice(&mut self, count: usize) -> usize {
        self.next().first().map_or(0, |byte| usize::from(*byte) % count)
    }

    /// All that is left, separators and all.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// An item of a list in two: what stands before the first `separator`, and what stands behind it.
pub(crate) fn split_at_first(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}
