//! The annotation `k8s.v1.cni.cncf.io/networks`: what is read holds names and no paths, and says the same in the JSON
//! form; what is refused names where.
#![no_main]

use fairway_multi::selection::{self, MAX};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fuzz_target!(|text: &str| {
    let selections = match selection::parse(text, "here") {
        Ok(selections) => selections,
        Err(error) => {
            assert!(error.to_string().starts_with("here"), "{error}");
            return;
        }
    };
    assert!(selections.len() <= MAX);
    let mut leading = 0;
    let mut elements = Vec::new();
    for selection in &selections {
        leading += usize::from(selection.default_route.is_some());
        for name in [Some(&selection.name), selection.namespace.as_ref()]
            .into_iter()
            .flatten()
        {
            assert!(!name.as_str().contains('/') && !name.as_str().starts_with('.'));
        }
        let mut element = json!({
            "name": selection.name.as_str(),
            "namespace": selection.namespace.as_ref().map(|name| name.as_str()),
            "interface": selection.ifname.as_ref().map(|name| name.as_str()),
            "default-route": selection.default_route,
            "cni-args": selection.cni_args,
        });
        for wish in &selection.wishes {
            element[wish.key] = wish.value.clone();
        }
        elements.push(element);
    }
    assert!(leading <= 1);
    let again = Value::Array(elements).to_string();
    assert_eq!(selection::parse(&again, "here").as_ref(), Ok(&selections));
});
