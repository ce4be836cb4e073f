//! A walk over JSON that knows where it is, and notes each fault with its path.
//!
//! serde stops at the first fault, so the objects are walked by hand. Whatever is wrong is noted and
//! gives `None`; a caller looks at all fields before it gives up with `?`, so that none stays unseen.

use super::error::{Fault, ObjectError, Reason, clip};
use serde_json::{Map, Value};
use std::fmt;

/// Where in an object; written out only when something is wrong there.
#[derive(Debug, Clone, Copy)]
pub struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'p> {
    Root,
    Field(&'p str),
    Index(usize),
    Key(&'p str),
}

impl<'p> Path<'p> {
    /// The object itself.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    fn step(&'p self, step: Step<'p>) -> Path<'p> {
        let parent = Some(self);
        Path { parent, step }
    }

    /// A field of the object here.
    pub fn field(&'p self, name: &'p str) -> Path<'p> {
        self.step(Step::Field(name))
    }

    /// An element of the list here.
    pub fn index(&'p self, index: usize) -> Path<'p> {
        self.step(Step::Index(index))
    }

    /// An entry of the map here.
    pub fn key(&'p self, key: &'p str) -> Path<'p> {
        self.step(Step::Key(key))
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The tree is as deep as the kinds are, not as the input is.
        if let Some(parent) = self.parent {
            write!(f, "{parent}")?;
        }
        let first = self.parent.is_none_or(|p| matches!(p.step, Step::Root));
        match self.step {
            Step::Root => Ok(()),
            // Names are the input's too, and must not break the line or speak to a terminal.
            Step::Field(name) if first => write!(f, "{}", name.escape_debug()),
            Step::Field(name) => write!(f, ".{}", name.escape_debug()),
            Step::Index(index) => write!(f, "[{index}]"),
            Step::Key(key) => write!(f, "[{}]", key.escape_debug()),
        }
    }
}

/// What is wrong so far.
#[derive(Debug, Default)]
pub struct Faults {
    faults: Vec<Fault>,
    /// `null` is a fault: so in objects with a schema (CRDs). In the others it is the same as nothing.
    pub strict: bool,
}

impl Faults {
    /// Something is wrong.
    pub fn add<T>(&mut self, path: &Path<'_>, reason: Reason) -> Option<T> {
        let field = path.to_string();
        self.faults.push(Fault { field, reason });
        None
    }

    /// The value, if nothing was wrong.
    ///
    /// # Errors
    /// All that was.
    pub fn end<T>(self, value: Option<T>) -> Result<T, ObjectError> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(ObjectError {
                faults: self.faults,
            }),
        }
    }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// It is something else than it must be.
pub fn mistyped<T>(
    value: &Value,
    wanted: &'static str,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let found = type_of(value);
    faults.add(at, Reason::Type { wanted, found })
}

/// An object.
pub fn object<'v>(
    value: &'v Value,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<&'v Map<String, Value>> {
    let map = value.as_object();
    map.or_else(|| mistyped(value, "an object", at, faults))
}

/// A field of an object, if it is there.
pub fn optional<'v>(
    map: &'v Map<String, Value>,
    name: &str,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<&'v Value> {
    match map.get(name) {
        Some(Value::Null) if faults.strict => {
            let found = "null";
            let wanted = "left out or have a value";
            faults.add(&at.field(name), Reason::Type { wanted, found })
        }
        Some(Value::Null) => None,
        other => other,
    }
}

/// A field of an object that must be there.
pub fn required<'v>(
    map: &'v Map<String, Value>,
    name: &str,
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<&'v Value> {
    let value = map.get(name).filter(|value| !value.is_null());
    value.or_else(|| faults.add(&at.field(name), Reason::Missing))
}

/// All other fields are faults. `true`: there are none.
pub fn only(map: &Map<String, Value>, known: &[&str], at: &Path<'_>, faults: &mut Faults) -> bool {
    let mut fine = true;
    for name in map.keys().filter(|name| !known.contains(&name.as_str())) {
        faults.add::<()>(&at.field(name), Reason::Unknown);
        fine = false;
    }
    fine
}

