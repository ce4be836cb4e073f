use super::*;
use crate::routes::Found;
use fairway_ipam::record::{UnderlayAddress, UnderlayRecord};

fn ground(families: &[Family]) -> Ground {
    let address = UnderlayAddress {
        address: "192.0.2.1".parse().unwrap(),
        prefix: 24,
    };
    Ground {
        underlay: Some(Found {
            link: "eth0".into(),
            record: UnderlayRecord {
                mtu: 1500,
                addresses: vec![address],
            },
        }),
        no_underlay: String::new(),
        problems: Vec::new(),
        networks: 1,
        families: families.to_vec(),
        wraps: true,
        device: true,
    }
}

/// A base chain `c` and its rules, as `nft -j` lists them.
fn listed(family: &str, hook: &str, policy: &str, rules: &[(&str, &str)]) -> Rules {
    let mut text = format!(
        r#"{{"nftables": [{{"metainfo": {{"version": "1.0.6"}}}},
           {{"chain": {{"family": "{family}", "table": "t", "name": "c", "type": "filter", "hook": "{hook}",
                        "prio": 0, "policy": "{policy}"}}}}"#
    );
    for (chain, parts) in rules {
        text += &format!(
            r#", {{"rule": {{"family": "{family}", "table": "t", "chain": "{chain}", "expr": [{parts}]}}}}"#
        );
    }
    Rules {
        nft: Some(Ok(text + "]}")),
        legacy: Vec::new(),
    }
}

