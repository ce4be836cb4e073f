//! Label selectors: `matchLabels` and `matchExpressions`.
//!
//! Both become requirements, sorted and each once: two selectors that ask the same in another order are
//! equal.

use super::{
    error::{Reason, clip},
    field::{self, Faults, Path},
    form,
};
use crate::spec::{Labels, Operator, Requirement, Selector};
use serde_json::Value;
use std::collections::BTreeSet;

#[derive(Clone, Copy)]
enum Test {
    In,
    NotIn,
    Exists,
    Absent,
}

const OPERATORS: &[&str; 4] = &["In", "NotIn", "Exists", "DoesNotExist"];
const TESTS: [Test; 4] = [Test::In, Test::NotIn, Test::Exists, Test::Absent];

/// Labels: keys and values of the right form.
pub fn labels(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Labels> {
    let map = field::object(value, at, faults)?;
    let mut labels = Some(Labels::new());
    for (key, value) in map {
        let at = at.key(key);
        let fits = form::KEY.0(key);
        if !fits {
            let (given, form) = (clip(key), form::KEY.1);
            faults.add::<()>(&at, Reason::Form { given, form });
        }
        let value = field::formed(value, form::VALUE, &at, faults);
        match (value, &mut labels) {
            (Some(value), Some(labels)) if fits => {
                labels.insert(key.clone(), value.to_owned());
            }
            _ => labels = None,
        }
    }
    labels
}

fn expression(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Requirement> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["key", "operator", "values"], at, faults);
    let key = field::required(map, "key", at, faults)
        .and_then(|value| field::formed(value, form::KEY, &at.field("key"), faults));
    let test = field::required(map, "operator", at, faults)
        .and_then(|value| field::word(value, (OPERATORS, TESTS), &at.field("operator"), faults));
    let place = at.field("values");
    let values = match field::optional(map, "values", at, faults) {
        None => Some(BTreeSet::new()),
        Some(value) => field::list(value, &place, faults, |value, at, faults| {
            field::formed(value, form::VALUE, at, faults).map(str::to_owned)
        })
        .map(|values| values.into_iter().collect()),
    };
    let (key, test, values) = (key?.to_owned(), test?, values?);
    let operator = match test {
        Test::In | Test::NotIn if values.is_empty() => {
            return faults.add(&place, Reason::Missing);
        }
        Test::Exists | Test::Absent if !values.is_empty() => {
            let when = "operator is Exists or DoesNotExist";
            return faults.add(&place, Reason::Misplaced { when });
        }
        Test::In => Operator::In(values),
        Test::NotIn => Operator::NotIn(values),
        Test::Exists => Operator::Exists,
        Test::Absent => Operator::Absent,
    };
    Some(Requirement { key, operator })
}

/// A selector.
pub fn parse(value: &Value, at: &Path<'_>, faults: &mut Faults) -> Option<Selector> {
    let map = field::object(value, at, faults)?;
    field::only(map, &["matchLabels", "matchExpressions"], at, faults);
    let labels = match field::optional(map, "matchLabels", at, faults) {
        None => Some(Labels::new()),
        Some(value) => labels(value, &at.field("matchLabels"), faults),
    };
    let expressions = match field::optional(map, "matchExpressions", at, faults) {
        None => Some(Vec::new()),
        Some(value) => field::list(value, &at.field("matchExpressions"), faults, expression),
    };
    let mut requirements: BTreeSet<Requirement> = expressions?.into_iter().collect();
    for (key, value) in labels? {
        let operator = Operator::In(BTreeSet::from([value]));
        requirements.insert(Requirement { key, operator });
    }
    let requirements = requirements.into_iter().collect();
    Some(Selector { requirements })
}

/// A selector that may be left out; then all fit.
pub fn or_all(value: Option<&Value>, at: &Path<'_>, faults: &mut Faults) -> Option<Selector> {
    match value {
        None => Some(Selector::default()),
        Some(value) => parse(value, at, faults),
    }
}
