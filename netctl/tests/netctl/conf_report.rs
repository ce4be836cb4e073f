//! What `conf check -o json` writes, for its schema.

#![expect(
    dead_code,
    reason = "it is a description: what is described is netctl's own"
)]

use schemars::JsonSchema;

/// What was looked at and what was found.
#[derive(JsonSchema)]
pub(crate) struct ConfReport {
    /// No errors; with --strict no warnings either.
    ok: bool,
    /// Each file that was judged, in the order in which runtimes take them.
    files: Vec<ConfFile>,
    /// What is wrong, or good to know: file by file, each in the order of its text.
    findings: Vec<ConfFinding>,
}

/// A file.
#[derive(JsonSchema)]
pub(crate) struct ConfFile {
    /// Its path.
    file: String,
    /// The network's name; absent where it cannot be made out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<String>,
    /// The version in which its plugins are called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    /// The types that it calls, IPAM plugins among them, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    plugins: Vec<String>,
}

/// Something that was found.
#[derive(JsonSchema)]
pub(crate) struct ConfFinding {
    /// The file, or the folder.
    file: String,
    /// The line, from 1; absent where it is about the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    /// The column, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    /// The path of the field, such as plugins[0].ipam.ranges[0][0].subnet; absent where it is about the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// How bad it is.
    level: ConfLevel,
    /// What it is.
    text: String,
}

/// error: a plugin or a runtime refuses it; warning: it works, and hardly as it was meant; note: good to know.
#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ConfLevel {
    Error,
    Warning,
    Note,
}
