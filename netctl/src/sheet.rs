//! Tables that fit the terminal.
//!
//! A column that is empty in each row is left out where the answer's author allows it; on a terminal that
//! is too narrow, the widest columns are wrapped, so that nothing is cut off. Into a file or a pipe a row
//! is always one line, unless a cell itself has several.

use crate::terminal::{Screen, plain};
use tabled::{
    builder::Builder,
    settings::{Color, Padding, Style, Width, object::Rows, peaker::Priority},
};

/// A table, and what is said below it.
#[derive(Debug, Default)]
pub(crate) struct Sheet {
    /// Lines above the table.
    leads: Vec<String>,
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    /// Lines below the table.
    notes: Vec<String>,
    /// What is said instead of a table without rows.
    empty: &'static str,
    /// More of them, each after an empty line.
    more: Vec<Sheet>,
}

#[derive(Debug, Clone, Copy)]
struct Column {
    name: &'static str,
    optional: bool,
}

/// One cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Passing, or to be looked at.
    Mind,
    /// Not as it should be.
    Bad,
}

impl<T: ToString> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell {
            text: plain(&text.to_string()).into_owned(),
            tone: Tone::Plain,
        }
    }
}

impl Cell {
    /// With a colour.
    pub(crate) fn tone(self, tone: Tone) -> Cell {
        Cell { tone, ..self }
    }
}

impl Sheet {
    /// Columns by their heads; one with `?` at its end is left out where it is empty.
    pub(crate) fn new(heads: &[&'static str], empty: &'static str) -> Sheet {
        let columns = heads
            .iter()
            .map(|head| Column {
                name: head.trim_end_matches('?'),
                optional: head.ends_with('?'),
            })
            .collect();
        Sheet {
            columns,
            empty,
            ..Sheet::default()
        }
    }

    /// One more row, a cell a column.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// One more line above.
    pub(crate) fn lead(&mut self, line: impl Into<String>) {
        self.leads.push(plain(&line.into()).into_owned());
    }

    /// Another table below all of this.
    pub(crate) fn then(&mut self, sheet: Sheet) {
        self.more.push(sheet);
    }

    /// One more line below.
    pub(crate) fn note(&mut self, line: impl Into<String>) {
        self.notes.push(plain(&line.into()).into_owned());
    }

    /// As text, each line with its end.
    pub(crate) fn render(&self, screen: &Screen) -> String {
        let table = match self.rows.is_empty() {
            true => self.empty.to_owned(),
            false => self.table(screen),
        };
        let table = (!table.is_empty()).then_some(&table);
        let mut text = String::new();
        for line in self.leads.iter().chain(table).chain(&self.notes) {
            text.push_str(line);
            text.push('\n');
        }
        for sheet in &self.more {
            text.push('\n');
            text.push_str(&sheet.render(screen));
        }
        text
    }

    fn table(&self, screen: &Screen) -> String {
        let kept: Vec<usize> = (0..self.columns.len())
            .filter(|at| {
                let filled =
                    |row: &Vec<Cell>| row.get(*at).is_some_and(|cell| !cell.text.is_empty());
                !self.columns[*at].optional || self.rows.iter().any(filled)
            })
            .collect();
        let mut builder = Builder::default();
        builder.push_record(kept.iter().map(|at| self.columns[*at].name));
        for row in &self.rows {
            builder.push_record(
                kept.iter()
                    .map(|at| row.get(*at).map_or("", |cell| &cell.text)),
            );
        }
        let mut table = builder.build();
        table.with(Style::empty()).with(Padding::new(0, 2, 0, 0));
        if let Some(width) = screen.width {
            table.with(Width::wrap(width).priority(Priority::max(true)));
        }
        if screen.colour {
            table.modify(Rows::first(), Color::BOLD);
            for (row, cells) in self.rows.iter().enumerate() {
                for (column, at) in kept.iter().enumerate() {
                    if let Some(colour) = cells.get(*at).and_then(|cell| cell.tone.colour()) {
                        table.modify((row + 1, column), colour);
                    }
                }
            }
        }
        let lines: Vec<String> = table
            .to_string()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        lines.join("\n")
    }
}

impl Tone {
    fn colour(self) -> Option<Color> {
        match self {
            Tone::Plain => None,
            Tone::Good => Some(Color::FG_GREEN),
            Tone::Mind => Some(Color::FG_YELLOW),
            Tone::Bad => Some(Color::FG_RED),
        }
    }
}
