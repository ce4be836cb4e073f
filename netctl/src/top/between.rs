//! What two looks make together: counters become speeds.

use super::sample::Sample;
use fairway_api::{
    admin::{
        Direction, EndpointTraffic, Flow, Rate, Top, TopContainer, TopDrops, TopPeer, TopPool,
        TopSpeed, TrafficCount,
    },
    ipam::Attachment,
};
use std::collections::{BTreeMap, HashMap};

/// Who sends and gets most comes first.
pub(super) fn between(before: &Sample, after: &Sample) -> Top {
    // A daemon that was started anew begins its clock anew.
    let over_ms = after.traffic.at.saturating_sub(before.traffic.at);
    let speed = Speed { over_ms };
    let (former, now) = (Known::of(before), Known::of(after));
    let told = told(&after.drops);
    let endpoints = after.traffic.endpoints.iter();
    let mut containers: Vec<TopContainer> = endpoints
        .map(|of| container(&former, &now, &told, of, speed))
        .collect();
    containers.sort_by(|a, b| total(b).cmp(&total(a)).then_with(|| key(a).cmp(&key(b))));
    Top {
        node: after.info.node.clone(),
        daemon: after.info.daemon.clone(),
        store: after.info.store.clone(),
        connected: after.info.connected,
        over_ms,
        containers,
        drops: drops(before, after, speed),
        pools: pools(after),
        peers: peers(after),
        problems: problems(after),
    }
}

/// Bytes both ways.
pub(super) fn total(container: &TopContainer) -> u64 {
    let (received, sent) = (container.received.bytes, container.sent.bytes);
    received.saturating_add(sent)
}

/// Of what a daemon tells: whatever that is, it fits.
pub(super) fn sum(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0, u64::saturating_add)
}

fn key(container: &TopContainer) -> (&str, &str) {
    (&container.container, &container.ifname)
}

#[derive(Debug, Clone, Copy)]
struct Speed {
    over_ms: u64,
}

impl Speed {
    /// By the second. What has become less has begun anew.
    fn of(self, before: u64, after: u64) -> u64 {
        let more = u128::from(after.saturating_sub(before)) * 1000;
        let speed = more.checked_div(u128::from(self.over_ms)).unwrap_or(0);
        u64::try_from(speed).unwrap_or(u64::MAX)
    }
}

/// Network, container and interface.
type Key<'a> = (&'a str, &'a str, &'a str);

fn key_of(of: &Attachment) -> Key<'_> {
    (&of.network, &of.container, &of.ifname)
}

/// A look by whom it tells of: a node may have thousands of containers, and each is looked for.
struct Known<'a> {
    endpoints: HashMap<Key<'a>, &'a EndpointTraffic>,
    rates: HashMap<(Key<'a>, bool), &'a Rate>,
}

impl<'a> Known<'a> {
    fn of(sample: &'a Sample) -> Known<'a> {
        let endpoints = sample.traffic.endpoints.iter();
        let rates = sample.rates.iter();
        Known {
            endpoints: endpoints.map(|of| (key_of(&of.attachment), of)).collect(),
            rates: rates
                .map(|rate| ((key_of(&rate.attachment), is_in(rate.direction)), rate))
                .collect(),
        }
    }

    fn rate(&self, of: &EndpointTraffic, direction: Direction) -> Option<&'a Rate> {
        let key = (key_of(&of.attachment), is_in(direction));
        self.rates.get(&key).copied()
    }
}

fn is_in(direction: Direction) -> bool {
    direction == Direction::Ingress
}

