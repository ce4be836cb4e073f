//! Tables are shown as tables: each has a head, and each row as many cells as that.

use super::Page;

/// What is wrong with a page's tables.
pub(super) fn check(page: &Page) -> Vec<String> {
    let mut problems = Vec::new();
    let mut fenced = false;
    let mut cells = None;
    let mut lines = page.text.lines().zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        fenced ^= line.starts_with("```");
        if fenced || !line.starts_with('|') {
            cells = None;
            continue;
        }
        let here = count(line);
        match cells {
            Some(wanted) if wanted != here => {
                problems.push(format!(
                    "line {number}: {here} cells, and the head has {wanted}"
                ));
            }
            Some(_) => {}
            None => {
                let rule = |(line, _): &(&str, _)| {
                    line.starts_with('|') && line.chars().all(|c| "|-: ".contains(c))
                };
                if !lines.peek().is_some_and(rule) {
                    problems.push(format!("line {number}: a table without a head"));
                }
                cells = Some(here);
            }
        }
    }
    problems
}

/// A bar parts cells in code, too, unless a backslash is before it.
fn count(row: &str) -> usize {
    row.replace("\\|", "")
        .matches('|')
        .count()
        .saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        check(&Page {
            name: "a.md".into(),
            path: "a.md".into(),
            text: text.to_owned(),
        })
    }

    #[test]
    fn tables_that_are_none_are_told() {
        let whole = "| a | b |\n|---|---|\n| `x\\|y` | 2 |\n\n```\n| no table\n```\n| c |\n|:-:|\n";
        assert_eq!(problems(whole), [""; 0]);
        assert_eq!(
            problems("| a | b |\n|---|---|\n| `x|y` | 2 |\n"),
            ["line 3: 3 cells, and the head has 2"]
        );
        assert_eq!(
            problems("| a |\n|---|\n\n| b |\n"),
            ["line 4: a table without a head"]
        );
    }
}
