//! Text in sections, and what differs between two of them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Of a section where everything differs the first lines tell enough.
const SHOWN: usize = 12;

/// Lines by section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines(BTreeMap<String, Vec<String>>);

impl Lines {
    /// Sets a section; an empty one is the same as none.
    pub fn put(&mut self, section: &str, lines: Vec<String>) {
        match lines.is_empty() {
            true => self.0.remove(section),
            false => self.0.insert(section.to_owned(), lines),
        };
    }

    /// Puts each line through `edit`, which may drop it; gives how many it changed.
    pub fn edit(&mut self, edit: impl Fn(&str, &str) -> Option<String>) -> usize {
        let mut changed = 0;
        for (section, lines) in &mut self.0 {
            let before = std::mem::take(lines);
            for line in before {
                let after = edit(section, &line);
                changed += usize::from(after.as_ref() != Some(&line));
                lines.extend(after);
            }
        }
        self.0.retain(|_, lines| !lines.is_empty());
        changed
    }

    /// What differs, by section: `-` only here, `+` only there; empty where nothing does.
    pub fn diff(&self, there: &Self) -> String {
        let mut text = String::new();
        let mut names: Vec<_> = self.0.keys().chain(there.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let (a, b) = (self.section(name), there.section(name));
            if a == b {
                continue;
            }
            let _ = writeln!(text, "  [{name}]");
            let (less, more) = (only(a, b), only(b, a));
            if less.is_empty() && more.is_empty() {
                let _ = writeln!(text, "  the order: {a:#?} and {b:#?}");
            }
            for (sign, lines) in [('-', less), ('+', more)] {
                for line in lines.iter().take(SHOWN) {
                    let _ = writeln!(text, "  {sign} {line}");
                }
                if lines.len() > SHOWN {
                    let _ = writeln!(text, "  {sign} and {} more", lines.len() - SHOWN);
                }
            }
        }
        text
    }

    fn section(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }
}

/// What `a` holds more often than `b`.
fn only<'a>(a: &'a [String], b: &[String]) -> Vec<&'a str> {
    let mut left: Vec<_> = b.iter().collect();
    let mut more = Vec::new();
    for line in a {
        match left.iter().position(|other| *other == line) {
            Some(at) => drop(left.swap_remove(at)),
            None => more.push(line.as_str()),
        }
    }
    more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[&str]) -> Lines {
        let mut lines = Lines::default();
        lines.put("s", text.iter().map(ToString::to_string).collect());
        lines
    }

    #[test]
    fn order_number_and_content_count() {
        let a = lines(&["x", "y", "y"]);
        assert_eq!(a.diff(&a), "");
        assert_eq!(a.diff(&lines(&["x", "y"])), "  [s]\n  - y\n");
        assert_eq!(a.diff(&lines(&["x", "y", "y", "z"])), "  [s]\n  + z\n");
        assert!(a.diff(&lines(&["y", "x", "y"])).contains("the order"));
        assert_eq!(a.diff(&Lines::default()).lines().count(), 4);
    }

    #[test]
    fn an_edit_that_changes_nothing_counts_nothing() {
        let mut a = lines(&["x", "y"]);
        assert_eq!(a.edit(|_, line| Some(line.to_owned())), 0);
        assert_eq!(a.edit(|_, line| (line != "x").then(|| "z".to_owned())), 2);
        assert_eq!(a, lines(&["z"]));
    }
}
