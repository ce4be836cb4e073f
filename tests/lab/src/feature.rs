//! Kernel features: a test that needs one asks [`require`] and skips visibly where it is missing.
//!
//! A skip must not hide a defect: where the kernel's own config lists the feature, or the
//! variable `FAIRWAY_MUST_HAVE` names it (`all`, or names with commas), a failing probe is an
//! error. The notice goes straight to stderr, since the test harness swallows what `eprintln!`
//! says in a test that passes.

use crate::{Error, Ns, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident = $config:literal, $probe:literal;)*) => {
        /// What a kernel may have or lack; the name is the one for `FAIRWAY_MUST_HAVE`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Feature { $($(#[$doc])* $name,)* }

        impl Feature {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name, its kernel option, and a script that fails in a fresh namespace
            /// (with `lo`, and a veth pair v and w) where it is missing.
            const fn parts(self) -> (&'static str, &'static str, &'static str) {
                match self { $(Self::$name => (stringify!($name), $config, $probe),)* }
            }
        }
    };
}

features! {
    /// veth pairs.
    Veth = "CONFIG_VETH", "true";
    /// Linux bridges.
    Bridge = "CONFIG_BRIDGE", "ip link add name b type bridge";
    /// Bridges that filter VLANs.
    VlanFiltering = "CONFIG_BRIDGE_VLAN_FILTERING",
        "ip link add name b type bridge; ip link set dev b type bridge vlan_filtering 1";
    /// iptables sees bridged packets.
    BrNetfilter = "CONFIG_BRIDGE_NETFILTER", "cat /proc/sys/net/bridge/bridge-nf-call-iptables";
    /// 802.1q links.
    Vlan = "CONFIG_VLAN_8021Q", "ip link add link v name v.5 type vlan id 5";
    /// macvlan links.
    Macvlan = "CONFIG_MACVLAN", "ip link add link v name m type macvlan mode bridge";
    /// ipvlan links.
    Ipvlan = "CONFIG_IPVLAN", "ip link add link v name i type ipvlan mode l2";
    /// dummy links.
    Dummy = "CONFIG_DUMMY", "ip link add name d type dummy";
    /// tap links.
    Tap = "CONFIG_TUN", "ip tuntap add dev t mode tap";
    /// Virtual routing tables.
    Vrf = "CONFIG_NET_VRF", "ip link add name r type vrf table 10";
    /// VXLAN links.
    Vxlan = "CONFIG_VXLAN", "ip link add name x type vxlan id 5 dev v dstport 4789";
    /// ifb links.
    Ifb = "CONFIG_IFB", "ip link add name f type ifb";
    /// wireguard links.
    Wireguard = "CONFIG_WIREGUARD", "ip link add name g type wireguard";
    /// The tbf queue.
    Tbf = "CONFIG_NET_SCH_TBF", "tc qdisc add dev v root tbf rate 1mbit burst 10k latency 10ms";
    /// The fq queue.
    Fq = "CONFIG_NET_SCH_FQ", "tc qdisc add dev v root fq";
    /// The netem queue.
    Netem = "CONFIG_NET_SCH_NETEM", "tc qdisc add dev v root netem delay 1ms";
    /// nftables.
    NfTables = "CONFIG_NF_TABLES", "nft add table inet p";
    /// nftables on bridges.
    NfTablesBridge = "CONFIG_NF_TABLES_BRIDGE", "nft add table bridge p";
    /// nftables translates addresses.
    NftNat = "CONFIG_NFT_MASQ",
        "nft 'table inet p { chain c { type nat hook postrouting priority 100; masquerade; }; }'";
    /// iptables translates IPv4 addresses.
    Iptables = "CONFIG_IP_NF_NAT", "iptables -t nat -A POSTROUTING -j MASQUERADE";
    /// iptables translates IPv6 addresses.
    Ip6tables = "CONFIG_IP6_NF_NAT", "ip6tables -t nat -A POSTROUTING -j MASQUERADE";
    /// IPv6.
    Ipv6 = "CONFIG_IPV6", "ip -6 addr add fd00::1/64 dev v";
}

impl Feature {
    /// The probe's complaint where the kernel lacks it; each is probed once per process.
    ///
    /// # Errors
    /// As [`require`].
    pub fn lacking(self) -> Result<Option<String>> {
        let lock = || PROBED.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lock().get(&self).cloned();
        let probed = known.map_or_else(|| probe(self), Ok)?;
        lock().insert(self, probed.clone());
        let Err(probe) = probed else { return Ok(None) };
        let (feature, config, _) = self.parts();
        match expected(feature, config) {
            Some(because) => Err(Error::Feature {
                feature,
                because,
                probe,
            }),
            None => Ok(Some(probe)),
        }
    }
}

type Probed = BTreeMap<Feature, std::result::Result<(), String>>;
static PROBED: Mutex<Probed> = Mutex::new(BTreeMap::new());

/// Whether the test may go on; if not, the notice is printed and the test is to return.
///
/// ```no_run
/// # fn main() -> fairway_lab::Result {
/// if !fairway_lab::require(fairway_lab::Feature::Dummy)? {
///     return Ok(());
/// }
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::Feature`] where the kernel should have it and the probe fails all the same, and
/// where the probe's own tools are not installed.
pub fn require(feature: Feature) -> Result<bool> {
    let (name, config, _) = feature.parts();
    let Some(probe) = feature.lacking()? else {
        return Ok(true);
    };
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test").to_owned();
    let why = probe.lines().last().unwrap_or_default().to_owned();
    let notice = format!("\nSKIP {test}: this kernel has no {name} ({config}): {why}\n");
    let _ = std::io::stderr().write_all(notice.as_bytes());
    Ok(false)
}

/// The inner error is the probe's complaint where the kernel lacks the feature.
fn probe(feature: Feature) -> Result<std::result::Result<(), String>> {
    let ns = Ns::new("probe")?;
    if let Err(e) = ns.run("ip link add v type veth peer name w") {
        // Nothing works without: only the probe for veth itself may say so gently.
        return match feature {
            Feature::Veth => Ok(Err(e.to_string())),
            _ => Err(e),
        };
    }
    match ns.sh(feature.parts().2) {
        Ok(_) => Ok(Ok(())),
        Err(Error::Failed { status, stderr, .. }) if status.code() != Some(127) => Ok(Err(stderr)),
        Err(other) => Err(other),
    }
}

/// Why the kernel should have it, if so.
fn expected(name: &str, config: &str) -> Option<String> {
    let must = std::env::var("FAIRWAY_MUST_HAVE").unwrap_or_default();
    if must
        .split(',')
        .any(|m| m == "all" || m.eq_ignore_ascii_case(name))
    {
        return Some("FAIRWAY_MUST_HAVE".into());
    }
    let text = kernel_config();
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix(config)?.strip_prefix('='))?;
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let modules = Path::new("/lib/modules").join(release.trim());
    (value == "y" || (value == "m" && modules.exists())).then(|| format!("{config}={value}"))
}

/// The running kernel's config, as far as it tells.
fn kernel_config() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let script = "zcat /proc/config.gz 2>/dev/null || cat /boot/config-$(uname -r)";
        let output = Ns::host().and_then(|host| host.sh(script));
        output.unwrap_or_default()
    })
}
