//! `netctl flows`: what became of packets.

use super::maybe;
use crate::{
    clock,
    document::{Answer, Job},
    sheet::{Cell, Sheet, Tone},
    terminal::plain,
};
use clap::Args;
use fairway_api::{
    Method,
    admin::{Flow, FlowList, Flows},
};
use std::{
    net::IpAddr,
    time::{SystemTime, UNIX_EPOCH},
};

#[derive(Debug, Args)]
pub(crate) struct FlowsArgs {
    /// Only what was dropped, or would have been were it not in audit
    #[arg(long)]
    pub(crate) drops: bool,
    /// Go on, a line for each flow as it comes, until interrupted; `-o json`: a document a line
    #[arg(short, long)]
    pub(crate) follow: bool,
}

impl FlowsArgs {
    /// What the daemon still has: it gives it in parts.
    pub(crate) fn job(&self) -> Job {
        let list = FlowList {
            drops: self.drops,
            ..FlowList::default()
        };
        let drops = self.drops;
        Job::asking(Method::FlowList(list), move |client, method, progress| {
            let begun = now();
            let mut all: Flows = client.call_with(method, &mut *progress)?;
            // What comes meanwhile is not waited for: it might never end.
            while all.flows.last().is_some_and(|flow| flow.at < begun) {
                let list = FlowList {
                    after: Some(all.next),
                    drops,
                    wait_ms: 0,
                };
                let part: Flows = client.call_with(Method::FlowList(list), &mut *progress)?;
                if part.flows.is_empty() || part.next <= all.next {
                    break;
                }
                all.flows.extend(part.flows);
                all.next = part.next;
                all.missed += part.missed;
            }
            Ok(all)
        })
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX))
}

impl Answer for Flows {
    fn sheet(&self) -> Sheet {
        let heads = [
            "TIME",
            "VERDICT",
            "DIRECTION",
            "ENDPOINT",
            "SOURCE",
            "DESTINATION",
            "PROTOCOL",
            "BYTES",
            "REASON?",
            "RULE?",
        ];
        let mut sheet = Sheet::new(&heads, "no flows");
        for flow in &self.flows {
            sheet.row([
                Cell::from(clock::utc(flow.at)),
                Cell::from(&flow.verdict).tone(tone(flow)),
                Cell::from(&flow.direction),
                Cell::from(&flow.endpoint),
                Cell::from(source(flow)),
                Cell::from(destination(flow)),
                Cell::from(&flow.protocol),
                Cell::from(flow.bytes),
                Cell::from(&flow.reason),
                maybe(flow.rule.as_ref()),
            ]);
        }
        if self.missed > 0 {
            sheet.note(missed(self.missed));
        }
        sheet
    }
}

impl Answer for Flow {
    fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::default();
        sheet.note(line(self, false));
        sheet
    }
}

/// What is said of flows that nobody can tell of any more.
pub(crate) fn missed(many: u64) -> String {
    match many {
        1 => "1 flow is missing: they came faster than they were told".to_owned(),
        many => format!("{many} flows are missing: they came faster than they were told"),
    }
}

/// A flow on one line.
pub(crate) fn line(flow: &Flow, colour: bool) -> String {
    let verdict = format!("{:<8}", flow.verdict);
    let verdict = match (colour, tone(flow)) {
        (true, Tone::Bad) => console::style(verdict)
            .red()
            .force_styling(true)
            .to_string(),
        (true, Tone::Mind) => console::style(verdict)
            .yellow()
            .force_styling(true)
            .to_string(),
        (true, Tone::Good) => console::style(verdict)
            .green()
            .force_styling(true)
            .to_string(),
        _ => verdict,
    };
    let mut line = format!(
        "{} {verdict} {:<7} {}: {} {} to {}, {} bytes",
        clock::utc(flow.at),
        flow.direction,
        flow.endpoint,
        flow.protocol,
        source(flow),
        destination(flow),
        flow.bytes,
    );
    for part in [Some(&flow.reason), flow.rule.as_ref()]
        .into_iter()
        .flatten()
    {
        if !part.is_empty() {
            line.push_str(", ");
            line.push_str(&plain(part));
        }
    }
    line
}

fn tone(flow: &Flow) -> Tone {
    match flow.verdict.as_str() {
        "allowed" => Tone::Good,
        "audited" => Tone::Mind,
        _ => Tone::Bad,
    }
}

fn source(flow: &Flow) -> String {
    end(flow.source, flow.source_port, flow.source_name.as_ref())
}

fn destination(flow: &Flow) -> String {
    end(
        flow.destination,
        flow.destination_port,
        flow.destination_name.as_ref(),
    )
}

/// `10.1.0.17:80 (shop/db-0)`, `[fd01::5]:80`, `-`.
fn end(address: Option<IpAddr>, port: Option<u16>, name: Option<&String>) -> String {
    let place = match (address, port) {
        (None, None) => "-".to_owned(),
        (None, Some(port)) => format!(":{port}"),
        (Some(address), None) => address.to_string(),
        (Some(IpAddr::V4(address)), Some(port)) => format!("{address}:{port}"),
        (Some(IpAddr::V6(address)), Some(port)) => format!("[{address}]:{port}"),
    };
    match name {
        Some(name) => format!("{place} ({name})"),
        None => place,
    }
}