/// The one field of several that is there.
pub fn exactly_one<'v>(
    map: &'v Map<String, Value>,
    of: &'static [&'static str],
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<(&'static str, &'v Value)> {
    let before = faults.faults.len();
    only(map, of, at, faults);
    let given: Vec<_> = of
        .iter()
        .filter_map(|name| Some((*name, optional(map, name, at, faults)?)))
        .collect();
    match given[..] {
        [one] => Some(one),
        // What is there under a wrong name was meant to be one of them.
        [] if faults.faults.len() > before => None,
        _ => faults.add(at, Reason::ExactlyOne { of }),
    }
}

/// Text.
pub fn text<'v>(value: &'v Value, at: &Path<'_>, faults: &mut Faults) -> Option<&'v str> {
    let text = value.as_str();
    text.or_else(|| mistyped(value, "text", at, faults))
}

/// Text of a form.
pub fn formed<'v>(
    value: &'v Value,
    (fits, form): (fn(&str) -> bool, &'static str),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<&'v str> {
    let given = text(value, at, faults)?;
    if fits(given) {
        return Some(given);
    }
    let given = clip(given);
    faults.add(at, Reason::Form { given, form })
}

/// One of some words, and what it stands for.
pub fn word<T: Copy, const N: usize>(
    value: &Value,
    (known, meaning): (&'static [&'static str; N], [T; N]),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let given = text(value, at, faults)?;
    let found = known.iter().zip(meaning).find(|(word, _)| **word == given);
    match found {
        Some((_, meaning)) => Some(meaning),
        None => {
            let given = clip(given);
            faults.add(at, Reason::NoneOf { given, known })
        }
    }
}

/// `apiVersion` and `kind` of a whole object, and what the kind stands for.
pub fn head<T: Copy, const N: usize>(
    value: &Value,
    version: &'static [&'static str; 1],
    kinds: (&'static [&'static str; N], [T; N]),
    faults: &mut Faults,
) -> Option<T> {
    let at = &Path::ROOT;
    let map = object(value, at, faults)?;
    let given = required(map, "apiVersion", at, faults);
    let version =
        given.and_then(|value| word(value, (version, [()]), &at.field("apiVersion"), faults));
    let given = required(map, "kind", at, faults);
    let kind = given.and_then(|value| word(value, kinds, &at.field("kind"), faults));
    version.and(kind)
}

/// A whole number within bounds.
pub fn number<T: Copy + PartialOrd + Into<i64> + TryFrom<u64>>(
    value: &Value,
    (least, most): (T, T),
    at: &Path<'_>,
    faults: &mut Faults,
) -> Option<T> {
    let Value::Number(given) = value else {
        return mistyped(value, "a number", at, faults);
    };
    let fits = given.as_u64().and_then(|number| T::try_from(number).ok());
    fits.filter(|number| (least..=most).contains(number))
        .or_else(|| {
            let (given, least, most) = (given.to_string(), least.into(), most.into());
            faults.add(at, Reason::Range { given, least, most })
        })
}

/// A list, each element made into something.
pub fn list<'v, T>(
    value: &'v Value,
    at: &Path<'_>,
    faults: &mut Faults,
    mut each: impl FnMut(&'v Value, &Path<'_>, &mut Faults) -> Option<T>,
) -> Option<Vec<T>> {
    let Some(values) = value.as_array() else {
        return mistyped(value, "a list", at, faults);
    };
    let made: Vec<Option<T>> = values
        .iter()
        .enumerate()
        .map(|(index, value)| each(value, &at.index(index), faults))
        .collect();
    made.into_iter().collect()
}

/// How many elements a list may have.
pub fn counted(value: &Value, (least, most): (usize, usize), at: &Path<'_>, faults: &mut Faults) {
    let count = value.as_array().map_or(least, Vec::len);
    if count < least {
        faults.add::<()>(at, Reason::Missing);
    } else if count > most {
        let of = "elements";
        faults.add::<()>(at, Reason::Many { count, of, most });
    }
}
