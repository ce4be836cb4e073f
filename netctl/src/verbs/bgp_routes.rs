//! Routes of BGP as a table.

use super::{lines, maybe};
use crate::{
    document::Answer,
    sheet::{Cell, Sheet, Tone},
};
use fairway_api::admin::BgpRoute;

impl Answer for Vec<BgpRoute> {
    fn sheet(&self) -> Sheet {
        let heads = [
            "BEST?",
            "PREFIX",
            "NEXT-HOP",
            "VIA?",
            "PATH?",
            "ORIGIN",
            "LOCAL-PREF?",
            "MED?",
            "COMMUNITIES?",
            "FROM",
            "WHY?",
        ];
        let mut sheet = Sheet::new(&heads, "no such routes");
        for route in self {
            sheet.row([
                Cell::from(if route.best { "*" } else { "" }).tone(Tone::Good),
                Cell::from(&route.prefix),
                next_hop(route),
                lines(&route.via),
                Cell::from(&route.as_path),
                Cell::from(&route.origin),
                maybe(route.local_pref.as_ref()),
                maybe(route.med.as_ref()),
                lines(&route.communities),
                from(route),
                Cell::from(&route.why),
            ]);
        }
        sheet
    }
}

/// `here` where packets go no further than this node.
fn next_hop(route: &BgpRoute) -> Cell {
    let here = || "here".to_owned();
    Cell::from(route.next_hop.map_or_else(here, |hop| hop.to_string()))
}

/// Who told it, else what it is of this node.
fn from(route: &BgpRoute) -> Cell {
    let own = || route.source.clone();
    Cell::from(route.peer.map_or_else(own, |peer| peer.to_string()))
}
