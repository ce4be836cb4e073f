//! Where ours differ from the reference plugins on purpose: these tables, and nothing else.
//!
//! "The reference" is the version that Debian has, 1.1.1. Several of these are its own later
//! behaviour; then the reason says so.

use crate::{Case, Maker};

/// Lines of a result, of the kernel's state, or of files that differ.
#[derive(Debug)]
pub struct Difference {
    /// What differs.
    pub what: &'static str,
    /// Why.
    pub because: &'static str,
    /// In which cases it may show.
    pub shows: fn(&Case) -> bool,
    /// There it has to show at least once, or the entry is wider than need be.
    pub surely: bool,
    /// (whose, section, line): the line that both sides then share; `None` for no line.
    pub edit: fn(Maker, &str, &str) -> Option<String>,
}

/// A call that the reference fails (with code 999) and ours does.
#[derive(Debug)]
pub struct Succeeds {
    /// Which.
    pub what: &'static str,
    /// Why.
    pub because: &'static str,
    /// (case, call such as `CHECK c1`, version)
    pub shows: fn(&Case, &str, &str) -> bool,
}

/// (theirs, ours, because): the reference answers most failures with 999, "internal".
pub const CODES: &[(u32, u32, &str)] = &[
    (
        999,
        4,
        "a variable whose value is none is told from a defect",
    ),
    (999, 5, "so is a file that cannot be used"),
    (999, 7, "so is a config that is wrong"),
    (
        999,
        8,
        "so is a namespace that is gone, as the specification asks",
    ),
    (999, 100, "so is a CHECK that found something"),
    (999, 101, "so is a pool that is full"),
    (999, 102, "so is an address that cannot be had"),
    (999, 103, "so is an ADD without a DEL before it"),
    (999, 104, "so is what the kernel refuses"),
    (999, 105, "so is a link that is in the way"),
    (999, 107, "so is a plugin that is not installed"),
];

fn same(line: &str) -> Option<String> {
    Some(line.to_owned())
}

