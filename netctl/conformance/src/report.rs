//! What was found.

use crate::{Level, Profile};
use serde::{Deserialize, Serialize};

/// All plugins that were examined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Does each plugin do all that it must?
    pub conforms: bool,
    /// One of each plugin, in the order asked for.
    pub plugins: Vec<PluginReport>,
}

/// One plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct PluginReport {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its file.
    pub binary: String,
    /// What it was examined as.
    pub profile: Profile,
    /// The releases of the specification that it says it supports.
    pub versions: Vec<String>,
    /// Does it do all that it must?
    pub conforms: bool,
    /// How many checks held.
    pub passed: usize,
    /// How many of MUST did not, or could not be made.
    pub failed: usize,
    /// How many of SHOULD did not.
    pub remarks: usize,
    /// How many do not apply.
    pub skipped: usize,
    /// How long it all took, in milliseconds.
    pub millis: u64,
    /// What came of each check, in the order made.
    pub findings: Vec<Finding>,
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// The check.
    pub id: String,
    /// The release that the plugin was asked in.
    pub version: String,
    /// How much is insisted.
    pub level: Level,
    /// What came of it.
    pub state: State,
    /// What is asked.
    pub asks: String,
    /// Where the specification says so.
    pub source: String,
    /// What was found; empty where it held.
    pub found: String,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// It does not apply.
    Skipped,
    /// It could not be made.
    Error,
}

impl Finding {
    /// Is it one that a plugin may not have?
    pub fn is_failure(&self) -> bool {
        match self.state {
            State::Failed => self.level == Level::Must,
            State::Error => true,
            State::Passed | State::Skipped => false,
        }
    }

    /// Is it one that leaves something to be wished for?
    pub fn is_remark(&self) -> bool {
        self.state == State::Failed && self.level == Level::Should
    }
}

impl PluginReport {
    /// Counts the findings.
    #[must_use]
    pub(crate) fn counted(mut self) -> Self {
        let count = |what: &dyn Fn(&Finding) -> bool| {
            self.findings.iter().filter(|finding| what(finding)).count()
        };
        let (failed, remarks) = (count(&Finding::is_failure), count(&Finding::is_remark));
        let passed = count(&|finding| finding.state == State::Passed);
        let skipped = count(&|finding| finding.state == State::Skipped);
        self.failed = failed;
        self.remarks = remarks;
        self.passed = passed;
        self.skipped = skipped;
        // Where nothing held, nothing was shown.
        self.conforms = failed == 0 && passed > 0;
        self
    }
}

impl Report {
    /// Of these plugins.
    pub fn of(plugins: Vec<PluginReport>) -> Report {
        Report {
            conforms: !plugins.is_empty() && plugins.iter().all(|plugin| plugin.conforms),
            plugins,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn finding(id: &str, level: Level, state: State, found: &str) -> Finding {
        Finding {
            id: id.to_owned(),
            version: "1.1.0".to_owned(),
            level,
            state,
            asks: "what is asked".to_owned(),
            source: "section 2".to_owned(),
            found: found.to_owned(),
            millis: 1500,
        }
    }

    pub(crate) fn plugin(findings: Vec<Finding>) -> PluginReport {
        PluginReport {
            kind: "x".to_owned(),
            binary: "/opt/x".to_owned(),
            profile: Profile::Interface,
            versions: vec!["1.1.0".to_owned()],
            conforms: false,
            passed: 0,
            failed: 0,
            remarks: 0,
            skipped: 0,
            millis: 1,
            findings,
        }
        .counted()
    }

    #[test]
    fn only_what_must_be_counts() {
        let passed = || finding("a", Level::Must, State::Passed, "");
        let of = |level, state| plugin(vec![passed(), finding("b", level, state, "x")]);
        assert!(of(Level::Should, State::Failed).conforms);
        assert!(of(Level::Must, State::Skipped).conforms);
        assert!(!of(Level::Must, State::Failed).conforms);
        assert!(!of(Level::Should, State::Error).conforms);
        assert!(!plugin(vec![]).conforms, "nothing was shown");
        let failed = of(Level::Must, State::Failed);
        assert_eq!((failed.passed, failed.failed, failed.remarks), (1, 1, 0));
        let report = Report::of(vec![plugin(vec![passed()]), failed]);
        assert!(!report.conforms && !Report::of(vec![]).conforms);
    }
}
