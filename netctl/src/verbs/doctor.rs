//! `netctl doctor`.

use crate::{
    document::{Answer, Job},
    sheet::{Cell, Sheet, Tone},
};
use fairway_api::{Method, admin::Doctor};

/// Whether this node's containers are reached, and what is in the way.
pub(crate) fn doctor() -> Job {
    // Not to be watched: each time every node is asked.
    Job::new::<Doctor>(Method::Doctor)
}

impl Answer for Doctor {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::new(&["CHECK", "STATE", "FOUND"], "");
        for check in &self.checks {
            sheet.row([
                Cell::from(&check.name),
                Cell::from(&check.state).tone(match check.state.as_str() {
                    "ok" => Tone::Good,
                    "warning" => Tone::Mind,
                    _ => Tone::Bad,
                }),
                match &check.remedy {
                    Some(remedy) => Cell::from(format!("{}\nremedy: {remedy}", check.text)),
                    None => Cell::from(&check.text),
                },
            ]);
        }
        sheet.note(format!("looked from: node {}", self.node));
        sheet
    }

    /// 1 where a check failed.
    fn status(&self) -> u8 {
        u8::from(self.checks.iter().any(|check| check.state == "failed"))
    }
}