/// Everything that is printed, set or written differently.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        what: "errors name their version",
        because: "the specification wants cniVersion in an error; the reference leaves it out",
        shows: |_| true,
        surely: false,
        edit: |_, section, line| match (section, line.split_once(" in version ")) {
            ("error", Some((code, _))) => same(code),
            _ => same(line),
        },
    },
    Difference {
        what: "comments on the rules of a bridge",
        because: "later versions of the reference tell its policies apart, and ours write as they do",
        shows: |case| case.plugin == "firewall" && case.keys.contains("same-bridge"),
        surely: true,
        edit: |_, _, line| Some(line.replace("same-bridge|isolated", "same-bridge")),
    },
    Difference {
        what: "an index beside host-local's files",
        because: "finding a container's addresses must not mean reading every file",
        shows: Case::host_local,
        surely: false,
        edit: |maker, section, line| match (maker, section) {
            (Maker::Ours, "files") if line.starts_with(".fairway/") => None,
            _ => same(line),
        },
    },
    Difference {
        what: "modes of host-local's files",
        because: "only root reads them; the later reference has 0600 for addresses too, and the lock's 0750 \
                  makes it executable",
        shows: Case::host_local,
        surely: false,
        edit: |maker, section, line| match (maker, section) {
            (Maker::Reference, "files") => same(
                &line
                    .replacen(" 644 \"", " 600 \"", 1)
                    .replacen(" 750 \"", " 600 \"", 1),
            ),
            _ => same(line),
        },
    },
    Difference {
        what: "the host's link tells its owner",
        because: "the alias lets DEL and GC find the link when the namespace is gone",
        shows: Case::pair_of_links,
        surely: true,
        edit: |maker, section, line| {
            let alias = section == "node link" && line.contains(" ifalias \"fairway:net/");
            (maker != Maker::Ours || !alias).then(|| line.to_owned())
        },
    },
    Difference {
        what: "the container's link tells its owner",
        because: "a late DEL leaves alone what another attachment has at that path by now",
        shows: |case| case.one_link() && case.plugin != "host-device",
        surely: true,
        edit: |maker, section, line| {
            let alias = section.ends_with(" link") && line.contains(" ifalias \"fairway:net/");
            (maker != Maker::Ours || !alias).then(|| line.to_owned())
        },
    },
    Difference {
        what: "the alias of a device that is away tells all that it was",
        because: "and whose it is; the reference keeps its name and nothing else",
        shows: |case| case.plugin == "host-device",
        surely: true,
        edit: |maker, section, line| match maker {
            Maker::Reference if section == "c1 link" => {
                same(&line.replace("eth0 ifalias \"up0\"", "eth0 ifalias its record"))
            }
            Maker::Ours
                if section == "c1 link" && line.contains("ifalias \"fairway-device up0") =>
            {
                same("eth0 ifalias its record")
            }
            _ => same(line),
        },
    },
    Difference {
        what: "a device that is back has the alias that it had",
        because: "the reference of Debian leaves the one that it had set; the later one takes it off",
        shows: |case| case.plugin == "host-device",
        surely: true,
        edit: |maker, section, line| match (maker, section, line) {
            (Maker::Reference, "node link", "up0 ifalias \"up0\"") => None,
            // The other end, whose state is of which event the kernel told last.
            (_, "node link", line) if line.starts_with("far operstate ") => None,
            _ => same(line),
        },
    },
    Difference {
        what: "IPv6 neighbours are told of a new hardware address",
        because: "ndisc_notify, as the later reference sets it, beside the arp_notify of both",
        shows: |case| ["macvlan", "ipvlan"].contains(&case.plugin.as_str()) && !case.layer_two(),
        surely: true,
        edit: |maker, section, line| match (maker, line) {
            (Maker::Reference, "ipv6/conf/eth0/ndisc_notify = 0") if section != "node sysctl" => {
                same("ipv6/conf/eth0/ndisc_notify = 1")
            }
            _ => same(line),
        },
    },
    Difference {
        what: "length of the links' queue",
        because: "the kernel's 1000, as with the later reference; a length of 0 makes a \
                  rate limit put on the link later drop everything",
        shows: Case::makes_links,
        surely: true,
        edit: |maker, section, line| {
            let inside = line.starts_with("eth") && section != "node link";
            let pair = inside || line.starts_with("veth#");
            let length = section.ends_with(" link") && pair && line.ends_with(" txqlen 1000");
            (maker != Maker::Ours || !length).then(|| line.to_owned())
        },
    },
    Difference {
        what: "IPv6 addresses stay when the link goes down",
        because: "keep_addr_on_down, as the later reference sets it",
        shows: |case| (case.pair_of_links() || case.one_link()) && case.v6(),
        surely: true,
        edit: |maker, section, line| match (maker, line) {
            (Maker::Reference, "ipv6/conf/eth0/keep_addr_on_down = 0")
                if section != "node sysctl" =>
            {
                same("ipv6/conf/eth0/keep_addr_on_down = 1")
            }
            _ => same(line),
        },
    },
    Difference {
        what: "no duplicate address detection for the gateway",
        because: "the bridge is the gateway from the first packet on and not a second later; \
                  `enabledad` keeps it",
        shows: |case| {
            case.plugin == "bridge" && case.gateway() && case.v6() && !case.has("enabledad")
        },
        surely: true,
        edit: |maker, section, line| match (maker, section) {
            (Maker::Ours, "node addr") if line.starts_with("cni0 {") => {
                same(&line.replace("\"nodad\":true,", ""))
            }
            _ => same(line),
        },
    },
    Difference {
        what: "the bridge's MAC is its own from the start",
        because: "one that is not a gateway takes on the least of its ports' with the reference, \
                  and changes as containers come and go",
        shows: |case| case.plugin == "bridge" && !case.gateway(),
        surely: true,
        edit: |maker, section, line| match (maker, section) {
            _ if line.starts_with(".interfaces[0].mac = ") => {
                same(".interfaces[0].mac = the bridge's")
            }
            (_, "node link") if line.starts_with("cni0 address ") => same("cni0 address its own"),
            (Maker::Ours, "node bridge fdb") if line.contains("\"mac\":\"<mac node/cni0>\"") => {
                None
            }
            _ => same(line),
        },
    },
    Difference {
        what: "no prefix route in ptp's containers",
        because: "the reference adds the address, which brings the subnet's route, and then deletes \
                  that one; it comes back when the link goes down and up",
        shows: |case| case.plugin == "ptp",
        surely: true,
        edit: |maker, section, line| match (maker, section) {
            (Maker::Ours, "c1 addr" | "c2 addr") => {
                same(&line.replace("\"noprefixroute\":true,", ""))
            }
            _ => same(line),
        },
    },
    Difference {
        what: "no duplicate address detection for ptp's IPv6 addresses",
        because: "there are two ends and both are ours; a container could not speak for a second",
        shows: |case| case.plugin == "ptp" && case.v6(),
        surely: true,
        edit: |maker, section, line| match (maker, section) {
            (Maker::Ours, "node addr" | "c1 addr" | "c2 addr") => {
                same(&line.replace("\"nodad\":true,", ""))
            }
            _ => same(line),
        },
    },
    Difference {
        what: "a route's destination without host bits",
        because: "the kernel takes none, so that the reference's own ADD of such a route fails later",
        shows: |case| case.to_string().contains("\"dst\":\"10.99.1.7/16\""),
        surely: true,
        edit: |maker, _, line| match maker {
            Maker::Reference => same(&line.replace("\"10.99.1.7/16\"", "\"10.99.0.0/16\"")),
            Maker::Ours => same(line),
        },
    },
    Difference {
        what: "loopback's result in the form of its version",
        because: "the reference prints the form of 1.0.0 whatever version it says it is in",
        shows: |case| case.plugin == "loopback",
        surely: false,
        edit: |maker, section, line| match (maker, section) {
            (_, "result 0.1.0" | "result 0.2.0") if line.starts_with(".i") => None,
            (Maker::Ours, "result 0.3.0" | "result 0.3.1" | "result 0.4.0")
                if line.starts_with(".ips[") && line.contains("].version = ") =>
            {
                None
            }
            _ => same(line),
        },
    },
    Difference {
        what: "no ifb device",
        because: "what a container sends is limited on its own interface, where TCP sees the queue; \
                  behind the pair a full queue can only drop",
        shows: |case| case.plugin == "bandwidth" && case.keys.contains("egress"),
        surely: false,
        edit: |maker, section, line| match maker {
            Maker::Reference if section.starts_with("result") => {
                (!line.starts_with(".interfaces[2].")).then(|| line.to_owned())
            }
            _ => same(line),
        },
    },
];

