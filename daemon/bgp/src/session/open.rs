//! OPENs: what is said of oneself, and what follows from what the neighbour says of itself.

use super::agreed::{Agreed, AgreedFamily, AgreedGraceful, RefreshAbility};
use super::config::{GracefulMode, Neighbour};
use super::{Families, Fault, Speaker};
use crate::Family;
use crate::message::{Capability, GracefulRestart, Open};

/// RFC 8950: routes of IPv4 unicast by next hops of IPv6.
const IPV6_NEXT_HOPS: (u16, u16, u16) = (1, 1, 2);

/// What is said of oneself. `restarted`: this speaker is just coming back, and went on forwarding packets of these.
pub(super) fn ours(neighbour: &Neighbour, restarted: Option<Families>) -> Open {
    let settings = neighbour.settings();
    let abilities = settings.abilities;
    let mut capabilities = Vec::new();
    for family in neighbour.families().iter() {
        capabilities.push(Capability::Multiprotocol(family.afi(), family.safi()));
    }
    if abilities.refresh {
        capabilities.push(Capability::Refresh);
    }
    if settings.families.iter().any(|one| one.ipv6_next_hops) {
        capabilities.push(Capability::ExtendedNextHop(vec![IPV6_NEXT_HOPS]));
    }
    if abilities.extended_messages {
        capabilities.push(Capability::ExtendedMessage);
    }
    capabilities.extend(graceful(neighbour, restarted).map(Capability::GracefulRestart));
    if abilities.four_octets {
        capabilities.push(Capability::FourOctets(settings.local.asn));
    }
    if abilities.enhanced_refresh {
        capabilities.push(Capability::EnhancedRefresh);
    }
    Open {
        asn: settings.local.asn,
        hold_time: settings.hold_time,
        router: settings.local.router,
        capabilities,
    }
}

/// A speaker that did not restart has lost nothing: a session that breaks leaves its forwarding as it is.
fn graceful(neighbour: &Neighbour, restarted: Option<Families>) -> Option<GracefulRestart> {
    let settings = neighbour.settings();
    let families = match settings.graceful.mode {
        GracefulMode::Off => return None,
        GracefulMode::Helper => Vec::new(),
        GracefulMode::Full => {
            let families = settings.families.iter();
            let forwarding = families.map(|one| {
                let kept = restarted.is_none_or(|kept| kept.contains(one.family));
                (one.family, one.forwarding && kept)
            });
            forwarding.collect()
        }
    };
    Some(GracefulRestart {
        restarting: restarted.is_some() && settings.graceful.mode == GracefulMode::Full,
        notification: settings.graceful.notification,
        seconds: settings.graceful.restart_time,
        families,
    })
}

/// What follows from both OPENs; or what is wrong with the neighbour's (RFC 4271, 6.2).
pub(super) fn negotiate(
    neighbour: &Neighbour,
    ours: &Open,
    theirs: &Open,
) -> Result<Agreed, Fault> {
    let settings = neighbour.settings();
    let local = settings.local;
    if !settings.remote_as.admits(local.asn, theirs.asn) {
        return Err(Fault::Asn {
            found: theirs.asn,
            wanted: settings.remote_as.clone(),
        });
    }
    let internal = local.asn == theirs.asn;
    if internal && local.router == theirs.router {
        return Err(Fault::RouterId(theirs.router));
    }
    let spoken = families(theirs);
    let lacks: Families = settings
        .families
        .iter()
        .filter(|one| one.required && !spoken.contains(one.family))
        .map(|one| one.family)
        .collect();
    if !lacks.is_empty() {
        return Err(Fault::Lacks(lacks));
    }
    let both = neighbour.families().and(spoken);
    if both.is_empty() {
        return Err(Fault::NoFamily(neighbour.families()));
    }
    let have = |test: fn(&Capability) -> bool| {
        ours.capabilities.iter().any(test) && theirs.capabilities.iter().any(test)
    };
    let next_hops = have(
        |one| matches!(one, Capability::ExtendedNextHop(all) if all.contains(&IPV6_NEXT_HOPS)),
    );
    let families = both.iter().map(|family| AgreedFamily {
        family,
        ipv6_next_hops: next_hops && family == Family::Ipv4,
    });
    let refresh = have(|one| *one == Capability::Refresh);
    let enhanced = have(|one| *one == Capability::EnhancedRefresh);
    Ok(Agreed {
        local,
        remote: Speaker {
            asn: theirs.asn,
            router: theirs.router,
        },
        internal,
        hold_time: ours.hold_time.min(theirs.hold_time),
        families: families.collect(),
        four_octets: have(|one| matches!(one, Capability::FourOctets(_))),
        extended_messages: have(|one| *one == Capability::ExtendedMessage),
        refresh: match (refresh, enhanced) {
            (true, true) => RefreshAbility::Enhanced,
            (true, false) => RefreshAbility::Plain,
            // RFC 7313 has no way to ask of its own.
            (false, _) => RefreshAbility::None,
        },
        graceful: restart(ours)
            .zip(restart(theirs))
            .map(|(ours, theirs)| AgreedGraceful {
                ours: ours.clone(),
                theirs: theirs.clone(),
            }),
        role: theirs.capabilities.iter().find_map(|one| match one {
            Capability::Role(role) => Some(*role),
            _ => None,
        }),
    })
}

/// Where no family is named at all, IPv4 unicast is spoken (RFC 4760, 8).
fn families(open: &Open) -> Families {
    let mut named = open.capabilities.iter().filter_map(|one| match one {
        Capability::Multiprotocol(afi, safi) => Some((*afi, *safi)),
        _ => None,
    });
    let Some(first) = named.next() else {
        return Families::from_iter([Family::Ipv4]);
    };
    std::iter::once(first)
        .chain(named)
        .filter_map(|(afi, safi)| Family::of(afi, safi))
        .collect()
}

/// Of several, the last counts (RFC 5492 leaves it open, RFC 4724 has but one).
fn restart(open: &Open) -> Option<&GracefulRestart> {
    let mut all = open.capabilities.iter().rev();
    all.find_map(|one| match one {
        Capability::GracefulRestart(restart) => Some(restart),
        _ => None,
    })
}
