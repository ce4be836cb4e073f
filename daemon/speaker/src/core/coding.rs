//! How bytes are read and written follows from what was agreed on.

use fairway_bgp::Family;
use fairway_bgp::session::{Agreed, RefreshAbility};
use fairway_bgp::wire::Coding;

pub(super) fn coding(agreed: &Agreed) -> Coding {
    let families = agreed.families();
    let v4 = agreed.families.iter();
    let mut v4 = v4.filter(|one| one.family == Family::Ipv4);
    Coding {
        ipv4: families.contains(Family::Ipv4),
        ipv6: families.contains(Family::Ipv6),
        ipv4_by_ipv6: v4.any(|one| one.ipv6_next_hops),
        four_octets: agreed.four_octets,
        extended_messages: agreed.extended_messages,
        enhanced_refresh: agreed.refresh == RefreshAbility::Enhanced,
        internal: agreed.internal,
        ..Coding::default()
    }
}
