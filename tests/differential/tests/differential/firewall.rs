//! firewall: the same rules, for each key that Debian's 1.1.1 knows.

use crate::chained::{case, life, refused};

const OLD: &[&str] = &["0.4.0", "1.0.0"];

cases! {
    open: life(case("firewall", r#"{"backend": "iptables"}"#), OLD, true);
    no_keys: life(case("firewall", "{}"), OLD, true);
    an_administrators_chain: life(case("firewall", r#"{"iptablesAdminChainName": "MINE"}"#), OLD, true);
    same_bridge: life(
        case("firewall", r#"{"ingressPolicy": "same-bridge", "backend": "iptables"}"#), OLD, true,
    );
    no_such_policy: refused(case("firewall", r#"{"ingressPolicy": "closed"}"#), 7);
    wrong_type: refused(case("firewall", r#"{"ingressPolicy": 1}"#), 7);
    no_chain: refused(case("firewall", r#"{"iptablesAdminChainName": "a b"}"#), 7);
}
