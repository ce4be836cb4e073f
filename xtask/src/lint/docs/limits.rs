//! Numbers that docs/limits.md tells are the code's.
//!
//! A row's last cell leads to the file that has the limit; each number of its second cell stands there. Where the link's
//! text is code, it stands in a line with that word. So whoever changes a limit learns of the page.

use super::{Page, links};
use anyhow::{Context, Result};
use std::collections::BTreeSet;

/// What is wrong with the rows that lead to code.
pub(super) fn check(page: &Page) -> Result<Vec<String>> {
    let folder = page.path.parent().context("a page lies in a folder")?;
    let mut problems = Vec::new();
    for row in page.text.lines().filter(|line| line.starts_with("| ")) {
        let Some(link) = links::links(row).pop().filter(|link| link.ends_with(".rs")) else {
            continue;
        };
        // One that leads nowhere is told as a link.
        let Ok(code) = std::fs::read_to_string(folder.join(link)) else {
            continue;
        };
        let there = numbers(&lines(&code, word(row)), '_');
        let cells: Vec<&str> = row.split(" | ").collect();
        let told = numbers(cells.get(1).unwrap_or(&""), ',');
        if told.is_empty() {
            problems.push(format!("{row}: no number in the second cell"));
        }
        let missing = told.difference(&there);
        problems.extend(missing.map(|number| format!("{number} is not in {link}: {row}")));
    }
    Ok(problems)
}

/// The text of a row's last link, where it is code.
fn word(row: &str) -> Option<&str> {
    let (_, cell) = row.trim_end_matches(" |").rsplit_once(" | ")?;
    cell.strip_prefix("[`")?
        .split_once("`](")
        .map(|(word, _)| word)
}

/// All of it, or the lines with that word.
fn lines(code: &str, word: Option<&str>) -> String {
    let Some(word) = word else {
        return code.to_owned();
    };
    let part = |c: char| !(c.is_alphanumeric() || c == '_');
    let has = |line: &&str| line.split(part).any(|token| token == word);
    code.lines().filter(has).collect::<Vec<_>>().join("\n")
}

/// Numbers in decimal digits, which may be parted by one character.
fn numbers(text: &str, parted: char) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut number = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let goes_on = |next: Option<&char>| next.is_some_and(char::is_ascii_digit);
        match char {
            '0'..='9' => number.push(char),
            _ if char == parted && !number.is_empty() && goes_on(chars.peek()) => {}
            _ if !number.is_empty() => {
                found.insert(std::mem::take(&mut number));
            }
            _ => {}
        }
    }
    if !number.is_empty() {
        found.insert(number);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(numbers: &[&str]) -> BTreeSet<String> {
        numbers.iter().map(|&n| n.to_owned()).collect()
    }

    #[test]
    fn numbers_are_read_as_people_and_as_rust_write_them() {
        assert_eq!(
            numbers("/20 to /32, 524,288, 4 MiB", ','),
            set(&["20", "32", "524288", "4"])
        );
        assert_eq!(
            numbers("1_000_000..=5 * 1024 _7", '_'),
            set(&["1000000", "5", "1024", "7"])
        );
    }

    #[test]
    fn a_number_that_is_not_the_codes_is_told() {
        let folder = fairway_lab::tempfile::tempdir().unwrap();
        let code = "const MOST: usize = 4_096;\nconst MOST_OF_ALL: usize = 7;\n";
        std::fs::write(folder.path().join("a.rs"), code).unwrap();
        let text = "| what | limit | at the limit | in |\n\
             | good | 4,096 | refused | [a](a.rs) |\n\
             | bad | 4,095 | refused | [a](a.rs) |\n\
             | by name | 4,096 | refused | [`MOST`](a.rs) |\n\
             | another's | 7 | refused | [`MOST`](a.rs) |\n\
             | none | many | refused | [a](a.rs) |\n\
             | no code | 7 | refused | [b](b.md) |\n";
        let page = Page {
            name: "docs/limits.md".into(),
            path: folder.path().join("limits.md"),
            text: text.to_owned(),
        };
        let problems = check(&page).unwrap();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("4095 is not in a.rs"));
        assert!(problems[1].starts_with("7 is not in a.rs"));
        assert!(problems[2].ends_with("no number in the second cell"));
    }
}
