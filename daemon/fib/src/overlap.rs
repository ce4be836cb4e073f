//! Prefixes that lie in others.

use ipnetwork::IpNetwork;

/// Does a prefix lie in another, or is it the same? One that is larger is what every pool is part of: the
/// site's own network, or a private one.
pub(crate) fn lies_in(inner: IpNetwork, outer: IpNetwork) -> bool {
    let longer = inner.prefix() >= outer.prefix();
    longer
        && match (inner, outer) {
            (IpNetwork::V4(inner), IpNetwork::V4(outer)) => outer.contains(inner.network()),
            (IpNetwork::V6(inner), IpNetwork::V6(outer)) => outer.contains(inner.network()),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_does_not_lie_in_the_smaller() {
        let net = |text: &str| -> IpNetwork { text.parse().unwrap() };
        for (inner, outer, wanted) in [
            ("10.1.0.0/16", "10.0.0.0/8", true),
            ("10.1.0.0/16", "10.1.0.0/16", true),
            ("10.0.0.0/8", "10.1.0.0/16", false),
            ("10.2.0.0/16", "10.1.0.0/16", false),
            ("fd00::1/128", "fd00::/48", true),
            ("fd00::/48", "fd00::1/128", false),
            ("0.0.0.0/0", "::/0", false),
        ] {
            assert_eq!(lies_in(net(inner), net(outer)), wanted, "{inner} {outer}");
        }
    }
}
