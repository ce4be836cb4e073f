//! What happened, line by line. A run is not traced; one that went wrong is run again with its seed and
//! traced then, so that a million steps cost no million lines.

/// The lines of a run.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    on: bool,
    lines: Vec<String>,
}

impl Trace {
    pub(crate) fn new(on: bool) -> Trace {
        Trace {
            on,
            lines: Vec::new(),
        }
    }

    /// Is anybody listening?
    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    /// Adds a line, which is made up only if somebody listens.
    pub(crate) fn note(&mut self, step: u64, at: u64, line: impl FnOnce() -> String) {
        if self.on {
            self.lines.push(format!("{step:>7} {at:>8} {}", line()));
        }
    }

    /// All lines.
    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

/// The last lines that speak of any of these; and always the very last ones.
pub(crate) fn about(lines: &[String], words: &[String], most: usize) -> Vec<String> {
    let last = lines.len().saturating_sub(8);
    let speaks = |line: &str| words.iter().any(|word| mentions(line, word));
    let mut kept: Vec<_> = lines
        .iter()
        .enumerate()
        .filter(|(at, line)| *at >= last || speaks(line))
        .map(|(_, line)| shortened(line))
        .collect();
    kept.drain(..kept.len().saturating_sub(most));
    kept
}

/// What a line begins with; all of it is in the file that `--trace` writes.
fn shortened(line: &str) -> String {
    const LENGTH: usize = 900;
    match line.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// 10.0.0.1 is not mentioned by 10.0.0.17.
fn mentions(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '-');
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_words_are_mentions() {
        assert!(mentions("ack 10.0.0.1 to", "10.0.0.1"));
        assert!(!mentions("ack 10.0.0.17 to", "10.0.0.1"));
        assert!(!mentions("ack 110.0.0.1", "10.0.0.1"));
        assert!(mentions("\"ip\":\"fd00::1\"", "fd00::1"));
    }
}
