//! Which keys of a configuration are asked for, by whoever parses it.
//!
//! A parser that asks for a key knows it; so what a configuration holds besides is a key that nobody reads, such as one
//! that is misspelt. Whoever judges configurations gets that from the parsers themselves, with no second list of keys
//! to keep. Plugins at work record nothing: [`crate::Object`] then looks at one flag and goes on.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
};

/// What was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    keys: BTreeMap<String, BTreeSet<String>>,
    whole: BTreeSet<String>,
}

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    static ASKED: RefCell<Asked> = RefCell::default();
}

impl Asked {
    /// The keys that were asked for of the object at `path` (empty for the outermost), as the parser spells them; none
    /// where nobody read that object.
    pub fn of(&self, path: &str) -> Option<&BTreeSet<String>> {
        self.keys.get(path)
    }

    /// Was the object at `path` taken with all that is in it, such as one of names that a user chooses?
    pub fn is_whole(&self, path: &str) -> bool {
        self.whole.contains(path)
    }

    /// The objects that `key` was asked for of, whatever its case.
    pub fn places_of(&self, key: &str) -> impl Iterator<Item = &str> {
        let here =
            move |keys: &BTreeSet<String>| keys.iter().any(|one| one.eq_ignore_ascii_case(key));
        let places = self.keys.iter().filter(move |(_, keys)| here(keys));
        places.map(|(path, _)| path.as_str())
    }

    /// And what was asked for there.
    pub fn extend(&mut self, other: Asked) {
        for (path, keys) in other.keys {
            self.keys.entry(path).or_default().extend(keys);
        }
        self.whole.extend(other.whole);
    }
}

/// Runs `parse`, and records what it asks for in this thread.
pub fn record<T>(parse: impl FnOnce() -> T) -> (T, Asked) {
    /// What was going on before goes on, also where `parse` panics.
    struct Before(bool, Asked);
    impl Drop for Before {
        fn drop(&mut self) {
            ON.set(self.0);
            ASKED.replace(std::mem::take(&mut self.1));
        }
    }
    let before = Before(ON.replace(true), ASKED.take());
    let parsed = parse();
    let asked = ASKED.take();
    drop(before);
    (parsed, asked)
}

/// `key` is asked for, of the object at `path`.
pub(crate) fn key(path: &str, key: &str) {
    if ON.get() {
        ASKED.with_borrow_mut(|asked| {
            let keys = asked.keys.entry(path.to_owned()).or_default();
            keys.insert(key.to_owned());
        });
    }
}

/// The object at `path` is taken with all that is in it.
pub(crate) fn whole(path: &str) {
    if ON.get() {
        ASKED.with_borrow_mut(|asked| asked.whole.insert(path.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Object;
    use serde_json::{Value, json};

    fn read(value: &Value) {
        let root = Object::root(value.as_object().unwrap());
        root.flag("on").unwrap();
        if let Some(inner) = root.object("inner").unwrap() {
            inner.text("name").unwrap();
        }
        if let Some(all) = root.object("all").unwrap() {
            all.raw();
        }
    }

    #[test]
    fn what_is_asked_for_is_known_by_its_place() {
        let value = json!({"inner": {"other": 1}, "all": {"x": 1}});
        let ((), asked) = record(|| read(&value));
        let keys = |path: &str| asked.of(path).map(|keys| keys.iter().cloned().collect());
        let known = |keys: &[&str]| Some(keys.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(keys(""), known(&["all", "inner", "on"]));
        assert_eq!(keys("inner"), known(&["name"]));
        assert_eq!(keys("elsewhere"), None);
        assert!(asked.is_whole("all") && !asked.is_whole("inner"));
        assert_eq!(asked.places_of("NAME").collect::<Vec<_>>(), ["inner"]);
    }

    #[test]
    fn nothing_is_recorded_unless_that_is_wanted() {
        let value = json!({"inner": {}});
        read(&value);
        let ((), first) = record(|| ());
        assert_eq!(first, Asked::default());
        // One within another has its own, and the outer one goes on.
        let (inner, outer) = record(|| {
            read(&json!({}));
            let ((), inner) = record(|| read(&value));
            read(&json!({"all": {}}));
            inner
        });
        assert!(inner.of("inner").is_some());
        assert!(outer.of("inner").is_none() && outer.is_whole("all"));
    }

    #[test]
    fn two_records_are_one() {
        let ((), mut asked) = record(|| read(&json!({"inner": {}})));
        let ((), other) = record(|| read(&json!({"all": {}})));
        asked.extend(other);
        assert!(asked.of("inner").is_some() && asked.is_whole("all"));
    }
}
