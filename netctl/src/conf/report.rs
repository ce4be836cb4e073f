//! What `conf check` answers.

use super::{
    finding::{Heard, Level, Said},
    place::Places,
};
use crate::{
    document::Answer,
    sheet::{Cell, Sheet, Tone},
};
use serde::{Deserialize, Serialize};

/// All that was looked at.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Report {
    /// No errors; with `--strict` no warnings either.
    pub(crate) ok: bool,
    pub(crate) files: Vec<File>,
    pub(crate) findings: Vec<Finding>,
}

/// A file, in the order in which runtimes take them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct File {
    pub(crate) file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) network: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) plugins: Vec<String>,
}

/// What was found, and where.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Finding {
    pub(crate) file: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<usize>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) field: String,
    pub(crate) level: Level,
    pub(crate) text: String,
}

impl Report {
    /// What was said of a document, the first field first.
    pub(crate) fn put(&mut self, file: &str, heard: Heard, places: Option<&Places<'_>>) {
        let mut findings: Vec<Finding> = Vec::new();
        for Said { path, level, text } in heard.said() {
            let place = places.map(|places| places.find(&path));
            findings.push(Finding {
                file: file.to_owned(),
                line: place.map(|place| place.line),
                column: place.map(|place| place.column),
                field: path,
                level,
                text,
            });
        }
        findings.sort_by_key(|finding| (finding.line, finding.column));
        self.findings.extend(findings);
    }

    /// A document that is no JSON.
    pub(crate) fn broken(&mut self, file: &str, error: &serde_json::Error) {
        // It says the place at its end, which stands in a field of its own here.
        let text = error.to_string();
        let end = format!(" at line {} column {}", error.line(), error.column());
        self.findings.push(Finding {
            file: file.to_owned(),
            line: Some(error.line()),
            column: Some(error.column()),
            field: String::new(),
            level: Level::Error,
            text: format!("no JSON: {}", text.strip_suffix(&end).unwrap_or(&text)),
        });
    }

    pub(crate) fn count(&self, level: Level) -> usize {
        let of_level = self
            .findings
            .iter()
            .filter(|finding| finding.level == level);
        of_level.count()
    }
}

impl Answer for Report {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&["PLACE", "FIELD?", "LEVEL", "FOUND"], "");
        for file in &self.files {
            if let Some(network) = &file.network {
                let version = file.version.as_deref().unwrap_or_default();
                let plugins = file.plugins.join(", ");
                sheet.lead(format!(
                    "{}: network {network} ({version}) by {plugins}",
                    file.file
                ));
            }
        }
        for finding in &self.findings {
            let place = match (finding.line, finding.column) {
                (Some(line), Some(column)) => format!("{}:{line}:{column}", finding.file),
                _ => finding.file.clone(),
            };
            let tone = match finding.level {
                Level::Error => Tone::Bad,
                Level::Warning => Tone::Mind,
                Level::Note => Tone::Plain,
            };
            sheet.row([
                Cell::from(place),
                Cell::from(&finding.field),
                Cell::from(finding.level).tone(tone),
                Cell::from(&finding.text),
            ]);
        }
        let many = |count: usize, word: &str| match count {
            1 => format!("1 {word}"),
            count => format!("{count} {word}s"),
        };
        sheet.note(format!(
            "{}: {}, {}",
            many(self.files.len(), "file"),
            many(self.count(Level::Error), "error"),
            many(self.count(Level::Warning), "warning"),
        ));
        sheet
    }

    fn status(&self) -> u8 {
        u8::from(!self.ok)
    }
}
