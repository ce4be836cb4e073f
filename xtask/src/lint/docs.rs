//! What pages promise that a machine can judge: links that lead somewhere, tables that are whole, sections that a
//! reader looks for, numbers that are the code's, and that each page is found from the index.

mod limits;
mod links;
mod plugins;
mod tables;

use crate::cache;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};

/// What a newcomer types first.
const COMMANDS: [&str; 2] = ["cargo xtask demo", "cargo xtask test"];
/// From here each page below its folder is found.
const INDEX: &str = "docs/README.md";

/// A Markdown file.
struct Page {
    /// From the repository's root.
    name: PathBuf,
    path: PathBuf,
    text: String,
}

impl Page {
    fn is(&self, name: &str) -> bool {
        self.name == Path::new(name)
    }
}

pub(super) fn check() -> Result<String> {
    let pages = pages()?;
    let (mut problems, mut checked) = (Vec::new(), 0);
    for page in &pages {
        let (mut found, links) = links::check(page);
        checked += links;
        found.extend(tables::check(page));
        if page.name.starts_with("docs/plugins") {
            found.extend(plugins::check(page));
        }
        if page.is("docs/limits.md") {
            found.extend(limits::check(page)?);
        }
        let name = page.name.display();
        problems.extend(found.into_iter().map(|text| format!("{name}: {text}")));
    }
    problems.extend(not_in_the_index(&pages)?);
    problems.extend(commands(&pages));
    for problem in &problems {
        eprintln!("{problem}");
    }
    ensure!(problems.is_empty(), "{} problems of pages", problems.len());
    Ok(format!("{checked} links, {} pages", pages.len()))
}

fn pages() -> Result<Vec<Page>> {
    let markdown = |name: &PathBuf| name.extension().is_some_and(|ext| ext == "md");
    let read = |name: PathBuf| {
        let path = cache::root().join(&name);
        let text = std::fs::read_to_string(&path).with_context(|| name.display().to_string())?;
        Ok(Page { name, path, text })
    };
    super::files()?
        .into_iter()
        .filter(markdown)
        .map(read)
        .collect()
}

/// Pages that nobody would find.
fn not_in_the_index(pages: &[Page]) -> Result<Vec<String>> {
    let index = pages.iter().find(|page| page.is(INDEX)).context(INDEX)?;
    let folder = index.name.parent().unwrap_or(Path::new(""));
    let linked = |page: &&Page| {
        let mut links = links::links(&index.text).into_iter();
        links.any(|link| folder.join(link.split('#').next().unwrap_or(link)) == page.name)
    };
    let below = pages
        .iter()
        .filter(|page| page.name.starts_with(folder) && page.name != index.name);
    let lost = below.filter(|page| !linked(page));
    Ok(lost
        .map(|page| format!("{INDEX}: does not lead to {}", page.name.display()))
        .collect())
}

fn commands(pages: &[Page]) -> Vec<String> {
    let readme = pages.iter().find(|page| page.is("README.md"));
    let text = readme.map_or("", |page| &page.text);
    let absent = COMMANDS.iter().filter(|command| !text.contains(**command));
    absent
        .map(|command| format!("README.md: does not name `{command}`"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(name: &str, text: &str) -> Page {
        Page {
            name: PathBuf::from(name),
            path: PathBuf::from(name),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_page_that_nothing_leads_to_is_told() {
        let pages = [
            page(INDEX, "[a](a.md#x) [b](deep/b.md) `[c](c.md)`"),
            page("docs/a.md", ""),
            page("docs/deep/b.md", ""),
            page("docs/c.md", ""),
            page("else/d.md", ""),
        ];
        let lost = not_in_the_index(&pages).unwrap();
        assert_eq!(lost, ["docs/README.md: does not lead to docs/c.md"]);
        assert!(not_in_the_index(&pages[1..]).is_err());
    }

    #[test]
    fn the_two_commands_are_named() {
        let whole = page("README.md", "`cargo xtask demo` and `cargo xtask test`");
        assert!(commands(&[whole]).is_empty());
        let half = page("README.md", "`cargo xtask test`");
        assert_eq!(commands(&[half]).len(), 1);
        assert_eq!(commands(&[]).len(), 2);
    }
}
