//! Neighbours as tables.

use super::{age, lines, maybe};
use crate::{
    document::Answer,
    sheet::{Cell, Sheet, Tone},
};
use fairway_api::admin::{BgpCounts, BgpNeighbor, BgpPeer, BgpPeers};

/// What is said where nothing makes this node speak BGP.
const OFF: &str = "BGP is off: no BgpConfig and no BgpPeer is for this node; netctl bgp neighbor add NAME --address ADDRESS --as N makes a BgpPeer";
/// What is said where it speaks, and with nobody.
const NOBODY: &str = "no neighbours: no BgpPeer is for this node; netctl bgp neighbor add NAME --address ADDRESS --as N makes one";

impl Answer for BgpPeers {
    fn sheet(&self) -> Sheet {
        let heads = [
            "PEER",
            "OBJECT",
            "AS?",
            "STATE",
            "SINCE",
            "FAMILY?",
            "RECEIVED?",
            "ACCEPTED?",
            "ADVERTISED?",
            "FLAPS",
            "WHY?",
        ];
        let empty = if self.asn.is_some() { NOBODY } else { OFF };
        let mut sheet = Sheet::new(&heads, empty);
        if let Some(asn) = self.asn {
            let router = self
                .router
                .iter()
                .map(|router| format!(", router {router}"));
            let router: String = router.collect();
            let listening = match self.listening.is_empty() {
                true => "listens nowhere".to_owned(),
                false => format!("listens on {}", self.listening.join(", ")),
            };
            sheet.lead(format!("AS {asn}{router}, {listening}"));
        }
        for peer in &self.peers {
            let cells = session(peer).into_iter().chain(counts(&peer.routes));
            sheet.row(cells.chain([flaps(peer), maybe(peer.why.as_ref())]));
        }
        for problem in &self.problems {
            sheet.note(format!("problem: {problem}"));
        }
        sheet
    }
}

/// Who it is, and how its session stands.
fn session(peer: &BgpPeer) -> [Cell; 5] {
    let tone = match peer.state.as_str() {
        "Established" => Tone::Good,
        _ => Tone::Bad,
    };
    [
        Cell::from(peer.address),
        Cell::from(&peer.object),
        maybe(peer.asn.as_ref()),
        Cell::from(&peer.state).tone(tone),
        maybe(peer.since.map(age).as_ref()),
    ]
}

/// A session that went down is to be looked at, also when it is back.
fn flaps(peer: &BgpPeer) -> Cell {
    Cell::from(peer.flaps).tone(match peer.flaps {
        0 => Tone::Plain,
        _ => Tone::Mind,
    })
}

/// Family, received, accepted and advertised: a line for each family.
fn counts(all: &[BgpCounts]) -> [Cell; 4] {
    let column = |one: &dyn Fn(&BgpCounts) -> String| {
        let column: Vec<String> = all.iter().map(one).collect();
        lines(&column)
    };
    let received = column(&|counts| match counts.stale {
        true => format!("{} (stale)", counts.received),
        false => counts.received.to_string(),
    });
    let stale = all.iter().any(|counts| counts.stale);
    [
        column(&|counts| counts.family.clone()),
        received.tone(if stale { Tone::Mind } else { Tone::Plain }),
        column(&|counts| counts.accepted.to_string()),
        column(&|counts| counts.advertised.to_string()),
    ]
}

impl Answer for BgpNeighbor {
    /// The session first, then what goes through it, what both agreed on, and what went wrong.
    fn sheet(&self) -> Sheet {
        let heads = [
            "PEER",
            "OBJECT",
            "AS?",
            "STATE",
            "SINCE",
            "ROUTER?",
            "HOLD-TIME?",
            "FLAPS",
            "WHY?",
        ];
        let mut sheet = Sheet::new(&heads, "");
        let peer = &self.peer;
        let hold_time = self.hold_time.map(|seconds| match seconds {
            0 => "none".to_owned(),
            seconds => format!("{seconds}s"),
        });
        let more = [
            maybe(self.router.as_ref()),
            maybe(hold_time.as_ref()),
            flaps(peer),
            maybe(peer.why.as_ref()),
        ];
        sheet.row(session(peer).into_iter().chain(more));
        for warning in &self.warnings {
            sheet.note(format!("warning: {}: {warning}", peer.object));
        }
        let went = [routes(self), agreed(self), Some(messages(self))];
        let wrong = [notifications(self), faults(self)];
        for section in went.into_iter().chain(wrong).flatten() {
            sheet.then(section);
        }
        sheet
    }
}

/// What goes through the session; none of these where there is nothing to be said.
fn routes(neighbor: &BgpNeighbor) -> Option<Sheet> {
    let families = &neighbor.peer.routes;
    let mut sheet = Sheet::new(&["FAMILY", "RECEIVED", "ACCEPTED", "ADVERTISED"], "");
    for family in families {
        sheet.row(counts(std::slice::from_ref(family)));
    }
    (!families.is_empty()).then_some(sheet)
}

fn agreed(neighbor: &BgpNeighbor) -> Option<Sheet> {
    let mut sheet = Sheet::new(&["AGREED"], "");
    for one in &neighbor.agreed {
        sheet.row([Cell::from(one)]);
    }
    (!neighbor.agreed.is_empty()).then_some(sheet)
}

fn messages(neighbor: &BgpNeighbor) -> Sheet {
    let heads = [
        "MESSAGES",
        "OPEN",
        "UPDATE",
        "NOTIFICATION",
        "KEEPALIVE",
        "ROUTE-REFRESH",
    ];
    let mut sheet = Sheet::new(&heads, "");
    for (way, messages) in [("received", &neighbor.received), ("sent", &neighbor.sent)] {
        sheet.row([
            Cell::from(way),
            Cell::from(messages.open),
            Cell::from(messages.update),
            Cell::from(messages.notification),
            Cell::from(messages.keepalive),
            Cell::from(messages.refresh),
        ]);
    }
    sheet
}

fn notifications(neighbor: &BgpNeighbor) -> Option<Sheet> {
    let mut sheet = Sheet::new(&["NOTIFICATION", "AGO", "WHAT"], "");
    let (received, sent) = (&neighbor.error_received, &neighbor.error_sent);
    for (way, error) in [("received", received), ("sent", sent)] {
        if let Some(error) = error {
            let what = Cell::from(&error.what).tone(Tone::Mind);
            sheet.row([Cell::from(way), Cell::from(age(error.at)), what]);
        }
    }
    (received.is_some() || sent.is_some()).then_some(sheet)
}

fn faults(neighbor: &BgpNeighbor) -> Option<Sheet> {
    let mut sheet = Sheet::new(&["FAULTS", "LAST?"], "");
    let many = Cell::from(neighbor.faults).tone(Tone::Mind);
    sheet.row([many, maybe(neighbor.last_fault.as_ref())]);
    (neighbor.faults > 0).then_some(sheet)
}