/// Calls that only the reference fails.
pub const SUCCEEDS: &[Succeeds] = &[
    Succeeds {
        what: "ADD of a rate without a burst",
        because: "a burst of 250 µs fits every rate, and nobody knows a better one",
        shows: |case, call, _| {
            case.plugin == "bandwidth"
                && call == "ADD"
                && !case.keys.to_lowercase().contains("burst")
        },
    },
    Succeeds {
        what: "CHECK of a bridge without IPAM",
        because: "the reference looks for an IPAM plugin without a name",
        shows: |case, call, _| case.layer_two() && call.starts_with("CHECK"),
    },
    Succeeds {
        what: "ADD without IPAM in the versions that know only addresses",
        because: "there is nothing to tell in them, which is no failure",
        shows: |case, call, version| {
            case.layer_two() && call.starts_with("ADD") && ["0.1.0", "0.2.0"].contains(&version)
        },
    },
    Succeeds {
        what: "CHECK of a route that names no gateway",
        because: "the reference looks for one without a gateway, though it has set it by the \
                  address's own",
        shows: |case, call, _| call.starts_with("CHECK") && case.route_without_gateway(),
    },
    Succeeds {
        what: "DEL where the version allows one address of a family",
        because: "a config that ADD refuses must not keep DEL from clearing up",
        shows: |case, call, version| {
            case.plugin == "host-local"
                && call.starts_with("DEL")
                && ["0.1.0", "0.2.0"].contains(&version)
        },
    },
    Succeeds {
        what: "CHECK after another container has gone",
        because: "the reference's bridge may have taken on another MAC by then",
        shows: |case, call, _| {
            case.plugin == "bridge" && !case.gateway() && call.starts_with("CHECK c2")
        },
    },
];
