//! The same as tables, for a file or a pipe.

use super::{
    draw::short,
    view::{dropped, title},
};
use crate::{
    document::Answer,
    sheet::{Cell, Sheet, Tone},
};
use fairway_api::admin::Top;

impl Answer for Top {
    fn sheet(&self) -> Sheet {
        let heads = [
            "CONTAINER",
            "INTERFACE",
            "NETWORK?",
            "IN-B/S",
            "OUT-B/S",
            "IN-P/S",
            "OUT-P/S",
            "IN-LIMIT?",
            "OUT-LIMIT?",
            "DROPPED?",
        ];
        let mut sheet = Sheet::new(&heads, "no containers on this node");
        sheet.lead(format!(
            "node {}, fairwayd {}, {}",
            self.node,
            self.daemon,
            match self.connected {
                true => self.store.clone(),
                false => format!("{} AWAY", self.store),
            }
        ));
        for row in &self.containers {
            let limit = |limit: Option<u64>| Cell::from(limit.map(short).unwrap_or_default());
            let dropped = Some(dropped(row)).filter(|dropped| *dropped > 0);
            sheet.row([
                Cell::from(title(row)),
                Cell::from(&row.ifname),
                Cell::from(row.network.clone().unwrap_or_default()),
                Cell::from(short(row.received.bytes)),
                Cell::from(short(row.sent.bytes)),
                Cell::from(short(row.received.packets)),
                Cell::from(short(row.sent.packets)),
                limit(row.received.limit),
                limit(row.sent.limit),
                Cell::from(dropped.map(short).unwrap_or_default()).tone(Tone::Mind),
            ]);
        }
        for problem in &self.problems {
            sheet.note(format!("problem: {problem}"));
        }
        // Those that would be empty are left out.
        let below = [
            (self.pools.is_empty(), pools(self)),
            (self.peers.is_empty(), peers(self)),
            (self.drops.is_empty(), drops(self)),
        ];
        for (_, more) in below.into_iter().filter(|(is_empty, _)| !is_empty) {
            sheet.then(more);
        }
        sheet
    }
}

/// How full pools are.
fn pools(top: &Top) -> Sheet {
    let mut sheet = Sheet::new(&["POOL", "FULL", "USED", "SIZE"], "");
    for pool in &top.pools {
        let tone = match pool.percent {
            95.. => Tone::Bad,
            80.. => Tone::Mind,
            _ => Tone::Good,
        };
        sheet.row([
            Cell::from(&pool.name),
            Cell::from(format!("{}%", pool.percent)).tone(tone),
            Cell::from(pool.used),
            Cell::from(&pool.size),
        ]);
    }
    sheet
}

fn peers(top: &Top) -> Sheet {
    let mut sheet = Sheet::new(&["PEER", "STATE", "RECEIVED", "ADVERTISED"], "");
    for peer in &top.peers {
        let tone = match peer.state.as_str() {
            "Established" => Tone::Good,
            _ => Tone::Bad,
        };
        sheet.row([
            Cell::from(peer.address),
            Cell::from(&peer.state).tone(tone),
            Cell::from(peer.received),
            Cell::from(peer.advertised),
        ]);
    }
    sheet
}

/// Drops by policy.
fn drops(top: &Top) -> Sheet {
    let mut sheet = Sheet::new(&["DROPPED", "DIRECTION", "P/S", "ALL"], "");
    for drop in &top.drops {
        sheet.row([
            Cell::from(&drop.reason),
            Cell::from(&drop.direction),
            Cell::from(drop.packets),
            Cell::from(drop.all),
        ]);
    }
    sheet
}
