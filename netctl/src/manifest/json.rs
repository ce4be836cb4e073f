//! JSON, one document after the other.
//!
//! Of a key that is there twice, readers take the first, the last or any: it is refused, as in YAML.

use super::{
    Document,
    error::{Place, Wrong},
};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, map::Entry};
use std::fmt;

pub(super) fn documents(text: &str) -> Result<Vec<Document>, Wrong> {
    let mut documents = Vec::new();
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Unique>();
    loop {
        let (document, start) = (documents.len() + 1, stream.byte_offset());
        match stream.next() {
            None => return Ok(documents),
            Some(Ok(Unique(value))) => {
                let before = &text[..start];
                let blank = text[start..].find(|c: char| !c.is_whitespace());
                let blank = &text[start..start + blank.unwrap_or_default()];
                let line = Some(1 + newlines(before) + newlines(blank));
                let place = Place { document, line };
                documents.push(Document { value, place });
            }
            Some(Err(error)) => {
                let place = Place {
                    document,
                    line: Some(error.line()),
                };
                // It says the place once more, at its end.
                let text = error.to_string();
                let why = text
                    .rfind(" at line ")
                    .map_or(text.as_str(), |at| &text[..at]);
                return Err(Wrong::at(place, why));
            }
        }
    }
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

/// A value no object of which has a key twice.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Unique, D::Error> {
        from.deserialize_any(AnyValue).map(Unique)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Unique(item)) = from.next_element()? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((key, Unique(value))) = from.next_entry::<String, Unique>()? {
            match fields.entry(key) {
                Entry::Vacant(place) => {
                    place.insert(value);
                }
                Entry::Occupied(there) => {
                    return Err(A::Error::custom(format!(
                        "the key {:?} is there twice",
                        there.key()
                    )));
                }
            }
        }
        Ok(Value::Object(fields))
    }
}
