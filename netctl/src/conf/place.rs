//! Where in a text each field stands: line and column, which a parsed document no longer knows.
//!
//! The text has been parsed before, so it is JSON, and no deeper than the parser goes. Keys are folded as plugins fold
//! them; one that stands twice in an object is told, since readers differ in which they take.

use serde::de::IgnoredAny;
use serde_json::Deserializer;
use std::collections::HashMap;

/// A line and a column, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// All fields of a text.
#[derive(Debug)]
pub(crate) struct Places<'t> {
    text: &'t str,
    at: HashMap<String, usize>,
    /// The paths of keys that stand twice.
    pub(crate) twice: Vec<String>,
}

impl<'t> Places<'t> {
    /// Goes through a text that is JSON.
    pub(crate) fn of(text: &'t str) -> Self {
        let mut places = Places {
            text,
            at: HashMap::new(),
            twice: Vec::new(),
        };
        let _ = places.value(0, String::new());
        places
    }

    /// Where the field stands; for one that is missing, where it would be: the object around it.
    pub(crate) fn find(&self, path: &str) -> Place {
        let path = path.to_lowercase();
        let mut path = path.as_str();
        loop {
            if let Some(at) = self.at.get(path) {
                return self.place(*at);
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return self.place(self.at.get("").copied().unwrap_or(0)),
            }
        }
    }

    fn place(&self, at: usize) -> Place {
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    /// Notes the value at `path`, and all in it; where it ends. None where the text is no JSON after all.
    fn value(&mut self, from: usize, path: String) -> Option<usize> {
        let at = self.blank(from)?;
        let end = match self.text.as_bytes().get(at)? {
            b'{' => self.items(at, '}', |places, at, _| {
                let (key, end) = places.key(at)?;
                let inner = match path.as_str() {
                    "" => key.to_lowercase(),
                    path => format!("{path}.{}", key.to_lowercase()),
                };
                if places.at.contains_key(&inner) {
                    places.twice.push(inner.clone());
                }
                let colon = places.blank(end)?;
                let end = places.value(colon + 1, inner.clone())?;
                // The key is where people look.
                places.at.insert(inner, at);
                Some(end)
            })?,
            b'[' => self.items(at, ']', |places, at, index| {
                places.value(at, format!("{path}[{index}]"))
            })?,
            _ => {
                let mut values = Deserializer::from_str(&self.text[at..]).into_iter::<IgnoredAny>();
                values.next()?.ok()?;
                at + values.byte_offset()
            }
        };
        self.at.insert(path, at);
        Some(end)
    }

    /// What stands between brackets, each noted by `item`; where the bracket ends.
    fn items(
        &mut self,
        open: usize,
        close: char,
        item: impl Fn(&mut Self, usize, usize) -> Option<usize>,
    ) -> Option<usize> {
        let mut at = self.blank(open + 1)?;
        let mut index = 0;
        while !self.text[at..].starts_with(close) {
            let end = item(self, at, index)?;
            at = self.blank(end)?;
            if self.text[at..].starts_with(',') {
                at = self.blank(at + 1)?;
            }
            index += 1;
        }
        Some(at + 1)
    }

    fn key(&self, at: usize) -> Option<(String, usize)> {
        let mut keys = Deserializer::from_str(&self.text[at..]).into_iter::<String>();
        let key = keys.next()?.ok()?;
        Some((key, at + keys.byte_offset()))
    }

    /// The next that is no white space.
    fn blank(&self, from: usize) -> Option<usize> {
        let rest = self.text.get(from..)?;
        Some(from + rest.find(|c: char| !c.is_ascii_whitespace())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_field_has_its_place() {
        let text = "{\n  \"name\": \"ä\", \"Plugins\": [ {\n    \"type\": 5,\n\"a.b\": {\"c\":[1,\t[2]]}} ]\n}";
        let places = Places::of(text);
        for (path, line, column) in [
            ("", 1, 1),
            ("name", 2, 3),
            ("plugins", 2, 16),
            ("plugins[0]", 2, 29),
            ("plugins[0].type", 3, 5),
            ("plugins[0].a.b.c[1][0]", 4, 18),
            // What is missing is missed where it would be.
            ("plugins[0].ipam.type", 2, 29),
            ("plugins[7]", 2, 16),
            ("nowhere", 1, 1),
        ] {
            assert_eq!(places.find(path), Place { line, column }, "{path}");
        }
        assert!(places.twice.is_empty());
    }

    #[test]
    fn what_stands_twice_is_told() {
        let places =
            Places::of(r#"{"mtu": 1, "a": {"x": 1, "X": 2}, "MTU": 2, "b": [{"x": 1}, {"x": 2}]}"#);
        assert_eq!(places.twice, ["a.x", "mtu"]);
    }
}
