//! The page of a plugin has what its readers look for, under the same names on each.

use super::Page;

/// Sections of each page.
const SECTIONS: [&str; 4] = ["Keys", "What the verbs do", "Errors", "By hand"];
/// How the section begins that tells what is otherwise than with the plugin that it takes the place of.
const DIFFERS: &str = "What differs from ";
/// Plugins that take nobody's place.
const NEW: [&str; 2] = ["fairway", "vxlan"];

/// What is missing.
pub(super) fn check(page: &Page) -> Vec<String> {
    let headings = || page.text.lines().filter_map(|l| l.strip_prefix("## "));
    let absent = SECTIONS
        .into_iter()
        .filter(|section| !headings().any(|heading| heading == *section));
    let mut problems: Vec<String> = absent
        .map(|section| format!("no section {section:?}"))
        .collect();
    let kind = page.name.file_stem().and_then(|stem| stem.to_str());
    let new = kind.is_some_and(|kind| NEW.contains(&kind));
    if !new && !headings().any(|heading| heading.starts_with(DIFFERS)) {
        problems.push(format!("no section {DIFFERS:?}…"));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_lacks_is_told() {
        let whole =
            "# x\n## Keys\n## What the verbs do\n## What differs from y\n## Errors\n## By hand\n";
        let page = |name: &str, text: &str| Page {
            name: format!("docs/plugins/{name}.md").into(),
            path: "".into(),
            text: text.to_owned(),
        };
        assert!(check(&page("x", whole)).is_empty());
        assert_eq!(
            check(&page("x", &whole.replace("## Errors", "### Errors"))),
            ["no section \"Errors\""]
        );
        let without = whole.replace("## What differs from y\n", "");
        assert_eq!(check(&page("x", &without)).len(), 1);
        assert!(check(&page("vxlan", &without)).is_empty());
        assert_eq!(check(&page("x", "")).len(), 5);
    }
}
