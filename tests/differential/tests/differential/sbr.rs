//! sbr: rules and tables. (Keys but `table` are newer than Debian's 1.1.1, and so is that.)

use crate::chained::case;
use fairway_lab::Result;

/// The rules, and what is in the tables that they lead to, of the addresses' own families.
fn same() -> Result {
    let mut pair = fairway_tests_differential::Pair::new(case("sbr", "{}"))?;
    for version in ["0.3.0", "0.4.0", "1.0.0"] {
        pair.version(version);
        crate::chained::add(&mut pair)?;
        for script in [
            "ip rule; ip -6 rule",
            "ip route show table 100; ip -6 route show table 101; ip route; ip -6 route",
        ] {
            assert_eq!(
                pair.theirs.sh_in("c1", script)?,
                pair.ours.sh_in("c1", script)?
            );
        }
        pair.check("c1")?;
        pair.del("c1")?;
        for side in [&mut pair.theirs, &mut pair.ours] {
            let rules = side.sh_in("c1", "ip rule; ip -6 rule")?;
            assert!(
                !rules.contains("77::2") && !rules.contains("10.77"),
                "{rules}"
            );
            side.sh("ip link del veth0000abcd")?;
        }
    }
    pair.finish()
}

cases! {
    rules_and_tables: same();
}
