//! loopback: it has no keys of its own.

use fairway_tests_differential::{Case, Ipam, Pair};

fn loopback(keys: &'static str) -> Case {
    Case::new("loopback", keys).ipam(Ipam::None)
}

cases! {
    comes_and_goes: loopback("{}").life();
    keys_of_others: loopback(r#"{"mtu": 1400, "ipam": {}}"#).one();
    twice: loopback("{}").twice();
    late: loopback("{}").late();
    in_a_chain: chained();
    down_by_another_hand: down();
    address_of_another_kind: another_address();
}

/// The result of what came before in the chain is passed on.
fn chained() -> fairway_lab::Result {
    let mut pair = Pair::new(loopback(
        r#"{"prevResult": {"cniVersion": "1.0.0", "interfaces": [{"name": "eth0",
            "mac": "02:00:00:00:00:09", "sandbox": "/x"}], "ips": [{"address": "10.1.0.2/24",
            "interface": 0, "gateway": "10.1.0.1"}], "routes": [{"dst": "0.0.0.0/0"}],
            "dns": {"nameservers": ["10.1.0.1"]}}}"#,
    ))?;
    pair.add("c1")?;
    pair.state("after ADD")?;
    pair.finish()
}

fn down() -> fairway_lab::Result {
    let mut pair = Pair::new(loopback("{}"))?;
    pair.add("c1")?;
    pair.sh_in("c1", "ip link set lo down")?;
    pair.check("c1")?;
    pair.finish()
}

fn another_address() -> fairway_lab::Result {
    let mut pair = Pair::new(loopback("{}"))?;
    pair.sh_in("c1", "ip addr add 10.5.5.5/32 dev lo")?;
    pair.add("c1")?;
    pair.finish()
}