fn container(
    before: &Known<'_>,
    after: &Known<'_>,
    told: &Told<'_>,
    now: &EndpointTraffic,
    speed: Speed,
) -> TopContainer {
    // Another link's counters began anew.
    let former = before.endpoints.get(&key_of(&now.attachment));
    let former = former.filter(|was| was.link == now.link);
    let way = |direction, count: fn(&EndpointTraffic) -> TrafficCount| {
        let (now_count, limit) = (count(now), after.rate(now, direction));
        let was = former.map_or(now_count, |was| count(was));
        let limited = limit
            .and_then(|rate| rate.sent)
            .map_or(0, |sent| sent.dropped);
        let before = before.rate(now, direction).and_then(|rate| rate.sent);
        let before = before.map_or(limited, |sent| sent.dropped);
        TopSpeed {
            bytes: speed.of(was.bytes, now_count.bytes),
            packets: speed.of(was.packets, now_count.packets),
            dropped: speed
                .of(was.dropped, now_count.dropped)
                .saturating_add(speed.of(before, limited)),
            limit: limit.and_then(|rate| rate.rate),
        }
    };
    TopContainer {
        workload: now.workload.clone(),
        container: now.attachment.container.clone(),
        ifname: now.attachment.ifname.clone(),
        network: now.network.clone(),
        link: now.link.clone(),
        addresses: now.addresses.clone(),
        received: way(Direction::Ingress, |of| of.received),
        sent: way(Direction::Egress, |of| of.sent),
        drops: drops_of(told, now),
    }
}

/// Drops by the name of whom they are told of, and by reason.
type Told<'a> = HashMap<&'a str, BTreeMap<&'a str, u64>>;

fn told(drops: &[Flow]) -> Told<'_> {
    let mut told = Told::new();
    for drop in drops.iter().filter(|drop| drop.verdict == "dropped") {
        let of = told.entry(&drop.endpoint).or_default();
        *of.entry(&drop.reason).or_insert(0) += 1;
    }
    told
}

/// Of a container they are told by its workload's name, or by its link's where nobody knew it.
fn drops_of(told: &Told<'_>, of: &EndpointTraffic) -> BTreeMap<String, u64> {
    let nameless = format!("default/{}", of.attachment.container);
    let title = of.workload.as_ref().unwrap_or(&nameless);
    let mut all = BTreeMap::new();
    for name in [title, &of.link] {
        for (reason, count) in told.get(name.as_str()).into_iter().flatten() {
            *all.entry((*reason).to_owned()).or_insert(0) += count;
        }
    }
    all
}

fn drops(before: &Sample, after: &Sample, speed: Speed) -> Vec<TopDrops> {
    let counted = |sample: &Sample| {
        let packets = sample
            .policy
            .iter()
            .flat_map(|policy| policy.packets.clone());
        // Number 0 stands for what was let through.
        packets
            .filter(|count| count.number != 0)
            .map(|count| ((count.reason, count.direction), count.packets))
            .collect::<BTreeMap<_, _>>()
    };
    // Where nothing was told before, all that ever was is no burst; where it was told, a reason of which there was
    // none had 0.
    let former = before.policy.is_some().then(|| counted(before));
    let mut drops: Vec<TopDrops> = counted(after)
        .into_iter()
        .map(|(key, all)| {
            let was = former
                .as_ref()
                .map_or(all, |former| former.get(&key).copied().unwrap_or(0));
            let (reason, direction) = key;
            TopDrops {
                reason,
                direction,
                packets: speed.of(was, all),
                all,
            }
        })
        .collect();
    drops.sort_by_key(|drop| std::cmp::Reverse((drop.packets, drop.all)));
    drops
}

fn pools(sample: &Sample) -> Vec<TopPool> {
    let pools = sample.pools.iter().map(|pool| {
        let used = sum([pool.live, pool.claimed, pool.cooling]);
        // The size of an IPv6 pool may be past 64 bits.
        let size: u128 = pool.size.parse().unwrap_or(0);
        let percent = (u128::from(used) * 100).div_ceil(size.max(1)).min(100);
        TopPool {
            name: pool.name.clone(),
            size: pool.size.clone(),
            used,
            percent: u64::try_from(percent).unwrap_or(100),
        }
    });
    let mut pools: Vec<TopPool> = pools.collect();
    pools.sort_by(|a, b| b.percent.cmp(&a.percent).then_with(|| a.name.cmp(&b.name)));
    pools
}

fn peers(sample: &Sample) -> Vec<TopPeer> {
    let peers = sample.peers.iter().flat_map(|peers| &peers.peers);
    let peers = peers.map(|peer| TopPeer {
        address: peer.address,
        state: peer.state.clone(),
        since: peer.since,
        received: sum(peer.routes.iter().map(|routes| routes.received)),
        advertised: sum(peer.routes.iter().map(|routes| routes.advertised)),
    });
    let mut peers: Vec<TopPeer> = peers.collect();
    // Those that are not up are what one looks for.
    peers.sort_by_key(|peer| (peer.state == "Established", peer.address));
    peers
}

