//! An answer as text: a table, JSON or YAML.

use crate::{document::Document, error::NetctlError, terminal::Screen};
use clap::ValueEnum;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// One document, described by docs/schema
    Json,
    /// The same as YAML
    Yaml,
}

/// The whole answer.
pub(crate) fn document(
    answer: &dyn Document,
    format: Format,
    screen: &Screen,
) -> Result<String, NetctlError> {
    Ok(match format {
        Format::Table => answer.sheet().render(screen),
        Format::Json => answer.json(false)? + "\n",
        Format::Yaml => answer.yaml()?,
    })
}

/// One of many: JSON a line each, YAML with `---`, tables with an empty line between them.
pub(crate) fn one_of_many(
    answer: &dyn Document,
    format: Format,
    screen: &Screen,
) -> Result<String, NetctlError> {
    Ok(match format {
        Format::Table => answer.sheet().render(screen) + "\n",
        Format::Json => answer.json(true)? + "\n",
        Format::Yaml => format!("---\n{}", answer.yaml()?),
    })
}
