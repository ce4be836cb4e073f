//! Links in Markdown files lead somewhere.

use super::Page;
use std::path::Path;

/// What is wrong with a page's links, and how many it has.
pub(super) fn check(page: &Page) -> (Vec<String>, usize) {
    let all = links(&page.text);
    let broken = all.iter().filter_map(|link| {
        let why = dead(&page.path, &page.text, link)?;
        Some(format!("{link}: {why}"))
    });
    (broken.collect(), all.len())
}

/// The targets of `[text](target)` outside code.
pub(super) fn links(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        // Every second piece between backticks is code.
        for plain in line.split('`').step_by(2).filter(|_| !fenced) {
            found.extend(
                plain
                    .split("](")
                    .skip(1)
                    .filter_map(|rest| rest.split(')').next()),
            );
        }
    }
    found
}

/// Why a link leads nowhere. Links to other hosts are not followed.
fn dead(from: &Path, text: &str, link: &str) -> Option<&'static str> {
    let link = link.split_whitespace().next().unwrap_or_default();
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = link
        .split_once('#')
        .map_or((link, None), |(f, a)| (f, Some(a)));
    let folder = from.parent().unwrap_or(from);
    let target = folder.join(file);
    let theirs;
    let text = match file {
        "" => text,
        _ if !target.exists() => return Some("no such file"),
        _ => {
            theirs = std::fs::read_to_string(&target).unwrap_or_default();
            &theirs
        }
    };
    let anchor = anchor.filter(|_| file.is_empty() || file.ends_with(".md"))?;
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    (!headings.any(|line| slug(line) == anchor)).then_some("no such heading")
}

/// A heading's anchor, as the usual Markdown renderers make it.
fn slug(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_in_code_are_no_links() {
        let text = "[a](b.md) `[x](y)` [c](d#e \"t\")\n```\n[n](o)\n```\n![p](q.png)";
        assert_eq!(links(text), ["b.md", "d#e \"t\"", "q.png"]);
    }

    #[test]
    fn dead_links_are_told() {
        let folder = fairway_lab::tempfile::tempdir().unwrap();
        let from = folder.path().join("a.md");
        let text = "# Over here, now\n";
        std::fs::write(folder.path().join("b.md"), text).unwrap();
        let dead = |link| dead(&from, text, link);
        for good in [
            "b.md",
            "b.md#over-here-now",
            "#over-here-now",
            "https://x/y",
            ".",
        ] {
            assert_eq!(dead(good), None, "{good}");
        }
        for bad in ["c.md", "#there", "b.md#there"] {
            assert!(dead(bad).is_some(), "{bad}");
        }
    }
}
