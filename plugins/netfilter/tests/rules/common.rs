//! What the tests share.

use std::path::PathBuf;

use fairway_lab::{Lab, Ns};
use fairway_netfilter::{Attachment, Backend, Error, Netfilter, masq};
use fairway_netlink::raw::attr::Attrs;
use fairway_netlink::raw::{Message, RawSocket, protocols};
use ipnetwork::IpNetwork;

/// The attachment that most tests are about.
pub(crate) const ATTACHMENT: Attachment<'static> = Attachment {
    network: "mynet",
    container_id: "abc123",
    ifname: "eth0",
};

/// Addresses out of their text.
pub(crate) fn addresses(texts: &[&str]) -> Vec<IpNetwork> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Runs something with rules in a namespace.
pub(crate) fn within<T: Send>(ns: &Ns, f: impl FnOnce(&mut Netfilter) -> T + Send) -> T {
    ns.inside(|| f(&mut Netfilter::open().unwrap())).unwrap()
}

/// An attachment of that container to the network of [`ATTACHMENT`].
pub(crate) fn container(id: &'static str) -> Attachment<'static> {
    Attachment {
        container_id: id,
        ..ATTACHMENT
    }
}

/// The same container's attachment by another interface.
pub(crate) fn interface(name: &'static str) -> Attachment<'static> {
    Attachment {
        ifname: name,
        ..ATTACHMENT
    }
}

/// The chain and the comment of [`ATTACHMENT`] in iptables.
pub(crate) const CHAIN: &str = "CNI-70a29d9dc18bc4d652ea5d59";
pub(crate) const COMMENT: &str = r#"name: "mynet" id: "abc123""#;

/// The commands of the reference's ADD: a chain, and each rule that is not there.
pub(crate) fn reference_commands(chain: &str, comment: &str, addresses: &[&str]) -> String {
    let mut script = String::new();
    for address in addresses {
        let (program, multicast) = match address.contains(':') {
            true => ("ip6tables", "ff00::/8"),
            false => ("iptables", "224.0.0.0/4"),
        };
        let ip = address.split('/').next().unwrap();
        let nat = format!("{program} -w -t nat");
        let rules = [
            format!("{chain} -d {address} -j ACCEPT"),
            format!("{chain} ! -d {multicast} -j MASQUERADE"),
            format!("POSTROUTING -s {ip} -j {chain}"),
        ];
        script += &format!("{nat} -N {chain} 2>/dev/null || true\n");
        for rule in rules {
            let rule = format!("{rule} -m comment --comment '{comment}'");
            script += &format!("{nat} -C {rule} 2>/dev/null || {nat} -A {rule}\n");
        }
    }
    script
}

/// As a plugin's ADD does it.
pub(crate) fn setup(
    ns: &Ns,
    backend: Backend,
    attachment: &Attachment<'_>,
    texts: &[&str],
) -> Result<(), Error> {
    let addresses = addresses(texts);
    within(ns, |nf| masq::setup(nf, backend, attachment, &addresses))
}

/// As a plugin's DEL does it.
pub(crate) fn teardown(ns: &Ns, attachment: &Attachment<'_>) -> Result<(), Error> {
    within(ns, |nf| masq::teardown(nf, attachment))
}

/// Table nat of both families as iptables prints it, without times.
pub(crate) fn saved(ns: &Ns) -> String {
    let text = ns
        .sh("iptables-save -c -t nat; ip6tables-save -c -t nat")
        .unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The whole ruleset as `nft` prints it.
pub(crate) fn ruleset(ns: &Ns) -> String {
    ns.run("nft list ruleset").unwrap()
}

/// The expressions of all rules, byte for byte as the kernel has them, with the
/// name of their chain: what no program shows whole.
pub(crate) fn expressions(ns: &Ns) -> Vec<(String, Vec<u8>)> {
    const GET_RULE: u16 = 10 << 8 | 7;
    const CHAIN: u16 = 2;
    const EXPRESSIONS: u16 = 4;
    let dump = || {
        let mut socket = RawSocket::open(protocols::NETLINK_NETFILTER).unwrap();
        let message = Message::new("list", "all rules", GET_RULE).body(vec![0; 4]);
        let listed = socket.dump(&message, |_, body| {
            let attrs = Attrs::after(4, body);
            let chain = attrs.clone().find_kind(CHAIN)?.text();
            Some((chain, attrs.clone().find_kind(EXPRESSIONS)?.value.to_vec()))
        });
        listed.unwrap()
    };
    ns.inside(dump).unwrap()
}

/// A folder in which `iptables` is the program of that name with `-legacy`.
pub(crate) fn legacy_path(lab: &Lab) -> PathBuf {
    let folder = lab.scratch().join("legacy");
    std::fs::create_dir_all(&folder).unwrap();
    for family in ["iptables", "ip6tables"] {
        for verb in ["", "-save", "-restore"] {
            let link = folder.join(format!("{family}{verb}"));
            let _ = std::fs::remove_file(&link);
            std::os::unix::fs::symlink("/usr/sbin/xtables-legacy-multi", link).unwrap();
        }
    }
    folder
}
