//! Schema and judge: what the judge takes, the schema takes; what the schema refuses, the judge refuses. The judge is the
//! stricter one, and its word holds wherever an object comes from.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod bad;
mod good;
mod mutants;
mod rules;

use fairway_crd::Definition;
use jsonschema::{Draft, Validator};
use serde_json::{Value, json};

/// An object of ours.
fn object(kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairway.network/v1alpha1", "kind": kind, "metadata": {"name": "it"}, "spec": spec})
}

/// The judge's word: the spec as it is kept, or what is wrong.
fn judged(object: &Value) -> Result<Value, String> {
    let kept = match object["kind"].as_str() {
        Some("RateLimit") => fairway_rates::object::parse(object.clone()).map(|parsed| parsed.json),
        Some("BgpConfig" | "BgpPeer") => {
            fairway_bgp::object::parse(object.clone()).map(|parsed| parsed.json)
        }
        _ => fairway_pools::parse(object).map(|object| object.json()),
    };
    kept.map(|json| json["spec"].clone())
        .map_err(|error| error.to_string())
}

struct Schema {
    definition: Definition,
    validator: Validator,
    rules: kube_cel::CompiledSchema,
}

impl Schema {
    fn of(kind: &str) -> Schema {
        let mut all = fairway_crd::all().into_iter();
        let definition = all.find(|definition| definition.kind == kind).unwrap();
        let options = jsonschema::options().with_draft(Draft::Draft7);
        let options = options.should_validate_formats(true);
        let validator = options.build(definition.schema()).unwrap();
        let rules = kube_cel::compile_schema(definition.schema());
        Schema {
            definition,
            validator,
            rules,
        }
    }

    fn takes(&self, object: &Value) -> bool {
        self.validator.is_valid(object)
    }

    /// What it says is wrong.
    fn faults(&self, object: &Value) -> String {
        let all = self.validator.iter_errors(object);
        let one =
            |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
        all.map(one).collect::<Vec<_>>().join("\n")
    }

    /// What the rules in CEL say is wrong, which a server from 1.25 on asks; `old`: the object as it was.
    fn broken(&self, object: &Value, old: Option<&Value>) -> Vec<String> {
        let done = kube_cel::Validator::new().validate_compiled(&self.rules, object, old);
        let Err(errors) = done else { return Vec::new() };
        let one = |error: &kube_cel::ValidationError| error.to_string();
        errors.as_slice().iter().map(one).collect()
    }

    /// As the API server fills defaults in.
    fn filled(&self, object: &Value) -> Value {
        let mut object = object.clone();
        fill(self.definition.schema(), &mut object);
        object
    }
}

fn fill(schema: &Value, value: &mut Value) {
    if let (Some(properties), Value::Object(map)) = (schema["properties"].as_object(), &mut *value)
    {
        for (name, inner) in properties {
            if let Some(default) = inner.get("default") {
                map.entry(name).or_insert_with(|| default.clone());
            }
            if let Some(value) = map.get_mut(name) {
                fill(inner, value);
            }
        }
    }
    if let (Some(items), Value::Array(all)) = (schema.get("items"), value) {
        all.iter_mut().for_each(|one| fill(items, one));
    }
}
