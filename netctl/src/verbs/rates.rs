//! Rates as tables.

use super::{lines, maybe, short};
use crate::{
    clock,
    document::Answer,
    sheet::{Cell, Sheet, Tone},
};
use fairway_api::admin::{Direction, Rate, RateChanged, RateHeld, RateOverride, RateWish};

impl Answer for Vec<Rate> {
    fn sheet(&self) -> Sheet {
        let heads = [
            "WORKLOAD",
            "INTERFACE",
            "DIRECTION",
            "RATE?",
            "PACKETS/S?",
            "DSCP?",
            "MEANS",
            "DECIDED-BY?",
            "SENT?",
            "DROPPED?",
        ];
        let mut sheet = Sheet::new(&heads, "nobody is limited or marked on this node");
        for rate in self {
            let sent = rate.sent.as_ref();
            sheet.row([
                Cell::from(title(rate)),
                Cell::from(&rate.attachment.ifname),
                Cell::from(direction(rate.direction)),
                maybe(rate.rate.map(bits).as_ref()),
                maybe(rate.packets.as_ref()),
                maybe(rate.dscp.as_ref()),
                means(rate),
                lines(&deciders(rate)),
                maybe(sent.map(|sent| sent.packets).as_ref()),
                dropped(sent.map(|sent| sent.dropped)),
            ]);
            for problem in &rate.problems {
                let (title, ifname) = (title(rate), &rate.attachment.ifname);
                let direction = direction(rate.direction);
                sheet.note(format!("problem: {title} {ifname} {direction}: {problem}"));
            }
        }
        sheet
    }
}

/// The workload's name, else the container's id.
fn title(rate: &Rate) -> String {
    let short = || short(&rate.attachment.container);
    rate.workload.clone().unwrap_or_else(short)
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::Ingress => "ingress",
        Direction::Egress => "egress",
    }
}

/// What only drops is to be looked at; what keeps nothing is bad where there is something to be kept.
fn means(rate: &Rate) -> Cell {
    let limited = !rate.limits.is_empty();
    Cell::from(&rate.means).tone(match rate.means.as_str() {
        "none" if limited => Tone::Bad,
        "police" => Tone::Mind,
        _ => Tone::Good,
    })
}

fn dropped(packets: Option<u64>) -> Cell {
    let tone = match packets {
        Some(1..) => Tone::Mind,
        _ => Tone::Plain,
    };
    maybe(packets.as_ref()).tone(tone)
}

/// The limit with the least rate, and where another has the least number of packets that one too.
fn deciders(rate: &Rate) -> Vec<String> {
    let of = |has: &dyn Fn(&RateHeld) -> bool| rate.limits.iter().find(|held| has(held));
    let by_rate = of(&|held| held.rate.is_some() && held.rate == rate.rate);
    let by_packets = of(&|held| held.packets.is_some() && held.packets == rate.packets);
    let mut said: Vec<String> = by_rate.into_iter().chain(by_packets).map(held).collect();
    said.dedup();
    said
}

/// `container: RateLimit/web`; of those that share it, `namespace shop: RateLimit/shop`.
fn held(held: &RateHeld) -> String {
    let (scope, of, reason) = (&held.scope, &held.of, &held.reason);
    match scope.as_str() {
        "container" => format!("{scope}: {reason}"),
        _ => format!("{scope} {of}: {reason}"),
    }
}

/// In the largest unit of which it is a whole number, as `rate set` takes it.
fn bits(rate: u64) -> String {
    const UNITS: [(&str, u64); 4] = [
        ("Tbit", 1_000_000_000_000),
        ("Gbit", 1_000_000_000),
        ("Mbit", 1_000_000),
        ("kbit", 1_000),
    ];
    match UNITS
        .iter()
        .find(|(_, factor)| rate.is_multiple_of(*factor))
    {
        Some((unit, factor)) if rate > 0 => format!("{}{unit}", rate / factor),
        _ => format!("{rate}bit"),
    }
}

impl Answer for RateOverride {
    fn sheet(&self) -> Sheet {
        let heads = ["WORKLOAD", "INGRESS?", "EGRESS?", "REASON?"];
        let mut sheet = Sheet::new(&heads, "");
        let said = |wish: &Option<RateWish>| wish.as_ref().map(shown).unwrap_or_default();
        sheet.row([
            Cell::from(&self.workload),
            Cell::from(said(&self.ingress)),
            Cell::from(said(&self.egress)),
            maybe(self.reason.as_ref()),
        ]);
        for warning in &self.warnings {
            sheet.note(format!("warning: {}: {warning}", self.workload));
        }
        sheet
    }
}

/// `20M, burst 64Ki, 1000 packets/s, dscp 46`, or `none`.
pub(super) fn shown(wish: &RateWish) -> String {
    let parts = [
        wish.rate.clone(),
        wish.burst.as_ref().map(|burst| format!("burst {burst}")),
        wish.packets.map(|packets| format!("{packets} packets/s")),
        wish.dscp.map(|dscp| format!("dscp {dscp}")),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    match parts.is_empty() {
        true => "none".to_owned(),
        false => parts.join(", "),
    }
}

impl Answer for Vec<RateChanged> {
    fn sheet(&self) -> Sheet {
        let heads = ["TIME", "SCOPE", "OF", "DIRECTION", "FROM", "TO", "REASON"];
        let mut sheet = Sheet::new(&heads, "no limit has changed since the daemon began");
        let none = "none".to_owned();
        for changed in self {
            sheet.row([
                Cell::from(clock::utc_second(changed.at)),
                Cell::from(&changed.scope),
                Cell::from(&changed.of),
                Cell::from(direction(changed.direction)),
                Cell::from(changed.from.as_ref().unwrap_or(&none)),
                Cell::from(changed.to.as_ref().unwrap_or(&none)),
                Cell::from(&changed.reason),
            ]);
        }
        sheet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_written_in_whole_units() {
        for (rate, text) in [
            (0, "0bit"),
            (1_234_567, "1234567bit"),
            (1_500_000, "1500kbit"),
            (20_000_000, "20Mbit"),
            (1_000_000_000_000, "1Tbit"),
        ] {
            assert_eq!(bits(rate), text);
        }
    }

    #[test]
    fn what_is_wished_is_shown_whole() {
        let mut wish = RateWish::default();
        assert_eq!(shown(&wish), "none");
        wish.dscp = Some(46);
        assert_eq!(shown(&wish), "dscp 46");
        wish.rate = Some("20M".to_owned());
        wish.packets = Some(9);
        assert_eq!(shown(&wish), "20M, 9 packets/s, dscp 46");
    }
}
