//! Values of every JSON type for a member that should have one.

use crate::change::{Change, Part, Step};
use crate::members::quoted;
use crate::profile::Base;

const OF_EVERY_TYPE: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1",
    "-1",
    "1.5",
    r#""""#,
    r#"" ""#,
    r#""x""#,
    r#""\u0000""#,
    r#""null""#,
    "[]",
    "[null]",
    r#"["x"]"#,
    "[1]",
    "[[]]",
    "[{}]",
    "{}",
    r#"{"x":1}"#,
];

/// The member absent, of every JSON type, wrapped, written with blanks, under names in another case, and with further values.
pub(super) fn member(
    class: &'static str,
    base: &Base,
    part: Part,
    name: &str,
    more: &[String],
) -> Vec<Change> {
    let members = if part == Part::Header { &base.header } else { &base.payload };
    let present = members.get(name);
    let mut values: Vec<String> = OF_EVERY_TYPE.iter().map(|value| (*value).to_owned()).collect();
    if let Some(value) = present {
        values.extend(wrapped(value));
    }
    values.extend(more.iter().cloned());
    values.retain(|value| Some(value.as_str()) != present);
    values.sort();
    values.dedup();
    let what = |change: String| format!("{}: {name} {change}", part.name());
    let mut changes: Vec<Change> = values
        .into_iter()
        .map(|value| {
            let (name, text) = (name.to_owned(), what(format!("is {}", shortened(&value))));
            Change::new(class, text, Step::members(part, move |members| members.set(&name, &value)))
        })
        .collect();
    changes.extend(other_names(class, part, name, present));
    changes
}

/// The value as text, in a list, in an object, in lists of two.
fn wrapped(value: &str) -> Vec<String> {
    vec![
        quoted(value),
        format!("[{value}]"),
        format!("[{value},{value}]"),
        format!("[[{value}]]"),
        format!(r#"{{"0":{value}}}"#),
        format!(r#"[{value},null]"#),
        format!("[1,{value}]"),
    ]
}

/// The member absent, and under names that differ in case or by a blank: alone, and beside a good one.
fn other_names(class: &'static str, part: Part, name: &str, present: Option<&str>) -> Vec<Change> {
    let mut changes = Vec::new();
    let others =
        [name.to_uppercase(), capitalised(name), format!("{name} "), format!(" {name}"), format!("{name}\0")];
    for other in others {
        let other = quoted(&other);
        let beside = other.clone();
        let text = format!("{}: a member {other} beside", part.name());
        let add = move |members: &mut crate::members::Members| members.put_last(&beside, r#""x""#);
        changes.push(Change::new(class, text, Step::members(part, add)));
        if present.is_some() {
            let name = name.to_owned();
            let text = format!("{}: {other} for {name}", part.name());
            let step = Step::members(part, move |members| members.rename(&name, &other));
            changes.push(Change::new(class, text, step));
        }
    }
    if present.is_some() {
        let name = name.to_owned();
        let text = format!("{}: {name} is absent", part.name());
        changes.push(Change::new(class, text, Step::members(part, move |members| members.remove(&name))));
    }
    changes
}

fn capitalised(name: &str) -> String {
    let first: String = name.chars().take(1).collect();
    format!("{}{}", first.to_uppercase(), name.strip_prefix(&first).unwrap_or_default())
}

pub(super) fn shortened(value: &str) -> String {
    if value.chars().count() <= 60 {
        return value.to_owned();
    }
    let start: String = value.chars().take(40).collect();
    format!("{start}... ({} bytes)", value.len())
}
