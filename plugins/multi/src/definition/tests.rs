use super::*;
use crate::selection;
use fairway_api::definition::Definition;
use fairway_cni::Code;
use serde_json::json;
use std::cell::RefCell;

/// A daemon with `shop/a`, `shop/none` and `default/g`, and what it was asked for.
struct Has(bool, RefCell<Vec<Vec<String>>>);

impl Ask for Has {
    fn find(&self, find: Find) -> Result<Found, Failure> {
        let names = find.names.iter();
        let titles = names
            .clone()
            .map(|name| format!("{}/{}", name.namespace, name.name));
        self.1.borrow_mut().push(titles.collect());
        if !self.0 {
            return Err(Failure::new(Code::TRY_AGAIN, "fairwayd is not there"));
        }
        let definitions = names.filter_map(|name| {
            let config = match (name.namespace.as_str(), name.name.as_str()) {
                ("shop", "a") | ("default", "g") => Some(json!({"name": "x", "type": "bridge"})),
                ("shop", "bad") => Some(json!({"name": "x", "type": "multi"})),
                ("shop", "none") => None,
                _ => return None,
            };
            Some(Definition {
                name: name.clone(),
                config: config.map(|config| config.as_object().unwrap().clone()),
            })
        });
        Ok(Found {
            networks: None,
            definitions: definitions.collect(),
        })
    }
}

fn reach(conf: &Value) -> Result<Reach, String> {
    Reach::read(&Object::root(conf.as_object().unwrap())).map_err(|error| error.to_string())
}

/// What becomes of each that is asked for, and what the daemon heard.
fn found(
    there: bool,
    (own, asked): (Option<&str>, &str),
    conf: &Value,
) -> (Vec<Result<String, String>>, Vec<Vec<String>>) {
    let (reach, daemon) = (reach(conf).unwrap(), Has(there, RefCell::default()));
    let asked = selection::parse(asked, "here").unwrap();
    let mut definitions = Definitions::new(own.map(str::to_owned));
    definitions.ask(asked.iter(), &reach, &daemon);
    // A second look costs nothing.
    definitions.ask(asked.iter(), &reach, &daemon);
    let found = asked.iter().map(|one| {
        let found = definitions.find(one, &reach);
        let found = found.map(|network| network.name().to_string());
        found.map_err(|error| error.to_string())
    });
    (found.collect(), daemon.1.into_inner())
}

#[test]
fn all_are_asked_for_at_once() {
    let (found, asked) = found(true, (Some("shop"), "a,gone,a,none,bad"), &json!({}));
    assert_eq!(found[0], Ok("x".to_owned()));
    assert_eq!(found[0], found[2]);
    let wrong = |at: usize| found[at].clone().unwrap_err();
    assert_eq!(
        wrong(1),
        ", nor is there a NetworkAttachmentDefinition shop/gone"
    );
    assert!(
        wrong(3).contains("shop/none has no spec.config"),
        "{}",
        wrong(3)
    );
    assert!(
        wrong(4).contains("shop/bad: type: \"multi\": would call itself"),
        "{}",
        wrong(4)
    );
    assert_eq!(asked, [["shop/a", "shop/gone", "shop/none", "shop/bad"]]);
}

#[test]
fn a_daemon_that_is_not_there_is_asked_once() {
    let (found, asked) = found(false, (Some("shop"), "a,b"), &json!({}));
    let wrong = found[0].clone().unwrap_err();
    assert!(
        wrong.ends_with("only fairwayd knows: fairwayd is not there"),
        "{wrong}"
    );
    assert_eq!(asked.len(), 1);
}

#[test]
fn a_pod_names_what_is_of_its_namespace() {
    for (own, asked, conf, reached) in [
        (Some("shop"), "default/g", json!({}), true),
        (Some("other"), "shop/a", json!({}), false),
        (
            Some("other"),
            "shop/a",
            json!({"namespaceIsolation": false}),
            true,
        ),
        (
            Some("other"),
            "shop/a",
            json!({"globalNamespaces": "kube-system, shop"}),
            true,
        ),
        (
            Some("other"),
            "default/g",
            json!({"globalNamespaces": "kube-system"}),
            false,
        ),
        (
            Some("other"),
            "default/g",
            json!({"globalNamespaces": ""}),
            false,
        ),
        (None, "shop/a", json!({}), false),
        (None, "default/g", json!({}), true),
    ] {
        let (found, heard) = found(true, (own, asked), &conf);
        assert_eq!(found[0].is_ok(), reached, "{own:?} {asked} {conf}");
        assert_eq!(heard.len(), usize::from(reached), "{own:?} {asked} {conf}");
        if let Err(wrong) = &found[0] {
            assert!(wrong.contains("is not for "), "{wrong}");
        }
    }
    // One that is in no namespace, and names none, means no object.
    assert_eq!(
        found(true, (None, "a"), &json!({})),
        (vec![Err(String::new())], vec![])
    );
}

#[test]
fn what_another_asked_for_is_not_had() {
    // What a daemon tells of a pod's annotation may be of any namespace.
    let asked = selection::parse("shop/a", "here").unwrap();
    let mut definitions = Definitions::new(Some("other".to_owned()));
    let name = Name {
        namespace: "shop".to_owned(),
        name: "a".to_owned(),
    };
    let config = json!({"name": "x", "type": "bridge"}).as_object().cloned();
    let definition = Definition { name, config };
    let found = Found {
        networks: None,
        definitions: vec![definition],
    };
    definitions.told(found, &asked);
    let isolated = definitions.find(&asked[0], &reach(&json!({})).unwrap());
    assert!(matches!(isolated, Err(NotDefined::Isolated(..))));
    let open = reach(&json!({"namespaceIsolation": false})).unwrap();
    assert!(definitions.find(&asked[0], &open).is_ok());
}

#[test]
fn keys_of_a_wrong_type_are_named() {
    assert!(
        reach(&json!({"namespaceIsolation": "yes"}))
            .unwrap_err()
            .starts_with("namespaceIsolation: ")
    );
    assert!(
        reach(&json!({"globalNamespaces": ["a"]}))
            .unwrap_err()
            .starts_with("globalNamespaces: ")
    );
}

#[test]
fn a_configuration_has_a_length() {
    let long = format!("{{\"type\": \"{}\"}}", "x".repeat(LONGEST));
    assert_eq!(parse(&long, "a"), Err(Wrong::Long));
}

/// A record is written and read again; what a plugin is told at DEL is what it was told at ADD.
#[test]
fn a_number_is_the_same_however_often_it_is_read() {
    // A parser that rounds roughly has its last bit wrong, and another one each time.
    let large = "99999990".to_owned() + &"9".repeat(75);
    let text = format!(r#"{{"type": "i", "a": {large}, "b": 0.1e-7}}"#);
    let read = parse(&text, "own").unwrap().unwrap();
    let again = Value::Object(read.raw().clone()).to_string();
    assert_eq!(parse(&again, "own"), Ok(Some(read)), "{again}");
}
