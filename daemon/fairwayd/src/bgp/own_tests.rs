use super::*;
use fairway_kv::{ROOT, Revision};

fn entry(key: &str, value: &str) -> Entry {
    Entry {
        key: format!("{ROOT}{key}"),
        value: value.as_bytes().to_vec(),
        created: Revision(1),
        modified: Revision(1),
    }
}

fn block(node: &str) -> String {
    format!(
        r#"{{"version":1,"owner":{{"node":"{node}","journal":"j"}},"epoch":1,"free":60,"entries":[]}}"#
    )
}

fn claim(node: &str, ip: &str) -> String {
    let holder = format!(
        r#""holder":{{"node":"{node}","journal":"j","attachment":{{"network":"n","container":"c","ifname":"e"}},"seq":1,"since":1}}"#
    );
    format!(
        r#"{{"version":1,"claim":{{"uid":"u","kind":"sticky","parts":[{{"state":"granted","ip":"{ip}"}}],"release":"never","handover":"wait",{holder},"created":1}}}}"#
    )
}

fn cluster() -> Vec<Entry> {
    let pool = r#"{"version":1,"ranges":[{"cidr":"10.1.0.0/16"},{"cidr":"fd00:1::/64"}]}"#;
    vec![
        entry("pools/web", pool),
        entry("blocks/web/10.1.0.0/26", &block("n1")),
        entry("blocks/web/10.1.1.0/26", &block("n2")),
        entry("blocks/db/fd00:2::/122", &block("n1")),
        entry("claims/web/shop/db-0", &claim("n1", "10.1.1.9")),
        entry("claims/web/shop/db-1", &claim("n1", "10.1.0.9")),
        entry("claims/web/shop/db-2", &claim("n2", "10.1.0.10")),
    ]
}

fn reset(entries: Vec<Entry>) -> Update {
    Update::Reset {
        revision: Revision(1),
        entries,
    }
}

fn own() -> Own {
    let mut own = Own::new(NodeName::new("n1").unwrap());
    own.take(&reset(cluster()));
    own
}

fn routes(own: &Own, advertise: &Advertise) -> Vec<String> {
    let routes = own.routes(advertise).into_iter();
    routes
        .map(|(source, prefix)| format!("{source} {prefix}"))
        .collect()
}

#[test]
fn own_blocks_and_claims_away_from_them() {
    let own = own();
    let blocks = ["block 10.1.0.0/26", "block fd00:2::/122"];
    let claim = "claim 10.1.1.9/32";
    let usual = Advertise::default();
    assert_eq!(routes(&own, &usual), [claim, blocks[0], blocks[1]]);
    let only = |change: fn(&mut Advertise)| {
        let mut advertise = Advertise::default();
        change(&mut advertise);
        routes(&own, &advertise)
    };
    assert_eq!(only(|all| all.blocks = false), [claim]);
    assert_eq!(only(|all| all.claims = false), blocks);
    let web = only(|all| all.pools = Some(vec!["web".to_owned()]));
    assert_eq!(web, [claim, blocks[0]]);
    let more = only(|all| {
        (all.blocks, all.claims) = (false, false);
        all.whole_pools = vec!["web".to_owned(), "none".to_owned()];
        all.addresses = vec!["198.51.100.7/32".parse().unwrap()];
    });
    let chosen = "chosen address 198.51.100.7/32";
    assert_eq!(more, [chosen, "pool 10.1.0.0/16", "pool fd00:1::/64"]);
    let missing = Advertise {
        whole_pools: vec!["web".to_owned(), "none".to_owned()],
        ..Advertise::default()
    };
    assert_eq!(own.missing(&missing), ["none"]);
}

#[test]
fn what_goes_to_another_node_or_away_is_no_longer_announced() {
    let mut own = own();
    let put = |key: &str, value: &str| Update::Changes {
        revision: Revision(2),
        changes: vec![Change::Put(entry(key, value))],
    };
    own.changed = false;
    // Its entries are no business of BGP.
    let other = block("n1").replace("60", "59");
    own.take(&put("blocks/web/10.1.0.0/26", &other));
    assert!(!own.changed);
    // What cannot be read stays as it was.
    own.take(&put("claims/web/shop/db-0", r#"{"version":9}"#));
    assert!(!own.changed);
    own.take(&put("claims/web/shop/db-0", &claim("n2", "10.1.1.9")));
    own.take(&put("blocks/web/10.1.0.0/26", &block("n2")));
    assert!(own.changed);
    let usual = Advertise::default();
    let left = ["claim 10.1.0.9/32", "block fd00:2::/122"];
    assert_eq!(routes(&own, &usual), left);
    // A list that is read anew takes back what it does not show.
    own.changed = false;
    own.take(&reset(vec![entry(
        "claims/web/shop/db-1",
        &claim("n1", "10.1.0.9"),
    )]));
    assert!(own.changed);
    assert_eq!(routes(&own, &usual), ["claim 10.1.0.9/32"]);
}

#[test]
fn a_drain_is_that_of_this_node() {
    let mut own = own();
    let drain = |node: &str| entry(&format!("drains/{node}"), "{}");
    own.take(&reset(vec![drain("n2")]));
    assert!(!own.drained);
    own.take(&reset(vec![drain("n1")]));
    assert!(own.drained);
    own.changed = false;
    own.take(&reset(Vec::new()));
    assert!(!own.drained && own.changed);
}
