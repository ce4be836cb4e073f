//! How `netctl policy explain` is told: the verdict first, then who is at the ends, then each direction
//! with what decides and all rules in the order in which they are asked.

use crate::{
    document::Answer,
    sheet::{Cell, Sheet, Tone},
};
use fairway_api::admin::{DirectionExplained, End, PolicyExplained};

impl Answer for PolicyExplained {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::default();
        let (from, to) = (&self.from, &self.to);
        let verdict = &self.verdict;
        sheet.lead(format!(
            "{verdict}: {} to {}, {}",
            from.name, to.name, self.port
        ));
        sheet.lead(format!("from: {}", end(from)));
        sheet.lead(format!("to:   {}", end(to)));
        if self.directions.is_empty() {
            sheet.lead("neither end is a pod whose packets are judged");
        }
        for direction in &self.directions {
            let whose = match direction.direction.as_str() {
                "egress" => from,
                _ => to,
            };
            sheet.then(told(direction, whose));
        }
        sheet
    }
}

/// `pod shop/db-0, node n1, 10.1.0.17, app=db`.
fn end(end: &End) -> String {
    let mut parts = vec![format!("{} {}", end.kind, end.name)];
    parts.extend(end.node.iter().map(|node| format!("node {node}")));
    let addresses = end.addresses.iter().map(ToString::to_string);
    // Of somebody unknown the address is the name.
    parts.extend(addresses.filter(|address| *address != end.name));
    parts.extend(end.labels.iter().cloned());
    let refused = end.refused_groups.iter();
    parts.extend(refused.map(|group| format!("not in group {group} (policy.group_namespaces)")));
    parts.join(", ")
}

fn told(direction: &DirectionExplained, whose: &End) -> Sheet {
    let heads = ["TIER", "POLICY", "RULE", "ACTION", "OUTCOME", "MODE?"];
    let mut sheet = Sheet::new(&heads, "");
    let DirectionExplained { verdict, why, .. } = direction;
    sheet.lead(format!(
        "{} of {}: {verdict}: {why}",
        direction.direction, whose.name
    ));
    if let Some(audit) = &direction.audit {
        sheet.lead(format!("audit: {audit}"));
    }
    for rule in &direction.rules {
        let outcome = Cell::from(&rule.outcome);
        sheet.row([
            Cell::from(&rule.tier),
            Cell::from(&rule.policy),
            Cell::from(&rule.rule),
            Cell::from(&rule.action),
            match (rule.outcome.as_str(), rule.action.as_str()) {
                ("decides", "deny") => outcome.tone(Tone::Bad),
                ("decides", _) => outcome.tone(Tone::Good),
                _ => outcome,
            },
            Cell::from(if rule.audit { "audit" } else { "" }).tone(Tone::Mind),
        ]);
    }
    sheet
}
