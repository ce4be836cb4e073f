//! Nine pods of three namespaces on two nodes, and who of them reaches whom by what.

use super::objects;
use super::workload::{self, Workload};
use crate::overlay::stage::{Pod, network};
use anyhow::{Context, Result, bail};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Echo, Patience, Protocol, Reached, SOON, Target, probe};
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

/// A pod, as policies can know it. Its pod's labels are `pod` and, where it has one, `role`; its namespace's
/// are `ns` and, for x and y, `team: one`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Who {
    pub(crate) ns: &'static str,
    pub(crate) pod: &'static str,
    pub(crate) role: Option<&'static str>,
    pub(crate) node: usize,
}

impl Who {
    /// As `x/a`.
    pub(crate) fn is(self, name: &str) -> bool {
        name == self.name()
    }

    pub(crate) fn name(self) -> String {
        format!("{}/{}", self.ns, self.pod)
    }
}

/// By what somebody is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct What {
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
    pub(crate) v6: bool,
}

impl What {
    pub(crate) fn tcp(self, port: u16) -> bool {
        self.protocol == Protocol::Tcp && self.port == port
    }

    pub(crate) fn udp(self, port: u16) -> bool {
        self.protocol == Protocol::Udp && self.port == port
    }

    pub(crate) fn all() -> impl Iterator<Item = What> {
        let protocols = [Protocol::Tcp, Protocol::Udp].into_iter();
        protocols.flat_map(|protocol| {
            let ports = PORTS.into_iter();
            ports.flat_map(move |port| [false, true].map(|v6| What { protocol, port, v6 }))
        })
    }
}

pub(crate) const PORTS: [u16; 2] = [80, 81];
pub(crate) const NAMESPACES: [&str; 3] = ["x", "y", "z"];
const PODS: [(&str, Option<&str>); 3] = [("a", Some("web")), ("b", Some("db")), ("c", None)];

/// What one who knows the policies says of a pair.
pub(crate) type Expect<'a> = &'a (dyn Fn(Who, Who, What) -> bool + Sync);

pub(crate) struct Table {
    pub(crate) members: Vec<Member>,
    /// The objects that tell of them.
    pub(crate) told: Vec<Value>,
}

/// One of the nine.
pub(crate) struct Member {
    pub(crate) who: Who,
    // It is to end before the namespace does.
    _echo: Echo,
    pub(crate) pod: Pod,
}

impl Member {
    /// Its address of a family.
    pub(crate) fn ip(&self, v6: bool) -> Result<IpAddr> {
        let mut ips = self.pod.ips.iter();
        let ip = ips.find(|ip| ip.is_ipv6() == v6).copied();
        ip.with_context(|| format!("no address of {}", self.who.name()))
    }
}

/// One try and what came of it.
type Row = (Who, Who, What, Reached);

impl Table {
    /// A network of 10.`net`.0.0/16 and fd00:`net`::/64 with all nine, and the objects that tell of them.
    pub(crate) fn new(bed: &Bed, net: u8) -> Result<Self> {
        network(bed, "net", net, "always")?;
        let team = |ns: &str| match ns {
            "z" => json!({"ns": ns}),
            _ => json!({"ns": ns, "team": "one"}),
        };
        let mut told: Vec<_> = NAMESPACES
            .map(|ns| objects::namespace(ns, team(ns)))
            .to_vec();
        let mut members = Vec::new();
        for ns in NAMESPACES {
            for (pod, role) in PODS {
                // The role comes by an object, the other label by the ADD.
                let labels = role.map_or(json!({}), |role| json!({"role": role}));
                told.push(objects::pod(ns, pod, labels));
                // x/a and x/c, y/b, z/a and z/c share a node; so each kind of pair is there in both ways.
                let node = 1 + members.len() % 2;
                members.push(Who {
                    ns,
                    pod,
                    role,
                    node,
                });
            }
        }
        objects::apply(&bed.door(1), &told)?;
        let member = |who: Who| -> Result<Member> {
            let labels = [("pod", who.pod)];
            let given = Workload {
                namespace: who.ns,
                pod: who.pod,
                labels: &labels,
            };
            let pod = workload::add(bed, who.node, "net", given)?;
            // Its own address is reached by it.
            pod.ns.up("lo")?;
            let _echo = Echo::start(&pod.ns, &PORTS)?;
            Ok(Member { who, _echo, pod })
        };
        let members = members.into_iter().map(member).collect::<Result<_>>()?;
        Ok(Self { members, told })
    }

