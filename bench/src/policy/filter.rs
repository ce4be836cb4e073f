//! The same rules by nftables, by iptables and by ours, on a router between a client and a server.

use super::kernel::Kernel;
use super::world::{Case, Family, Named, PORT, SIZES, entry};
use super::{connect, frame};
use crate::overlay::{Way, load};
use crate::report::{Better, Measure, Report};
use crate::stats::Samples;
use anyhow::{Context as _, Result};
use fairway_lab::{Lab, Ns};
use fairway_netlink::{Handle, Netlink as _};
use fairway_policy::input::EndpointId;
use std::fmt::Write as _;

const FAMILY: Family = Family::V4;
const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 3];
const CLIENT_HOST_MAC: [u8; 6] = [2, 0, 0, 0, 0, 4];
/// So long is a stream.
const SECONDS: u32 = 1;

/// Who keeps the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Nobody,
    NftLines,
    NftSet,
    Iptables,
    Us,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::Nobody => "no rules at all",
            Self::NftLines => "nftables, a line each",
            Self::NftSet => "nftables, a set",
            Self::Iptables => "iptables",
            Self::Us => "fairway",
        }
    }
}

const PEERS: [By; 3] = [By::NftLines, By::NftSet, By::Iptables];

/// A router with rules, and what went through it.
struct Router {
    by: By,
    size: u32,
    way: Way,
    rate: Vec<f64>,
    connect: Vec<f64>,
    _ours: Option<Kernel>,
    _lab: Lab,
}

/// All stand at once, and are used by turns.
pub(super) fn run(report: &mut Report) -> Result<()> {
    let rounds = (crate::rounds()? / 4).max(9);
    let mut routers = vec![Router::new(By::Nobody, 0)?];
    for size in SIZES {
        for by in [PEERS[0], PEERS[1], PEERS[2], By::Us] {
            routers.push(Router::new(by, size).with_context(|| format!("{by:?}, {size} rules"))?);
        }
    }
    println!("  {rounds} rounds of {} routers …", routers.len());
    for round in 0..rounds {
        for turn in 0..routers.len() {
            let at = (round + turn) % routers.len();
            routers[at].round()?;
        }
    }
    tell(report, &routers)
}

impl Router {
    fn new(by: By, size: u32) -> Result<Self> {
        let lab = Lab::new()?;
        let (client, server) = (lab.container()?, lab.container()?);
        let node = lab.node();
        node.set_sysctl("ipv4/ip_forward", "1")?;
        leg(&lab, &client, "c0", (CLIENT_HOST_MAC, CLIENT_MAC), "10.77")?;
        leg(
            &lab,
            &server,
            "s0",
            (frame::HOST_MAC, frame::SERVER_MAC),
            "10.78",
        )?;
        client.addr("eth0", &format!("{}/16", FAMILY.client()))?;
        server.addr("eth0", &format!("{}/16", FAMILY.server()))?;
        client.run("ip route add default via 10.77.0.1")?;
        server.run("ip route add default via 10.78.0.1")?;
        let case = Case {
            size,
            named: Named::Blocks,
            family: FAMILY,
        };
        let ours = match by {
            By::Us => Some(node.inside(|| ours(case))??),
            _ => None,
        };
        match by {
            By::NftLines => apply(node, &["nft", "-f", "-"], nft_lines(case))?,
            By::NftSet => apply(node, &["nft", "-f", "-"], nft_set(case))?,
            By::Iptables => apply(node, &["iptables-legacy-restore"], iptables(case))?,
            By::Nobody | By::Us => {}
        }
        let way = Way {
            name: by.name(),
            client,
            server,
            to: FAMILY.server().to_string(),
        };
        connect::times(&way, PORT, 10).context("nobody gets through")?;
        Ok(Self {
            by,
            size,
            way,
            rate: Vec::new(),
            connect: Vec::new(),
            _ours: ours,
            _lab: lab,
        })
    }

    fn round(&mut self) -> Result<()> {
        let told = || format!("{:?}, {} rules", self.by, self.size);
        let rate = load::stream_for(&self.way, SECONDS).with_context(told)?;
        let times = connect::times(&self.way, PORT, 400).with_context(told)?;
        self.rate.push(rate);
        self.connect.push(Samples(times).median());
        Ok(())
    }
}

/// A link of the router with a container at its end.
fn leg(lab: &Lab, end: &Ns, name: &str, macs: ([u8; 6], [u8; 6]), net: &str) -> Result<()> {
    let node = lab.node();
    lab.wire(node, name, end, "eth0")?;
    let text = |mac: [u8; 6]| mac.map(|octet| format!("{octet:02x}")).join(":");
    node.run(&format!("ip link set dev {name} address {}", text(macs.0)))?;
    end.run(&format!("ip link set dev eth0 address {}", text(macs.1)))?;
    node.addr(name, &format!("{net}.0.1/16"))?;
    Ok(())
}

