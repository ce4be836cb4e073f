//! What was measured: on the terminal, as JSON, as a picture.

use crate::figure::{Bound, Figure};
use crate::{machine, plot, stats::Samples};
use anyhow::{Context as _, Result};
use fairway_lab::{Value, json, serde_json};
use std::fs;
use std::path::PathBuf;

/// Which is the better of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Better {
    /// A time, or memory.
    Less,
    /// A rate.
    More,
}

/// One thing measured on two sides.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// What is compared with: the reference plugins, mostly.
    pub(crate) peer: &'static str,
    pub(crate) better: Better,
    /// The most that ours may take, as a part of the peer's, or the least where more is better; `None` where
    /// it is only told.
    pub(crate) target: Option<f64>,
    pub(crate) theirs: Samples,
    pub(crate) ours: Samples,
}

impl Measure {
    /// Ours by theirs, of the medians; 1 where both are nothing.
    pub(crate) fn ratio(&self) -> f64 {
        let (ours, theirs) = (self.ours.median(), self.theirs.median());
        if ours == theirs { 1.0 } else { ours / theirs }
    }

    /// How it went, while the run goes on.
    pub(crate) fn tell(&self) {
        println!("  {}: {:.3} {}", self.name, self.ratio(), self.verdict());
    }

    fn met(&self) -> Option<bool> {
        let ratio = self.ratio();
        self.target.map(|target| match self.better {
            Better::Less => ratio <= target,
            Better::More => ratio >= target,
        })
    }

    /// The target, for people.
    fn bound(&self) -> String {
        let sign = match self.better {
            Better::Less => '≤',
            Better::More => '≥',
        };
        self.target
            .map_or_else(String::new, |target| format!("{sign} {target}"))
    }

    pub(crate) fn verdict(&self) -> &'static str {
        match self.met() {
            Some(true) => "pass",
            Some(false) => "miss",
            None => "",
        }
    }

    fn to_json(&self) -> Value {
        json!({
            "name": self.name, "unit": self.unit, "peer": self.peer,
            "more is better": self.better == Better::More,
            "target": self.target, "ratio": self.ratio(), "met": self.met(),
            "theirs": self.theirs.to_json(), "ours": self.ours.to_json(),
        })
    }
}

/// A whole run.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) bench: &'static str,
    machine: Value,
    /// What is compared with something that took turns with it.
    pub(crate) measures: Vec<Measure>,
    /// What stands by itself.
    pub(crate) figures: Vec<Figure>,
    /// What a reader of the numbers has to know, such as what others published.
    pub(crate) notes: Vec<String>,
    /// More pictures, each by a name of its own.
    pub(crate) pictures: Vec<(&'static str, String)>,
}

impl Report {
    /// The machine's facts are those of the start.
    pub(crate) fn new(bench: &'static str) -> Self {
        Self {
            bench,
            machine: machine::facts(),
            measures: Vec::new(),
            figures: Vec::new(),
            notes: Vec::new(),
            pictures: Vec::new(),
        }
    }

    /// Adds a figure and tells how it went.
    pub(crate) fn figure(
        &mut self,
        name: impl Into<String>,
        unit: &'static str,
        bound: Option<Bound>,
        samples: Vec<f64>,
    ) {
        let figure = Figure {
            name: name.into(),
            unit,
            bound,
            samples: Samples(samples),
        };
        let shown = shown(&figure.samples, unit);
        println!("  {}: {shown} {}", figure.name, figure.verdict());
        self.figures.push(figure);
    }

    /// Tables, with one line a measure or figure, and the notes.
    pub(crate) fn table(&self) -> String {
        let tables = [self.compared(), self.alone()];
        let tables = tables.into_iter().filter(|rows| rows.len() > 1);
        let tables = tables.map(|rows| aligned(&rows));
        let parts: Vec<_> = tables.chain(self.notes.iter().cloned()).collect();
        parts.join("\n\n")
    }

    fn alone(&self) -> Vec<Vec<String>> {
        let header = ["", "fairway: median [quartiles]", "target", ""];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for figure in &self.figures {
            rows.push(vec![
                figure.name.clone(),
                shown(&figure.samples, figure.unit),
                figure.target(),
                figure.verdict().to_owned(),
            ]);
        }
        rows
    }

    fn compared(&self) -> Vec<Vec<String>> {
        let header = [
            "",
            "peer: median [quartiles]",
            "fairway",
            "ratio",
            "target",
            "",
        ];
        let mut rows = vec![header.map(str::to_owned).to_vec()];
        for measure in &self.measures {
            rows.push(vec![
                measure.name.clone(),
                shown(&measure.theirs, measure.unit),
                shown(&measure.ours, measure.unit),
                format!("{:.3}", measure.ratio()),
                measure.bound(),
                measure.verdict().to_owned(),
            ]);
        }
        rows
    }

    /// Writes the files; gives their paths.
    pub(crate) fn write(&self) -> Result<Vec<PathBuf>> {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/results"));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let document = json!({
            "bench": self.bench,
            "machine": self.machine,
            "measures": self.measures.iter().map(Measure::to_json).collect::<Vec<_>>(),
            "figures": self.figures.iter().map(Figure::to_json).collect::<Vec<_>>(),
            "notes": self.notes,
        });
        let mut files = vec![
            (
                folder.join(format!("{}.json", self.bench)),
                serde_json::to_string_pretty(&document)?,
            ),
            (folder.join(format!("{}.svg", self.bench)), plot::svg(self)),
        ];
        for (name, picture) in &self.pictures {
            let path = folder.join(format!("{}-{name}.svg", self.bench));
            files.push((path, picture.clone()));
        }
        for (path, text) in &files {
            fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        Ok(files.into_iter().map(|(path, _)| path).collect())
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default()
    };
    let widths: Vec<_> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn shown(samples: &Samples, unit: &str) -> String {
    if let [one] = samples.0[..] {
        return format!("{} {unit}", number(one));
    }
    let [q1, median, q3] = [0.25, 0.5, 0.75].map(|part| number(samples.quantile(part)));
    format!("{median} {unit} [{q1}–{q3}]")
}

/// Three digits that count.
fn number(value: f64) -> String {
    match value.abs() {
        x if x >= 100.0 => format!("{value:.0}"),
        x if x >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
