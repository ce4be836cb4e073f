//! Label selectors, in the string form that Kubernetes' tools use: `rack=a,zone in (x,y),!gpu`.
//!
//! A selector that is read wrongly opens a pool to nodes that were to be kept out, so nothing is guessed:
//! what kubectl refuses is refused here, with the spot. `>` and `<` are not known.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// Judges a set of labels. Empty: takes all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    Exists,
    Absent,
    In(BTreeSet<String>),
    /// Holds also where the label is not there.
    NotIn(BTreeSet<String>),
}

/// What is wrong with a selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Not of the form.
    #[error("{text:?} at {at:?}: {reason}")]
    Form {
        /// The whole selector.
        text: String,
        /// The part that is wrong.
        at: String,
        /// Why.
        reason: &'static str,
    },
    /// Too long to be one.
    #[error("a selector of {length} bytes; it may have {max}")]
    Long {
        /// Its length.
        length: usize,
        /// The longest.
        max: usize,
    },
}

impl Selector {
    /// The longest, in bytes.
    pub const MAX: usize = 4096;

    /// Reads one.
    ///
    /// # Errors
    /// Where it is malformed.
    pub fn parse(text: &str) -> Result<Selector, SelectorError> {
        let (length, max) = (text.len(), Selector::MAX);
        if length > max {
            return Err(SelectorError::Long { length, max });
        }
        let mut requirements = Vec::new();
        if text.trim().is_empty() {
            return Ok(Selector { requirements });
        }
        let mut reader = Reader { text, rest: text };
        loop {
            requirements.push(reader.requirement()?);
            match reader.symbol() {
                None => return Ok(Selector { requirements }),
                Some(",") => {}
                Some(other) => return Err(reader.fail(other, "a comma was expected")),
            }
        }
    }

    /// Does it take these labels?
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels.get(&requirement.key);
            match &requirement.test {
                Test::Exists => value.is_some(),
                Test::Absent => value.is_none(),
                Test::In(values) => value.is_some_and(|value| values.contains(value)),
                Test::NotIn(values) => value.is_none_or(|value| !values.contains(value)),
            }
        })
    }

    /// The names of the labels that it asks for.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let requirements = self.requirements.iter();
        requirements.map(|requirement| requirement.key.as_str())
    }

    /// Has it no requirement at all?
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }
}

/// The form that reads as the same again.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Requirement { key, test }) in self.requirements.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let (equals, among, values) = match test {
                Test::Exists => {
                    f.write_str(key)?;
                    continue;
                }
                Test::Absent => {
                    write!(f, "!{key}")?;
                    continue;
                }
                Test::In(values) => ("=", "in", values),
                Test::NotIn(values) => ("!=", "notin", values),
            };
            let list: Vec<_> = values.iter().map(String::as_str).collect();
            match list[..] {
                [value] => write!(f, "{key}{equals}{value}")?,
                _ => write!(f, "{key} {among} ({})", list.join(","))?,
            }
        }
        Ok(())
    }
}

/// Reads words and symbols, one after the other.
struct Reader<'a> {
    text: &'a str,
    rest: &'a str,
}

const SYMBOLS: [&str; 7] = ["==", "!=", "=", "!", ",", "(", ")"];
const OPERATOR: &str = "=, ==, !=, in, notin or a comma was expected";

impl<'a> Reader<'a> {
    fn fail(&self, at: &str, reason: &'static str) -> SelectorError {
        SelectorError::Form {
            text: self.text.to_owned(),
            at: at.to_owned(),
            reason,
        }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        let absent = self.symbol_if(&["!"]).is_some();
        let key = self.word();
        if key.is_empty() {
            return Err(self.fail(self.rest.trim_start(), "a label's name was expected"));
        }
        if let Some(reason) = bad_key(key) {
            return Err(self.fail(key, reason));
        }
        let test = match absent {
            true => Test::Absent,
            false => self.test()?,
        };
        let key = key.to_owned();
        Ok(Requirement { key, test })
    }

    fn test(&mut self) -> Result<Test, SelectorError> {
        if let Some(symbol) = self.symbol_if(&["==", "!=", "="]) {
            let values = BTreeSet::from([self.value()?]);
            return Ok(match symbol {
                "!=" => Test::NotIn(values),
                _ => Test::In(values),
            });
        }
        match self.word() {
            "in" => self.list().map(Test::In),
            "notin" => self.list().map(Test::NotIn),
            "" => Ok(Test::Exists),
            other => Err(self.fail(other, OPERATOR)),
        }
    }

    fn list(&mut self) -> Result<BTreeSet<String>, SelectorError> {
        if self.symbol_if(&["("]).is_none() {
            return Err(self.fail(self.rest.trim_start(), "a list in parentheses was expected"));
        }
        let begin = self.rest;
        let mut values = BTreeSet::new();
        loop {
            values.insert(self.value()?);
            match self.symbol() {
                Some(",") => {}
                // As kubectl has it: `(,)` holds the empty value, `()` holds none.
                Some(")") if begin.trim_start().starts_with(')') => {
                    return Err(self.fail(begin, "a list has at least one value"));
                }
                Some(")") => return Ok(values),
                _ => return Err(self.fail(begin, "the list does not end with a parenthesis")),
            }
        }
    }

    fn value(&mut self) -> Result<String, SelectorError> {
        let word = self.word();
        match word.is_empty() || name(word) {
            true => Ok(word.to_owned()),
            false => Err(self.fail(word, VALUE)),
        }
    }

    /// What comes up to the next space or symbol; may be nothing.
    fn word(&mut self) -> &'a str {
        let rest = self.rest.trim_start();
        let ends = |c: char| c.is_whitespace() || "=!,()".contains(c);
        let (word, rest) = rest.split_at(rest.find(ends).unwrap_or(rest.len()));
        self.rest = rest;
        word
    }

    /// The next symbol, or the word that stands in its place; none at the end.
    fn symbol(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        if rest.is_empty() {
            return None;
        }
        Some(self.symbol_if(&SYMBOLS).unwrap_or_else(|| self.word()))
    }

    fn symbol_if(&mut self, symbols: &[&'static str]) -> Option<&'static str> {
        let rest = self.rest.trim_start();
        let symbol = SYMBOLS
            .into_iter()
            .find(|symbol| rest.starts_with(symbol))?;
        if !symbols.contains(&symbol) {
            return None;
        }
        self.rest = &rest[symbol.len()..];
        Some(symbol)
    }
}

const VALUE: &str =
    "a value has at most 63 of A-Z a-z 0-9 . _ -, the first and last a letter or a digit";

/// A label's name is `[PREFIX/]NAME`: a DNS name, and what a value may be, but not empty.
fn bad_key(key: &str) -> Option<&'static str> {
    let (prefix, short) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if !name(short) {
        return Some(
            "a label's name has 1 to 63 of A-Z a-z 0-9 . _ -, the first and last a letter or a digit",
        );
    }
    let bad = prefix.is_some_and(|prefix| prefix.len() > 253 || !prefix.split('.').all(dns));
    bad.then_some("what stands before the / of a label's name is a DNS name in lower case")
}

fn name(text: &str) -> bool {
    let edge = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.bytes().next())
        && edge(text.bytes().last())
        && text
            .bytes()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-'))
}

fn dns(part: &str) -> bool {
    let lower = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    part.bytes().next().is_some_and(lower)
        && part.bytes().last().is_some_and(lower)
        && part.bytes().all(|c| lower(c) || c == b'-')
}

#[cfg(test)]
mod tests;