fn legacy(text: &str) -> Rules {
    Rules {
        nft: Some(Ok(r#"{"nftables": []}"#.into())),
        legacy: vec![(Family::V4, Ok(text.into()))],
    }
}

fn lines(families: &[Family], rules: &Rules) -> Vec<String> {
    let checks = judge(&ground(families), 4789, rules).into_iter();
    let line = |c: Check| format!("{} {} [{}]", c.state, c.text, c.remedy.unwrap_or_default());
    checks.map(line).collect()
}

fn fine(rules: &Rules) -> bool {
    lines(&BOTH, rules)[0].starts_with("ok ")
}

const BOTH: [Family; 2] = [Family::V4, Family::V6];
const FROM: &str = r#"{"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "fw*"}}, {"accept": null}"#;
const TO: &str = r#"{"match": {"op": "==", "left": {"meta": {"key": "oifname"}}, "right": {"set": ["a", "fw*"]}}},
                    {"counter": {"packets": 0, "bytes": 0}}, {"accept": null}"#;

#[test]
fn a_chain_that_drops_packets_of_containers_is_told_with_what_mends_it() {
    assert!(fine(&listed("inet", "forward", "accept", &[])));
    let told = lines(&BOTH, &listed("inet", "forward", "drop", &[]));
    assert_eq!(told.len(), 1);
    assert_eq!(
        told[0],
        "warning chain c of table inet t drops what it does not know, and has no rule that accepts packets from \
         and to containers [nft insert rule inet t c iifname '\"fw*\"' accept; nft insert rule inet t c oifname \
         '\"fw*\"' accept]"
    );
    // One of the two is there.
    let told = lines(&BOTH, &listed("ip", "forward", "drop", &[("c", FROM)]));
    assert!(told[0].contains(
        "accepts packets to containers [nft insert rule ip t c oifname '\"fw*\"' accept]"
    ));
    assert!(fine(&listed(
        "inet",
        "forward",
        "drop",
        &[("c", FROM), ("c", TO)]
    )));
    // In a chain that it goes to, and in one that it does not.
    let jump = ("c", r#"{"jump": {"target": "d"}}"#);
    assert!(fine(&listed(
        "inet",
        "forward",
        "drop",
        &[jump, ("d", FROM), ("d", TO)]
    )));
    assert!(!fine(&listed(
        "inet",
        "forward",
        "drop",
        &[("d", FROM), ("d", TO)]
    )));
    assert!(fine(&listed(
        "inet",
        "forward",
        "drop",
        &[("c", r#"{"accept": null}"#)]
    )));
}

#[test]
fn a_rule_at_the_end_drops_as_a_policy_does() {
    for verdict in [
        r#"{"drop": null}"#,
        r#"{"counter": {}}, {"reject": {"type": "icmpx"}}"#,
    ] {
        assert!(!fine(&listed(
            "inet",
            "forward",
            "accept",
            &[("c", verdict)]
        )));
    }
    let some = r#"{"match": {"op": "==", "left": {"ct": {"key": "state"}}, "right": "invalid"}}, {"drop": null}"#;
    assert!(fine(&listed("inet", "forward", "accept", &[("c", some)])));
    // A rule that asks for more accepts not all.
    let more = format!(
        r#"{{"match": {{"op": "==", "left": {{"ct": {{"key": "state"}}}}, "right": "new"}}}}, {FROM}"#
    );
    assert!(!fine(&listed(
        "inet",
        "forward",
        "drop",
        &[("c", &more), ("c", TO)]
    )));
    let other = FROM.replace("==", "!=");
    assert!(!fine(&listed(
        "inet",
        "forward",
        "drop",
        &[("c", &other), ("c", TO)]
    )));
}

#[test]
fn the_nodes_own_table_is_not_in_the_way() {
    let mut rules = listed("inet", "forward", "accept", &[("c", r#"{"drop": null}"#)]);
    assert!(!fine(&rules));
    let Some(Ok(text)) = &mut rules.nft else {
        panic!("no text")
    };
    *text = text.replace(r#""table": "t""#, r#""table": "fairway""#);
    assert!(fine(&rules), "{rules:?}");
}

#[test]
fn only_families_that_are_used_matter() {
    let v6 = listed("ip6", "forward", "drop", &[]);
    assert!(lines(&[Family::V4], &v6)[0].starts_with("ok"));
    assert!(lines(&[Family::V6], &v6)[0].starts_with("warning"));
    assert!(lines(&[], &listed("inet", "forward", "drop", &[]))[0].starts_with("ok"));
    // The overlay's packets are of the underlay's family.
    assert!(lines(&BOTH, &listed("ip6", "input", "drop", &[]))[0].starts_with("ok"));
    assert!(lines(&BOTH, &listed("bridge", "forward", "drop", &[]))[0].starts_with("ok"));
}

#[test]
fn the_overlays_port_is_to_be_let_in() {
    let told = lines(&BOTH, &listed("ip", "input", "drop", &[]));
    assert!(
        told[0].ends_with(
            "the overlay's UDP port 4789 [nft insert rule ip t c udp dport 4789 accept]"
        )
    );
    let port = |right: &str| {
        let rule = format!(
            r#"{{"match": {{"op": "==", "left": {{"payload": {{"protocol": "udp", "field": "dport"}}}},
                           "right": {right}}}}}, {{"accept": null}}"#
        );
        fine(&listed("inet", "input", "drop", &[("c", &rule)]))
    };
    assert!(
        port("4789")
            && port(r#"{"set": [53, {"range": [4000, 5000]}]}"#)
            && port(r#"{"range": [1, 4789]}"#)
    );
    assert!(
        !port("53") && !port(r#"{"set": [53, {"range": [4790, 5000]}]}"#) && !port(r#""@ports""#)
    );
    let uplink = |name: &str| {
        let rule = FROM.replace("fw*", name);
        fine(&listed("inet", "input", "drop", &[("c", &rule)]))
    };
    assert!(uplink("eth0") && uplink("eth*") && !uplink("eth1") && !uplink("lo"));
    let never = Ground {
        wraps: false,
        ..ground(&BOTH)
    };
    assert_eq!(
        judge(&never, 4789, &listed("ip", "input", "drop", &[]))[0].state,
        "ok"
    );
}

#[test]
fn the_older_tables_are_read_as_well() {
    let accept = "-P INPUT ACCEPT\n-P FORWARD ACCEPT\n-P OUTPUT ACCEPT\n";
    assert!(fine(&legacy(accept)));
    let drop = "-P INPUT DROP\n-P FORWARD DROP\n-P OUTPUT ACCEPT\n-N ours\n";
    let told = lines(&BOTH, &legacy(drop));
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("warning chain FORWARD of iptables-legacy drops"));
    assert!(told[0].ends_with(
        "[iptables-legacy -I FORWARD -i fw+ -j ACCEPT; iptables-legacy -I FORWARD -o fw+ -j ACCEPT]"
    ));
    assert!(told[1].ends_with("[iptables-legacy -I INPUT -p udp --dport 4789 -j ACCEPT]"));
    let passable = format!(
        "{drop}-A INPUT -p udp -m udp --dport 4789 -j ACCEPT\n-A FORWARD -j ours\n-A ours -i fw+ -j ACCEPT\n\
         -A ours -o fw+ -j ACCEPT\n"
    );
    assert!(fine(&legacy(&passable)));
    let ports = |ports: &str| {
        let rule =
            format!("-P INPUT DROP\n-A INPUT -p udp -m multiport --dports {ports} -j ACCEPT");
        fine(&legacy(&rule))
    };
    assert!(ports("53,4000:5000") && ports("4789") && !ports("53,4790:5000"));
    assert!(!fine(&legacy(
        "-P FORWARD ACCEPT\n-A FORWARD -j REJECT --reject-with icmp-host-prohibited"
    )));
}

#[test]
fn what_cannot_be_read_is_told() {
    let told = lines(&BOTH, &Rules::default());
    assert!(told[0].starts_with("warning nft is not installed"));
    let refused = Rules {
        nft: Some(Err("not permitted".into())),
        legacy: vec![(Family::V6, Err("no".into()))],
    };
    let told = lines(&BOTH, &refused);
    assert_eq!(
        told,
        [
            "warning nft -j list ruleset: not permitted []",
            "warning ip6tables-legacy: no []"
        ]
    );
    let torn = Rules {
        nft: Some(Ok("{".into())),
        legacy: Vec::new(),
    };
    assert!(lines(&BOTH, &torn)[0].starts_with("warning nft -j list ruleset: EOF"));
}