/// Programs at both links, and the policy at the server's.
fn ours(case: Case) -> Result<Kernel> {
    let mut netlink = Handle::open()?;
    let mut kernel = Kernel::new()?;
    let mut indexes = [0; 2];
    for (name, index) in ["c0", "s0"].into_iter().zip(&mut indexes) {
        *index = netlink.link_by_name(name)?.context("no such link")?.index;
        kernel.data.attach(&mut netlink, *index)?;
    }
    let macs = (frame::SERVER_MAC, frame::HOST_MAC);
    let server = entry(&[FAMILY.server()], macs.0, macs.1);
    let id = EndpointId {
        node: "here".to_owned(),
        container: "server".to_owned(),
        ifname: "eth0".to_owned(),
        network: "net".to_owned(),
    };
    kernel.link(id, indexes[1], server);
    let client = entry(&[FAMILY.client()], CLIENT_MAC, CLIENT_HOST_MAC);
    kernel.data.put_endpoint(indexes[0], &client)?;
    kernel.learn(case.inputs()?)?;
    Ok(kernel)
}

fn apply(node: &Ns, command: &[&str], text: String) -> Result<()> {
    let [program, args @ ..] = command else {
        return Ok(());
    };
    node.command(program).args(args).stdin(text).run()?;
    Ok(())
}

fn peers(case: Case) -> impl Iterator<Item = std::net::IpAddr> {
    (0..case.size).rev().map(move |before| FAMILY.peer(before))
}

fn nft_lines(case: Case) -> String {
    let mut rules = String::new();
    for peer in peers(case) {
        let _ = writeln!(
            rules,
            "ip saddr {peer} ip daddr {} tcp dport {PORT} accept",
            FAMILY.server()
        );
    }
    nft("", &rules)
}

fn nft_set(case: Case) -> String {
    let elements: Vec<String> = peers(case).map(|peer| format!("{peer} . {PORT}")).collect();
    let set = format!(
        "set allowed {{ type ipv4_addr . inet_service; elements = {{ {} }}; }}\n",
        elements.join(", ")
    );
    let rule = format!(
        "ip daddr {} ip saddr . tcp dport @allowed accept\n",
        FAMILY.server()
    );
    nft(&set, &rule)
}

fn nft(sets: &str, rules: &str) -> String {
    format!(
        "table inet bench {{\n{sets}chain forward {{ type filter hook forward priority 0; policy accept;\n\
         ct state established,related accept\n{rules}ip daddr {} drop\n}}\n}}\n",
        FAMILY.server()
    )
}

fn iptables(case: Case) -> String {
    let server = FAMILY.server();
    let mut text = "*filter\n:INPUT ACCEPT\n:FORWARD ACCEPT\n:OUTPUT ACCEPT\n\
                    -A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n"
        .to_owned();
    for peer in peers(case) {
        let _ = writeln!(
            text,
            "-A FORWARD -s {peer} -d {server} -p tcp --dport {PORT} -j ACCEPT"
        );
    }
    let _ = writeln!(text, "-A FORWARD -d {server} -j DROP\nCOMMIT");
    text
}

fn tell(report: &mut Report, routers: &[Router]) -> Result<()> {
    let find = |by, size| {
        let mut found = routers
            .iter()
            .filter(|router| router.by == by && router.size == size);
        found.next().context("a router is missing")
    };
    let bare = find(By::Nobody, 0)?;
    for size in SIZES {
        let ours = find(By::Us, size)?;
        for by in PEERS {
            compare(report, ours, find(by, size)?);
        }
        compare(report, ours, bare);
    }
    Ok(())
}

fn compare(report: &mut Report, ours: &Router, theirs: &Router) {
    let sides = [
        (
            "TCP, one stream",
            "Gbit/s",
            Better::More,
            &theirs.rate,
            &ours.rate,
        ),
        (
            "a connection is made",
            "µs",
            Better::Less,
            &theirs.connect,
            &ours.connect,
        ),
    ];
    for (what, unit, better, theirs_did, ours_did) in sides {
        let measure = Measure {
            name: format!("{what}, {} rules, to {}", ours.size, theirs.by.name()),
            unit,
            peer: theirs.by.name(),
            better,
            target: None,
            theirs: Samples(theirs_did.clone()),
            ours: Samples(ours_did.clone()),
        };
        measure.tell();
        report.measures.push(measure);
    }
}
