//! Names of static routes and of links.
//!
//! They are shared, not copied: a name stands beside each of thousands of routes.

use crate::Invalid;
use std::{fmt, sync::Arc};

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident = $field:literal, $rule:literal, $valid:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Judges a name.
            ///
            /// # Errors
            /// [`Invalid::Name`] where it does not have the form.
            pub fn new(value: &str) -> Result<Self, Invalid> {
                let valid: fn(&str) -> bool = $valid;
                match valid(value) {
                    true => Ok($name(value.into())),
                    false => Err(Invalid::Name { field: $field, value: value.to_owned(), rule: $rule }),
                }
            }

            /// The name.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

names! {
    /// A static route, which is known by its name.
    RouteName = "route", "1 to 63 of a-z 0-9 . -, the first and last a letter or a digit", simple;
    /// A link of this machine, as the kernel has it.
    LinkName = "link", "1 to 15 bytes without a slash, a colon or white space, not . or ..", |text| {
        (1..=15).contains(&text.len())
            && text != "."
            && text != ".."
            && !text.chars().any(|c| c == '/' || c == ':' || c.is_whitespace() || c.is_control())
    };
}

fn simple(text: &str) -> bool {
    let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.len() <= 63
        && text.bytes().all(|c| letter(c) || matches!(c, b'.' | b'-'))
        && text.bytes().next().is_some_and(letter)
        && text.bytes().last().is_some_and(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_judged() {
        for good in ["a", "tenant-1", "a.b"] {
            assert_eq!(RouteName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "A", "a/b", &"x".repeat(64)] {
            assert!(RouteName::new(bad).is_err(), "{bad}");
        }
        for good in ["fw0123abcd", "eth0.100", "fairway.vx"] {
            assert!(LinkName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "a b", "a:b", &"x".repeat(16)] {
            assert!(LinkName::new(bad).is_err(), "{bad}");
        }
        let error = RouteName::new("Web").unwrap_err().to_string();
        assert!(
            error.starts_with("route: \"Web\" is no name: 1 to 63"),
            "{error}"
        );
    }
}
