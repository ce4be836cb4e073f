//! What kind of run: how many nodes, which pools, and how often what goes wrong.

use fairway_ipam::{Handover, PoolPhase, PoolSpec, RangeSpec, Release};

/// What chance may bring, with how often it does in relation to the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    /// A container is started.
    Add,
    /// One is stopped.
    Del,
    /// A client that waits dies.
    Die,
    /// CHECK, STATUS.
    Look,
    /// A claim by hand.
    Claim,
    /// A GC.
    Collect,
    /// A sweep, out of turn.
    Sweep,
    /// A daemon is killed.
    Crash,
    /// A machine reboots.
    Reboot,
    /// A daemon's journal is lost.
    LoseJournal,
    /// A machine dies for good.
    Perish,
    /// A node is cut off from the store.
    Cut,
    /// The store takes no writes for a while.
    Full,
    /// A wall clock jumps.
    Jump,
    /// The store forgets its history.
    Compact,
    /// A mirror lists anew.
    Relist,
    /// An operator does something.
    Operate,
}

/// A kind of run.
#[derive(Debug, Clone)]
pub struct Profile {
    /// Its name, for `--profile`.
    pub name: &'static str,
    pub(crate) nodes: usize,
    pub(crate) pools: Vec<(&'static str, PoolSpec)>,
    /// Milliseconds between what chance brings, about.
    pub(crate) gap: u64,
    pub(crate) weights: Vec<(Op, u64)>,
    /// Of a thousand ADDs: those of a workload, and those of an explicit address.
    pub(crate) sticky: u64,
    pub(crate) explicit: u64,
    pub(crate) workloads: usize,
    /// Containers on a node, at most.
    pub(crate) crowd: usize,
    /// Of a thousand transactions: those whose outcome is not told, or that never arrive.
    pub(crate) silent: u64,
    /// Milliseconds that a watch lags behind; and of nodes that nobody uses.
    pub(crate) lag: u64,
    pub(crate) idle_lag: u64,
    /// So many nodes have a lease in the store.
    pub(crate) leases: usize,
    pub(crate) reclaim: Option<u64>,
    /// Milliseconds that a link is cut at most; one of these.
    pub(crate) away: [u64; 4],
    /// Milliseconds; see [`fairway_ipam::Settings`].
    pub(crate) idle_block: u64,
    pub(crate) wait: u64,
    /// Steps between two quiet points.
    pub(crate) quiet_every: u64,
}

fn range(cidr: &str, block: u8) -> RangeSpec {
    RangeSpec {
        #[expect(
            clippy::expect_used,
            reason = "the prefixes below are constants, and a test reads them all"
        )]
        cidr: cidr.parse().expect("a prefix"),
        block: Some(block),
        gateway: None,
        exclude: Vec::new(),
        draining: false,
    }
}

fn pool(ranges: Vec<RangeSpec>, cooldown: u64, release: Release, handover: Handover) -> PoolSpec {
    PoolSpec {
        ranges,
        cooldown,
        reserve: 4,
        release,
        handover,
        nodes: String::new(),
        namespaces: String::new(),
        encap: fairway_ipam::Encap::default(),
        masquerade: true,
        phase: PoolPhase::Active,
    }
}

fn plain(ranges: Vec<RangeSpec>, cooldown: u64) -> PoolSpec {
    pool(ranges, cooldown, Release::OnDelete, Handover::Wait)
}

fn usual_pools() -> Vec<(&'static str, PoolSpec)> {
    let dual = vec![range("10.2.0.0/25", 28), range("fd00:2::/120", 124)];
    vec![
        ("a", plain(vec![range("10.1.0.0/24", 28)], 3)),
        ("dual", plain(dual, 5)),
        ("six", plain(vec![range("fd00:3::/121", 125)], 1)),
        (
            "keep",
            pool(
                vec![range("10.4.0.0/25", 29)],
                4,
                Release::Never,
                Handover::Wait,
            ),
        ),
    ]
}

fn base(name: &'static str) -> Profile {
    let weights = vec![
        (Op::Add, 400),
        (Op::Del, 360),
        (Op::Die, 20),
        (Op::Look, 20),
        (Op::Claim, 5),
        (Op::Collect, 5),
        (Op::Sweep, 10),
        (Op::Crash, 3),
        (Op::Reboot, 1),
        (Op::Cut, 2),
        (Op::Jump, 2),
        (Op::Compact, 2),
        (Op::Relist, 2),
        (Op::Operate, 2),
    ];
    Profile {
        name,
        nodes: 5,
        pools: usual_pools(),
        gap: 40,
        weights,
        sticky: 250,
        explicit: 60,
        workloads: 20,
        crowd: 14,
        silent: 5,
        lag: 60,
        idle_lag: 400,
        leases: usize::MAX,
        reclaim: None,
        away: [500, 5_000, 20_000, 90_000],
        idle_block: 8_000,
        wait: 2_000,
        quiet_every: 4_000,
    }
}

fn with(mut profile: Profile, weights: &[(Op, u64)]) -> Profile {
    for (op, weight) in weights {
        match profile.weights.iter_mut().find(|(known, _)| known == op) {
            Some(known) => known.1 = *weight,
            None => profile.weights.push((*op, *weight)),
        }
    }
    profile
}

/// Little goes wrong.
fn calm() -> Profile {
    let calm = base("calm");
    with(calm, &[(Op::Crash, 1), (Op::Reboot, 0), (Op::Cut, 0)])
}

