//! What was measured: on the terminal, as JSON, as a picture.

use crate::{machine, plot, stats::Samples};
use anyhow::{Context as _, Result};
use fairway_lab::{Value, json, serde_json};
use std::fs;
use std::path::PathBuf;

/// One thing measured on two sides.
#[derive(Debug)]
pub(crate) struct Measure {
    pub(crate) name: String,
    pub(crate) unit: &'static str,
    /// What is compared with: the reference plugins, mostly.
    pub(crate) peer: &'static str,
    /// The most that ours may take, as a part of the peer's; `None` where it is only told.
    pub(crate) target: Option<f64>,
    pub(crate) theirs: Samples,
    pub(crate) ours: Samples,
}

impl Measure {
    /// Ours by theirs, of the medians.
    pub(crate) fn ratio(&self) -> f64 {
        self.ours.median() / self.theirs.median()
    }

    fn met(&self) -> Option<bool> {
        self.target.map(|target| self.ratio() <= target)
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
    pub(crate) measures: Vec<Measure>,
}

impl Report {
    /// The machine's facts are those of the start.
    pub(crate) fn new(bench: &'static str) -> Self {
        Self {
            bench,
            machine: machine::facts(),
            measures: Vec::new(),
        }
    }

    /// The table, with one line a measure.
    pub(crate) fn table(&self) -> String {
        let header = [
            "",
            "peer: median [quartiles]",
            "fairway",
            "ratio",
            "target",
            "",
        ];
        let mut rows = vec![header.map(str::to_owned)];
        for measure in &self.measures {
            rows.push([
                measure.name.clone(),
                shown(&measure.theirs, measure.unit),
                shown(&measure.ours, measure.unit),
                format!("{:.3}", measure.ratio()),
                measure
                    .target
                    .map_or_else(String::new, |t| format!("≤ {t}")),
                measure.verdict().to_owned(),
            ]);
        }
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or_default()
        };
        let widths: Vec<_> = (0..header.len()).map(width).collect();
        let line = |row: &[String; 6]| {
            let cells = row
                .iter()
                .zip(&widths)
                .map(|(cell, width)| format!("{cell:<width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        rows.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// Writes both files; gives their paths.
    pub(crate) fn write(&self) -> Result<[PathBuf; 2]> {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/results"));
        fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
        let document = json!({
            "bench": self.bench,
            "machine": self.machine,
            "measures": self.measures.iter().map(Measure::to_json).collect::<Vec<_>>(),
        });
        let files = [
            (
                folder.join(format!("{}.json", self.bench)),
                serde_json::to_string_pretty(&document)?,
            ),
            (folder.join(format!("{}.svg", self.bench)), plot::svg(self)),
        ];
        for (path, text) in &files {
            fs::write(path, text).with_context(|| path.display().to_string())?;
        }
        Ok(files.map(|(path, _)| path))
    }
}

fn shown(samples: &Samples, unit: &str) -> String {
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
