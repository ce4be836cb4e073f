//! What standard output is: a terminal of some width, or a file.

use console::Term;
use std::{
    borrow::Cow,
    env,
    io::{self, IsTerminal},
};

/// How to write for whoever reads.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Screen {
    /// Columns; none: no limit.
    pub(crate) width: Option<usize>,
    /// May there be colour?
    pub(crate) colour: bool,
    /// Can what was written be written over?
    pub(crate) live: bool,
}

impl Screen {
    /// Colour only on a terminal, and not where `NO_COLOR` is set.
    pub(crate) fn of_stdout() -> Screen {
        if !io::stdout().is_terminal() {
            return Screen::default();
        }
        let set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Screen {
            width: Term::stdout()
                .size_checked()
                .map(|(_, columns)| usize::from(columns))
                .filter(|columns| *columns > 0),
            colour: !set("NO_COLOR") && !dumb,
            live: !dumb,
        }
    }
}

/// Without what a terminal obeys: reasons, names of rules and errors are others' words, and may hold anything.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let obeyed = |letter: char| letter.is_control() && letter != '\n';
    match text.contains(obeyed) {
        true => text.replace(obeyed, "\u{fffd}").into(),
        false => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_that_a_terminal_obeys() {
        assert_eq!(plain("a ä\n中"), "a ä\n中");
        assert_eq!(plain("\x1b]0;x\x07\r\u{9b}2J\t"), "�]0;x��\u{fffd}2J�");
    }
}