/// Daemons are killed, machines reboot, journals are lost.
fn crashes() -> Profile {
    let mut crashes = base("crash-heavy");
    crashes.silent = 20;
    let weights = [
        (Op::Crash, 40),
        (Op::Reboot, 6),
        (Op::LoseJournal, 4),
        (Op::Perish, 1),
    ];
    with(crashes, &weights)
}

/// Nodes are cut off, the store is slow, full and silent.
fn partitions() -> Profile {
    let mut partitions = base("partition-heavy");
    partitions.silent = 120;
    partitions.lag = 300;
    let weights = [
        (Op::Cut, 25),
        (Op::Full, 3),
        (Op::Compact, 10),
        (Op::Relist, 10),
        (Op::Crash, 5),
        (Op::LoseJournal, 2),
    ];
    with(partitions, &weights)
}

/// There is hardly an address.
fn tiny() -> Profile {
    let mut tiny = base("tiny-pools");
    let dual = vec![range("10.2.0.0/28", 30), range("fd00:2::/124", 126)];
    tiny.pools = vec![
        ("a", plain(vec![range("10.1.0.0/28", 30)], 1)),
        ("b", plain(vec![range("10.1.1.0/29", 29)], 2)),
        ("dual", plain(dual, 1)),
        ("one", plain(vec![range("10.3.0.0/30", 32)], 1)),
        (
            "keep",
            pool(
                vec![range("10.4.0.0/28", 31)],
                1,
                Release::OnScaleDown,
                Handover::Strict,
            ),
        ),
    ];
    tiny.gap = 60;
    tiny.crowd = 6;
    tiny.idle_block = 2_000;
    tiny
}

/// Workloads that keep their addresses, come and go and overlap.
fn sticky() -> Profile {
    let mut sticky = base("sticky-heavy");
    let dual = vec![range("10.2.0.0/24", 28), range("fd00:2::/120", 124)];
    sticky.pools = vec![
        ("wait", pool(dual, 2, Release::Never, Handover::Wait)),
        (
            "temporary",
            pool(
                vec![range("10.5.0.0/24", 28)],
                3,
                Release::OnScaleDown,
                Handover::Temporary,
            ),
        ),
        (
            "strict",
            pool(
                vec![range("10.6.0.0/25", 29)],
                1,
                Release::After(20),
                Handover::Strict,
            ),
        ),
        ("plain", plain(vec![range("10.7.0.0/25", 29)], 2)),
    ];
    sticky.sticky = 850;
    sticky.workloads = 40;
    with(
        sticky,
        &[
            (Op::Crash, 8),
            (Op::Cut, 6),
            (Op::Claim, 15),
            (Op::Operate, 10),
            (Op::Reboot, 2),
        ],
    )
}

/// So many nodes that each hardly does anything.
fn thousands() -> Profile {
    let mut thousands = base("thousands-of-nodes");
    thousands.nodes = 2_000;
    let dual = vec![range("10.64.0.0/12", 26), range("fd00:4::/64", 122)];
    thousands.pools = vec![
        ("big", plain(vec![range("10.16.0.0/12", 26)], 3)),
        ("dual", plain(dual, 3)),
        (
            "keep",
            pool(
                vec![range("10.32.0.0/12", 26)],
                4,
                Release::Never,
                Handover::Temporary,
            ),
        ),
    ];
    thousands.gap = 10;
    thousands.crowd = 4;
    thousands.leases = 20;
    thousands.idle_lag = 30_000;
    thousands.quiet_every = 1_000_000;
    with(thousands, &[(Op::Crash, 4), (Op::Cut, 10), (Op::Reboot, 2)])
}

/// Somebody changes pools, moves claims and removes nodes all the time.
fn operators() -> Profile {
    let mut operators = base("operators");
    operators.nodes = 6;
    operators
        .pools
        .push(("brief", plain(vec![range("10.8.0.0/27", 29)], 1)));
    with(
        operators,
        &[
            (Op::Operate, 40),
            (Op::Cut, 12),
            (Op::Crash, 6),
            (Op::Perish, 1),
            (Op::LoseJournal, 1),
        ],
    )
}

/// Nodes that are away for long lose their blocks by themselves.
fn reclaim() -> Profile {
    let mut reclaim = base("reclaim");
    // So few that what one node has lost another has soon.
    let dual = vec![range("10.2.0.0/26", 28), range("fd00:2::/122", 124)];
    reclaim.pools[0] = ("a", plain(vec![range("10.1.0.0/26", 28)], 3));
    reclaim.pools[1] = ("dual", plain(dual, 5));
    reclaim.reclaim = Some(8_000);
    reclaim.away = [500, 20_000, 60_000, 90_000];
    with(
        reclaim,
        &[
            (Op::Cut, 20),
            (Op::Crash, 4),
            (Op::Perish, 1),
            (Op::Operate, 0),
        ],
    )
}

impl Profile {
    /// All kinds.
    pub fn all() -> Vec<Profile> {
        vec![
            calm(),
            crashes(),
            partitions(),
            tiny(),
            sticky(),
            thousands(),
            operators(),
            reclaim(),
        ]
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Profile> {
        Profile::all()
            .into_iter()
            .find(|profile| profile.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_ipam::{Pool, PoolName};

    #[test]
    fn pools_are_good() {
        for profile in Profile::all() {
            let mut pools: Vec<Pool> = Vec::new();
            for (name, spec) in profile.pools {
                let name = PoolName::new(name).expect("a name");
                let pool = Pool::new(name, spec).expect("a pool");
                pool.must_not_overlap(&pools).expect("no overlap");
                pools.push(pool);
            }
        }
    }
}
