//! A list of all addresses, held against what the containers know.

use super::lives::{Lives, Standing};
use super::{Listed, Violation};
use fairway_api::ipam::Attachment;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// What a list proves against the daemons. Blocks are told to the store a moment after they changed, so a
/// list that was taken while calls were made is asked for again until it is quiet.
pub fn check_snapshot(lives: &Lives, listed: &Listed) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut live: BTreeMap<IpAddr, &Attachment> = BTreeMap::new();
    for row in &listed.rows {
        if !seen.insert(row.ip) {
            found.push(Violation::ListedTwice { ip: row.ip });
        }
        if let (Some(who), "live") = (&row.attachment, row.state.as_str()) {
            live.insert(row.ip, who);
        }
    }
    let standing = |who: &Attachment| {
        let life = lives.of.get(who);
        life.map_or(Standing::HasNone, |life| {
            life.standing(listed.start, listed.end)
        })
    };
    for hold in &lives.holds {
        let certain = hold.from < listed.start && listed.end < hold.until;
        if !certain {
            continue;
        }
        for ip in &hold.addresses {
            if live.get(ip) != Some(&&hold.who) {
                let there = match live.get(ip) {
                    Some(other) => format!("it is {}'s", super::violation::name(other)),
                    None => "it is not live".to_owned(),
                };
                found.push(Violation::Lost {
                    who: hold.who.clone(),
                    ip: *ip,
                    how: format!("in the list of {}, {there}", listed.node),
                });
            }
        }
    }
    for (ip, who) in live {
        let how = match standing(who) {
            Standing::HasNone => "has none",
            // It may have one, but not this.
            Standing::Has if !has(lives, who, ip, listed) => "has others",
            Standing::Has | Standing::Open => continue,
        };
        let (who, how) = (who.clone(), how.to_owned());
        found.push(Violation::Leaked { who, ip, how });
    }
    found
}

fn has(lives: &Lives, who: &Attachment, ip: IpAddr, listed: &Listed) -> bool {
    let mut holds = lives.holds.iter();
    holds.any(|hold| {
        hold.who == *who
            && hold.from < listed.start
            && hold.until > listed.end
            && hold.addresses.contains(&ip)
    })
}