fn problems(sample: &Sample) -> Vec<String> {
    let info = &sample.info;
    let mut problems: Vec<String> = info.fault.iter().cloned().collect();
    if !info.connected {
        problems.push(format!("{} is away", info.store));
    }
    problems.extend(info.problems.iter().cloned());
    let policy = sample.policy.iter().flat_map(|policy| &policy.problems);
    let peers = sample.peers.iter().flat_map(|peers| &peers.problems);
    for problem in policy.chain(peers) {
        if !problems.contains(problem) {
            problems.push(problem.clone());
        }
    }
    problems
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;

    /// `n` more of everything than the look before.
    pub(in crate::top) fn sample(at: u64, n: u64) -> Sample {
        let count = |bytes, packets, dropped| json!({"bytes": bytes, "packets": packets, "dropped": dropped});
        let of =
            |container: &str| json!({"network": "cni", "container": container, "ifname": "eth0"});
        let read = |value| serde_json::from_value(value).unwrap();
        Sample {
            info: serde_json::from_value(json!({
                "node": "n1", "daemon": "0.1.0", "store": "etcd", "connected": true, "api": 1,
                "problems": ["underlay: link eth7 is not there"]
            }))
            .unwrap(),
            traffic: serde_json::from_value(json!({"at": at, "endpoints": [
                {"attachment": of("aa"), "link": "fw1", "workload": "shop/db-0", "network": "blue",
                 "addresses": ["10.1.0.17", "fd01::5"],
                 "received": count(1_000 * n, 10 * n, 0), "sent": count(2_000_000 * n, 200 * n, 2 * n)},
                {"attachment": of("bb"), "link": "fw2",
                 "received": count(70 * n, n, 0), "sent": count(0, 0, 0)},
                {"attachment": of("cc"), "link": "fw3", "workload": "shop/front",
                 "received": count(9_000_000 * n, 9_000 * n, 0), "sent": count(500 * n, 5 * n, 0)},
            ]}))
            .unwrap(),
            rates: read(json!([{
                "workload": "shop/db-0", "attachment": of("aa"), "direction": "egress", "rate": 20_000_000,
                "limits": [], "means": "edt",
                "sent": {"bytes": 0, "packets": 0, "delayed": 0, "marked": 0, "dropped": 3 * n}
            }])),
            pools: Vec::new(),
            peers: None,
            policy: Some(serde_json::from_value(json!({
                "enforced": true, "problems": [], "endpoints": 3, "maps": [], "packets": [
                    {"number": 0, "reason": "forwarded", "direction": "egress", "packets": 1000 * n, "bytes": 1},
                    {"number": 2, "reason": "not-allowed", "direction": "ingress", "packets": 7 * n, "bytes": 1},
                    {"number": 5, "reason": "forged-address", "direction": "egress", "packets": 4, "bytes": 1}
                ]
            }))
            .unwrap()),
            drops: Vec::new(),
        }
    }

    #[test]
    fn counters_become_speeds() {
        // Two seconds.
        let (before, mut after) = (sample(1_000, 1), sample(3_000, 2));
        let drop = |endpoint: &str, reason: &str, verdict: &str| {
            serde_json::from_value(json!({
                "at": 1, "verdict": verdict, "reason": reason, "direction": "ingress",
                "endpoint": endpoint, "protocol": "tcp", "bytes": 60
            }))
            .unwrap()
        };
        after.drops = vec![
            drop("shop/front", "denied", "dropped"),
            drop("shop/front", "denied", "dropped"),
            drop("shop/front", "denied", "audited"),
            drop("fw2", "closed", "dropped"),
            drop("default/bb", "forged-mac", "dropped"),
            drop("other/one", "denied", "dropped"),
        ];
        let top = between(&before, &after);
        let names: Vec<&str> = top
            .containers
            .iter()
            .map(|one| one.container.as_str())
            .collect();
        assert_eq!((top.over_ms, names), (2_000, vec!["cc", "aa", "bb"]));
        let [front, db, bare] = &top.containers[..] else {
            panic!("{top:?}")
        };
        assert_eq!(
            (
                front.received.bytes,
                front.received.packets,
                front.received.limit
            ),
            (4_500_000, 4_500, None)
        );
        // The link's drops and the limit's, 2 and 3 in two seconds.
        assert_eq!(
            (db.sent.bytes, db.sent.dropped, db.sent.limit),
            (1_000_000, 2, Some(20_000_000))
        );
        let told = |one: &TopContainer| one.drops.clone().into_iter().collect::<Vec<_>>();
        assert_eq!(told(front), [("denied".to_owned(), 2)]);
        assert_eq!(
            told(bare),
            [("closed".to_owned(), 1), ("forged-mac".to_owned(), 1)]
        );
        let drops: Vec<_> = top
            .drops
            .iter()
            .map(|drop| (drop.reason.as_str(), drop.packets, drop.all))
            .collect();
        assert_eq!(drops, [("not-allowed", 3, 14), ("forged-address", 0, 4)]);
    }

    #[test]
    fn what_begins_is_no_burst() {
        let (mut before, after) = (sample(1_000, 1), sample(2_000, 5));
        before.traffic.endpoints.remove(0);
        let top = between(&before, &after);
        let new = top.containers.iter().find(|one| one.container == "aa");
        assert_eq!(new.unwrap().sent.bytes, 0);
        // The daemon was started anew: its clock and the counters of its maps begin anew.
        let top = between(&sample(90_000, 9), &sample(10, 1));
        assert!(top.containers.iter().all(|one| total(one) == 0));
        assert!(top.drops.iter().all(|drop| drop.packets == 0));
        // Policy could not be asked before; and then a reason is told of for the first time.
        let (mut before, after) = (sample(1_000, 1), sample(2_000, 5));
        let told = before.policy.take();
        let speeds = |before: &Sample| {
            let drops = between(before, &after).drops;
            drops.iter().map(|drop| drop.packets).collect::<Vec<_>>()
        };
        assert_eq!(speeds(&before), [0, 0]);
        before.policy = told;
        before.policy.as_mut().unwrap().packets.remove(1);
        assert_eq!(speeds(&before), [35, 0]);
    }

    #[test]
    fn a_link_that_was_made_anew_begins_anew() {
        let (before, mut after) = (sample(1_000, 1), sample(2_000, 5));
        after.traffic.endpoints[0].link = "fw9".to_owned();
        // The same container's other interface, and the same interface of another network, are others.
        after.traffic.endpoints[1].attachment.ifname = "eth1".to_owned();
        after.traffic.endpoints[2].attachment.network = "other".to_owned();
        let top = between(&before, &after);
        assert_eq!(top.containers.iter().map(total).max(), Some(0));
    }

    #[test]
    fn whatever_a_daemon_tells_is_summed_up() {
        let (before, mut after) = (sample(1_000, 0), sample(1_001, 1));
        for of in &mut after.traffic.endpoints {
            of.sent.bytes = u64::MAX;
            of.received.bytes = u64::MAX;
            of.sent.dropped = u64::MAX;
        }
        let top = between(&before, &after);
        assert_eq!(total(&top.containers[0]), u64::MAX);
        assert_eq!(top.containers[0].sent.bytes, u64::MAX);
        assert_eq!(
            top.containers[0].container, "aa",
            "equal ones by their names"
        );
        assert_eq!(sum([u64::MAX, 1]), u64::MAX);
    }

    #[test]
    fn pools_are_as_full_as_they_are() {
        let mut after = sample(1, 1);
        let pool = |name: &str, size: &str, live: u64| {
            serde_json::from_value(json!({
                "name": name, "ranges": [], "cooldown": 1, "reserve": 1, "release": "", "handover": "wait",
                "nodes": "", "namespaces": "", "encap": "always", "masquerade": true, "phase": "active",
                "size": size, "live": live, "claimed": 1, "cooling": 1, "blocks": 1
            }))
            .unwrap()
        };
        after.pools = vec![
            pool("six", "340282366920938463463374607431768211455", 5),
            pool("four", "254", 252),
            pool("half", "200", 98),
        ];
        let pools = pools(&after);
        let shown: Vec<_> = pools
            .iter()
            .map(|pool| (pool.name.as_str(), pool.used, pool.percent))
            .collect();
        assert_eq!(
            shown,
            [("four", 254, 100), ("half", 100, 50), ("six", 7, 1)]
        );
    }
}
