//! JSON objects read field by field, each error naming the field.
//!
//! The reference plugins are Go, whose decoder ignores the case of keys, takes `null` as absent and
//! ignores what it does not know; configurations that work today rely on all three. A wrong type is an
//! error with the whole path of the key, such as `ipam.ranges[0][1].rangeStart`.

use crate::{Code, Fault, recorder};
use ipnetwork::IpNetwork;
use serde_json::{Map, Value};
use std::{fmt, net::IpAddr, ops::RangeInclusive, str::FromStr};

/// A field that is missing, of the wrong type, or holds a value that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The key is absent and has no default.
    #[error("{path}: missing")]
    Missing {
        /// Where in the configuration.
        path: String,
    },
    /// Another JSON type was expected.
    #[error("{path}: expected {expected}, got {found}")]
    Type {
        /// Where in the configuration.
        path: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// The type is right and the value is not.
    #[error("{path}: {value}: {reason}")]
    Value {
        /// Where in the configuration.
        path: String,
        /// The value as it came.
        value: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Fault for FieldError {
    fn code(&self) -> Code {
        Code::INVALID_CONFIG
    }
}

/// A JSON object and where it stands.
#[derive(Debug, Clone)]
pub struct Object<'a> {
    map: &'a Map<String, Value>,
    path: String,
}

impl<'a> Object<'a> {
    /// The outermost object.
    pub fn root(map: &'a Map<String, Value>) -> Self {
        Object {
            map,
            path: String::new(),
        }
    }

    fn path_of(&self, key: &str) -> String {
        match self.path.as_str() {
            "" => key.to_owned(),
            parent => format!("{parent}.{key}"),
        }
    }

    /// The field `key`: the exact key if it is there, else one that differs in case only.
    pub fn get(&self, key: &str) -> Option<Field<'a>> {
        recorder::key(&self.path, key);
        let value = self.map.get(key).or_else(|| {
            let fold = |(name, value): (&'a String, &'a Value)| {
                name.eq_ignore_ascii_case(key).then_some(value)
            };
            self.map.iter().find_map(fold)
        })?;
        (!value.is_null()).then(|| Field {
            value,
            path: self.path_of(key),
        })
    }

    /// The field `key`, which must be there.
    pub fn require(&self, key: &str) -> Result<Field<'a>, FieldError> {
        self.get(key).ok_or_else(|| FieldError::Missing {
            path: self.path_of(key),
        })
    }

    /// A boolean; `false` where absent.
    pub fn flag(&self, key: &str) -> Result<bool, FieldError> {
        Ok(self.bool(key)?.unwrap_or(false))
    }

    /// A boolean.
    pub fn bool(&self, key: &str) -> Result<Option<bool>, FieldError> {
        self.get(key).map(|field| field.bool()).transpose()
    }

    /// A string; an empty one counts as absent, as Go's zero value does.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, FieldError> {
        let text = self.get(key).map(|field| field.text()).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    /// A whole number within `range`.
    pub fn integer(
        &self,
        key: &str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, FieldError> {
        self.get(key).map(|field| field.integer(range)).transpose()
    }

    /// An object.
    pub fn object(&self, key: &str) -> Result<Option<Object<'a>>, FieldError> {
        self.get(key).map(|field| field.object()).transpose()
    }

    /// An array; empty where absent.
    pub fn items(&self, key: &str) -> Result<Vec<Field<'a>>, FieldError> {
        self.get(key).map_or(Ok(Vec::new()), |field| field.items())
    }

    /// An array of strings; empty where absent.
    pub fn texts(&self, key: &str) -> Result<Vec<String>, FieldError> {
        let items = self.items(key)?;
        items
            .iter()
            .map(|item| Ok(item.text()?.to_owned()))
            .collect()
    }

    /// A string that parses as `T`; an empty one counts as absent.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self, key: &str) -> Result<Option<T>, FieldError> {
        match self.get(key) {
            Some(field) if field.text()?.is_empty() => Ok(None),
            Some(field) => field.parse().map(Some),
            None => Ok(None),
        }
    }

    /// An error about the object as a whole, or about a relation between its fields.
    pub fn invalid(
        &self,
        key: &str,
        value: impl fmt::Display,
        reason: impl fmt::Display,
    ) -> FieldError {
        FieldError::Value {
            path: self.path_of(key),
            value: value.to_string(),
            reason: reason.to_string(),
        }
    }

    /// Where this object stands; empty for the outermost.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Keys and values as they came.
    pub fn raw(&self) -> &'a Map<String, Value> {
        recorder::whole(&self.path);
        self.map
    }
}

/// Sets a key, in the place of any that differs from it in case only: a decoder that ignores case would
/// take whichever it comes to last.
pub fn set(map: &mut Map<String, Value>, key: &str, value: Value) {
    remove(map, key);
    map.insert(key.to_owned(), value);
}

/// Removes a key in whatever case.
pub fn remove(map: &mut Map<String, Value>, key: &str) {
    map.retain(|name, _| !name.eq_ignore_ascii_case(key));
}

