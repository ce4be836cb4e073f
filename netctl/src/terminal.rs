//! What standard output is: a terminal of some width, or a file.

use console::Term;
use std::{
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
