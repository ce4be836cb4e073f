//! Selectors: what each form takes, what is refused and where.

use super::*;
use proptest::prelude::*;

fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    pairs.iter().map(owned).collect()
}

#[test]
fn each_form_takes_what_kubectl_takes() {
    let node = labels(&[("rack", "a"), ("zone", "x"), ("example.com/gpu", "")]);
    for (text, takes) in [
        ("", true),
        ("  ", true),
        ("rack=a", true),
        ("rack==a", true),
        ("rack = a", true),
        ("rack=b", false),
        ("shelf=a", false),
        ("rack!=a", false),
        ("rack!=b", true),
        ("shelf!=b", true),
        ("zone in (x,y)", true),
        ("zone in(x)", true),
        ("zone in ( y , z )", false),
        ("shelf in (x)", false),
        ("zone notin (x,y)", false),
        ("zone notin (y)", true),
        ("shelf notin (y)", true),
        ("rack", true),
        ("shelf", false),
        ("!rack", false),
        ("! shelf", true),
        ("example.com/gpu", true),
        ("example.com/gpu=", true),
        ("example.com/gpu in (,)", true),
        ("rack in (,)", false),
        ("rack=", false),
        ("rack=a,zone=x", true),
        (" rack = a , zone in (x) , !shelf ", true),
        ("rack=a,zone=y", false),
        ("in", false),
        ("in in (in)", false),
        ("notin notin (in)", true),
    ] {
        let selector = Selector::parse(text).unwrap();
        assert_eq!(selector.matches(&node), takes, "{text}");
        assert_eq!(
            Selector::parse(&selector.to_string()),
            Ok(selector),
            "{text}"
        );
    }
    assert!(Selector::parse(" ").unwrap().is_empty());
    assert!(!Selector::parse("rack").unwrap().is_empty());
}

#[test]
fn what_is_wrong_is_named_with_its_spot() {
    for (text, at, reason) in [
        ("=a", "=a", "name was expected"),
        ("a,", "", "name was expected"),
        (",", ",", "name was expected"),
        ("a,,b", ",b", "name was expected"),
        ("!", "", "name was expected"),
        ("!!a", "!a", "name was expected"),
        ("!a=b", "=", "comma"),
        ("a b", "b", "expected"),
        ("a=b c", "c", "comma"),
        ("a=b=c", "=", "comma"),
        ("a>1", "a>1", "label's name has 1 to 63"),
        ("a > 1", ">", "expected"),
        ("a in x", "x", "parentheses"),
        ("a in", "", "parentheses"),
        ("a in ()", ")", "at least one"),
        ("a in (x", "x", "does not end"),
        ("a in (x y)", "x y)", "does not end"),
        ("a in (x))", ")", "comma"),
        ("a=-b", "-b", "a value has"),
        ("a=b\u{e9}", "b\u{e9}", "a value has"),
        ("-a", "-a", "label's name has"),
        ("/a", "/a", "DNS name"),
        ("Example.com/a", "Example.com/a", "DNS name"),
        ("a/", "a/", "label's name has"),
        ("a/b/c", "a/b/c", "label's name has"),
        ("(a)", "(a)", "name was expected"),
    ] {
        let error = Selector::parse(text).unwrap_err();
        let SelectorError::Form {
            at: found,
            reason: why,
            ..
        } = &error
        else {
            panic!("{text}: {error}")
        };
        assert_eq!(found, at, "{text}: {error}");
        assert!(why.contains(reason), "{text}: {error}");
    }
    let error = Selector::parse(&format!("a={}", "b".repeat(64))).unwrap_err();
    assert!(error.to_string().contains("at most 63"), "{error}");
    let error = Selector::parse(&"a,".repeat(3000)).unwrap_err();
    assert_eq!(
        error,
        SelectorError::Long {
            length: 6000,
            max: 4096
        }
    );
}

/// Requirements as text, and what they mean, said twice.
fn requirement() -> impl Strategy<Value = (String, String, u8, Vec<String>)> {
    let word = "[ab][a-c0-9._-]{0,3}[a-c0-9]";
    let value = prop_oneof![9 => word, 1 => Just(String::new())];
    (word, 0..4u8, prop::collection::vec(value, 1..4)).prop_map(|(key, form, values)| {
        let list = values.join(", ");
        let text = match form {
            0 => key.clone(),
            1 => format!("!{key}"),
            2 => format!("{key} in ({list})"),
            _ => format!("{key} notin ({list})"),
        };
        // One empty value alone would be `()`.
        match values.iter().all(String::is_empty) && form >= 2 {
            true => (key.clone(), key, 0, values),
            false => (text, key, form, values),
        }
    })
}

proptest! {
    #[test]
    fn text_means_what_it_says(
        requirements in prop::collection::vec(requirement(), 1..4),
        labels in prop::collection::btree_map("[ab][a-c0-9]{0,1}", "[a-c0-9]{0,2}", 0..4),
    ) {
        let text: Vec<_> = requirements.iter().map(|r| r.0.clone()).collect();
        let selector = Selector::parse(&text.join(",")).unwrap();
        let takes = requirements.iter().all(|(_, key, form, values)| match labels.get(key) {
            Some(value) => match form {
                0 => true,
                1 => false,
                2 => values.contains(value),
                _ => !values.contains(value),
            },
            None => matches!(form, 1 | 3),
        });
        prop_assert_eq!(selector.matches(&labels), takes);
        prop_assert_eq!(Selector::parse(&selector.to_string()), Ok(selector));
    }

    #[test]
    fn nothing_panics_and_what_is_read_is_written(text in "[a-b=!,() in/.é-]{0,24}") {
        if let Ok(selector) = Selector::parse(&text) {
            prop_assert_eq!(Selector::parse(&selector.to_string()), Ok(selector));
        }
    }
}