    pub(crate) fn member(&self, name: &str) -> Result<&Member> {
        let mut members = self.members.iter();
        let member = members.find(|member| member.who.is(name));
        member.with_context(|| format!("no {name}"))
    }

    /// Tries all, each pod at the same time as all others.
    pub(crate) fn look(&self, expect: Expect<'_>, patience: Patience) -> Result<Vec<Row>> {
        std::thread::scope(|scope| {
            let start = |from| scope.spawn(move || self.look_from(from, expect, patience));
            let threads: Vec<_> = self.members.iter().map(start).collect();
            let mut rows = Vec::new();
            for thread in threads {
                rows.extend(fairway_tests_cluster::joined(thread)?);
            }
            Ok(rows)
        })
    }

    fn look_from(&self, from: &Member, expect: Expect<'_>, patience: Patience) -> Result<Vec<Row>> {
        let (mut tried, mut targets) = (Vec::new(), Vec::new());
        for to in &self.members {
            for what in What::all() {
                let wanted = from.who == to.who || expect(from.who, to.who, what);
                tried.push((from.who, to.who, what));
                targets.push(Target {
                    protocol: what.protocol,
                    to: SocketAddr::new(to.ip(what.v6)?, what.port),
                    wanted,
                });
            }
        }
        let reached = probe(&from.pod.ns, &targets, patience)?;
        let rows = tried.into_iter().zip(reached);
        Ok(rows
            .map(|((from, to, what), reached)| (from, to, what, reached))
            .collect())
    }

    /// Looks until all is as expected, and says how long that took.
    ///
    /// # Errors
    /// Where it is not so after a while; shows what is otherwise.
    pub(crate) fn settle(&self, title: &str, expect: Expect<'_>) -> Result<Duration> {
        let begun = Instant::now();
        // What is tried before the change is there is tried anew soon, and not after TCP's second.
        let mut patience = Patience {
            limit: Duration::from_millis(250),
            ..Patience::default()
        };
        loop {
            let rows = self.look(expect, patience)?;
            patience.limit = (patience.limit * 2).min(Duration::from_secs(2));
            let difference = difference(&rows, expect);
            if difference.is_empty() {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > SOON {
                bail!("{title}: not as expected\n{difference}");
            }
        }
    }
}

/// Everybody reaches everybody.
pub(crate) fn open(_: Who, _: Who, _: What) -> bool {
    true
}

/// A grid for each way in which something is otherwise; rows are those who begin.
fn difference(rows: &[Row], expect: Expect<'_>) -> String {
    let mut text = String::new();
    for what in What::all() {
        let (mut grid, mut head) = (String::new(), String::new());
        let (mut wrong, mut last) = (false, None);
        for (from, to, _, reached) in rows.iter().filter(|row| row.2 == what) {
            if last != Some(*from) {
                let _ = write!(grid, "\n    {}", from.name());
                last = Some(*from);
            }
            if rows.first().is_some_and(|first| first.0 == *from) {
                let _ = write!(head, "{:>5}", to.name());
            }
            let wanted = from == to || expect(*from, *to, what);
            let mark = match (wanted, reached) {
                (true, Reached::Whole) => ".",
                (false, Reached::No) => "x",
                (false, Reached::Whole) => "OPEN",
                (_, Reached::Half) => "HALF",
                (true, Reached::No) => "SHUT",
            };
            wrong |= mark.len() > 1;
            let _ = write!(grid, "{mark:>5}");
        }
        if wrong {
            let family = if what.v6 { "IPv6" } else { "IPv4" };
            let (protocol, port) = (what.protocol, what.port);
            let _ = writeln!(
                text,
                "{protocol:?} {port} by {family}:\n   to: {head}{grid}"
            );
        }
    }
    text
}
