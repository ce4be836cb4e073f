//! Fields that the core has a reader for.

use fairway_policy::object::{
    Reason,
    field::{self, Faults, Path},
};
use serde_json::{Map, Value};
use std::{fmt::Display, str::FromStr};

/// What its own reader says is wrong.
pub(crate) fn refused(what: impl ToString) -> Reason {
    let what = what.to_string();
    Reason::Refused { what }
}

/// Text that the core reads.
pub(crate) fn text<T: FromStr<Err: Display>>(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let given = field::text(value, at, faults)?;
    match given.parse() {
        Ok(read) => Some(read),
        Err(error) => faults.add(at, refused(error)),
    }
}

/// A field; none within: it is absent.
pub(crate) fn maybe<'v, T>(
    map: &'v Map<String, Value>,
    name: &str,
    at: &Path<'_>,
    faults: &mut Faults,
    read: impl FnOnce(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<Option<T>> {
    match field::optional(map, name, at, faults) {
        None => Some(None),
        Some(value) => read(value, &at.field(name), faults).map(Some),
    }
}

/// A field that has to be there.
pub(crate) fn must<'v, T>(
    map: &'v Map<String, Value>,
    name: &str,
    at: &Path<'_>,
    faults: &mut Faults,
    read: impl FnOnce(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<T> {
    let value = field::required(map, name, at, faults)?;
    read(value, &at.field(name), faults)
}

pub(crate) fn flag(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<bool> {
    let flag = value.as_bool();
    flag.or_else(|| field::mistyped(value, "true or false", at, faults))
}

/// A list of things, each once.
pub(crate) fn each<T: FromStr<Err: Display> + PartialEq>(
    value: &Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<Vec<T>> {
    field::counted(value, (0, 1000), at, faults);
    let read: Vec<T> = field::list(value, at, faults, text)?;
    let twice = (1..read.len()).find(|index| read[..*index].contains(&read[*index]));
    match twice {
        Some(index) => faults.add(&at.index(index), Reason::Twice),
        None => Some(read),
    }
}
