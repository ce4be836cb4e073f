//! What is a number or text: a structural schema has no other way for it than these two extensions.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Bits a second: `20M`, `1.5Gbit`, or a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Rate {
    /// A number.
    Number(u64),
    /// A number with a unit.
    Text(String),
}

/// Bytes: `64Ki`, or a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Burst {
    /// A number.
    Number(u32),
    /// A number with a unit.
    Text(String),
}

/// A multi-exit discriminator, or `None`, by which it is taken away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Med {
    /// It is this.
    Number(u32),
    /// `None`.
    Text(String),
}

/// Of which AS a neighbour has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Asn {
    /// Of this one.
    Is(u32),
    /// Of one of these.
    OneOf(Vec<u32>),
    /// `Internal`: of the node's own; `External`: of any other.
    Word(String),
}

fn number_or_text(pattern: &str, least: u64, most: u64) -> Schema {
    json_schema!({
        "x-kubernetes-int-or-string": true,
        "pattern": pattern,
        "minimum": least,
        "maximum": most,
    })
}

macro_rules! schema {
    ($($name:ident: $schema:expr;)*) => {$(
        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )*};
}

schema! {
    Rate: number_or_text(
        "^[0-9]+(\\.[0-9]+)?([eE][0-9]+|(k|K|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?(bit)?(/s)?)$",
        1000, 1_000_000_000_000);
    Burst: number_or_text("^[0-9]+(k|K|M|G|Ki|Mi|Gi)?$", 1500, u64::from(u32::MAX));
    Med: number_or_text("^None$", 0, u64::from(u32::MAX));
    // One type a field is all that a structural schema knows; this is a number, a list or a word.
    Asn: json_schema!({
        "x-kubernetes-preserve-unknown-fields": true,
        "pattern": "^(Internal|External)$",
        "minimum": 1,
        "maximum": u32::MAX,
        "minItems": 1,
        "maxItems": 1000,
    });
}