/// One value and where it stands.
#[derive(Debug, Clone)]
pub struct Field<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Field<'a> {
    /// A field of which the caller knows where it stands.
    pub fn new(value: &'a Value, path: impl Into<String>) -> Self {
        Field {
            value,
            path: path.into(),
        }
    }

    /// The JSON as it came.
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// Where it stands.
    pub fn path(&self) -> &str {
        &self.path
    }

    fn mismatch(&self, expected: &'static str) -> FieldError {
        FieldError::Type {
            path: self.path.clone(),
            expected,
            found: describe(self.value),
        }
    }

    /// An error that names this field and its value.
    pub fn invalid(&self, reason: impl fmt::Display) -> FieldError {
        let value = match self.value {
            Value::String(text) => format!("{text:?}"),
            other => clip(&other.to_string()),
        };
        FieldError::Value {
            path: self.path.clone(),
            value,
            reason: reason.to_string(),
        }
    }

    /// `true` or `false`.
    pub fn bool(&self) -> Result<bool, FieldError> {
        self.value
            .as_bool()
            .ok_or_else(|| self.mismatch("a boolean"))
    }

    /// A string.
    pub fn text(&self) -> Result<&'a str, FieldError> {
        self.value.as_str().ok_or_else(|| self.mismatch("a string"))
    }

    /// A whole number within `range`.
    pub fn integer(&self, range: RangeInclusive<i64>) -> Result<i64, FieldError> {
        let number = self
            .value
            .as_number()
            .ok_or_else(|| self.mismatch("a whole number"))?;
        let (low, high) = (range.start(), range.end());
        match number.as_i64() {
            Some(whole) if range.contains(&whole) => Ok(whole),
            Some(_) => Err(self.invalid(format_args!("must be from {low} to {high}"))),
            None if number.is_u64() => {
                Err(self.invalid(format_args!("must be from {low} to {high}")))
            }
            None => Err(self.mismatch("a whole number")),
        }
    }

    /// An object.
    pub fn object(&self) -> Result<Object<'a>, FieldError> {
        let map = self
            .value
            .as_object()
            .ok_or_else(|| self.mismatch("an object"))?;
        Ok(Object {
            map,
            path: self.path.clone(),
        })
    }

    /// The elements of an array.
    pub fn items(&self) -> Result<Vec<Field<'a>>, FieldError> {
        let array = self
            .value
            .as_array()
            .ok_or_else(|| self.mismatch("an array"))?;
        let item = |(index, value)| Field {
            value,
            path: format!("{}[{index}]", self.path),
        };
        Ok(array.iter().enumerate().map(item).collect())
    }

    /// A string that parses as `T`.
    pub fn parse<T: FromStr<Err: fmt::Display>>(&self) -> Result<T, FieldError> {
        self.text()?.parse().map_err(|error| self.invalid(error))
    }

    /// An IP address.
    pub fn ip(&self) -> Result<IpAddr, FieldError> {
        self.parse()
    }

    /// `address/length`, host bits kept. The length is not optional.
    pub fn cidr(&self) -> Result<IpNetwork, FieldError> {
        if !self.text()?.contains('/') {
            return Err(self.invalid("needs a prefix length, such as 10.1.2.3/24"));
        }
        self.parse()
    }
}

fn describe(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => format!("the boolean {b}"),
        Value::Number(n) => format!("the number {n}"),
        Value::String(s) => format!("the string {:?}", clip(s)),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

fn clip(text: &str) -> String {
    match text.char_indices().nth(64) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: &Value) -> Object<'_> {
        Object::root(value.as_object().unwrap())
    }

    #[test]
    fn keys_ignore_case_and_prefer_the_exact_one() {
        let value = json!({"ISGATEWAY": true, "mtu": 1, "MTU": 2});
        assert!(map(&value).flag("isGateway").unwrap());
        assert_eq!(map(&value).integer("mtu", 0..=9).unwrap(), Some(1));
    }

    #[test]
    fn null_is_absent() {
        let value = json!({"mtu": null});
        assert_eq!(map(&value).integer("mtu", 0..=9).unwrap(), None);
    }

    #[test]
    fn errors_name_the_whole_path() {
        let value = json!({"ipam": {"ranges": [[{"subnet": 5}]]}});
        let ipam = map(&value).object("ipam").unwrap().unwrap();
        let ranges = ipam.items("ranges").unwrap();
        let range = ranges[0].items().unwrap()[0].object().unwrap();
        let error = range.text("subnet").unwrap_err();
        assert_eq!(
            error.to_string(),
            "ipam.ranges[0][0].subnet: expected a string, got the number 5"
        );
        assert_eq!(error.code(), Code::INVALID_CONFIG);
    }

    #[test]
    fn integers_are_whole_and_in_range() {
        let value = json!({"a": 1.5, "b": "1", "c": 70000, "d": 18446744073709551615u64});
        for key in ["a", "b", "c", "d"] {
            let error = map(&value).integer(key, 0..=65535).unwrap_err();
            assert!(error.to_string().starts_with(key), "{error}");
        }
    }

    #[test]
    fn an_address_needs_its_length() {
        let value = json!({"a": "10.0.0.1", "b": "10.0.0.1/24", "c": "fd00::1/200"});
        assert!(map(&value).require("a").unwrap().cidr().is_err());
        assert_eq!(
            map(&value)
                .require("b")
                .unwrap()
                .cidr()
                .unwrap()
                .to_string(),
            "10.0.0.1/24"
        );
        assert!(map(&value).require("c").unwrap().cidr().is_err());
    }
}
