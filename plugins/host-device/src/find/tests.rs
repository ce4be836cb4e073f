use super::*;
use fairway_netlink::{LinkKind, fake};
use std::{fs, os::unix::fs::symlink, path::Path};

const MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 1]);

/// A PCI function with a driver, and the links below one of its folders.
fn function(sys: &Path, address: &str, driver: &str, below: &str, links: &[&str]) {
    let folder = sys.join("bus/pci/devices").join(address);
    fs::create_dir_all(&folder).unwrap();
    symlink(
        Path::new("../../drivers").join(driver),
        folder.join("driver"),
    )
    .unwrap();
    for link in links {
        fs::create_dir_all(folder.join(below).join(link)).unwrap();
    }
}

/// A host with these links; `hw` has [`MAC`], and so has `vlan5` on it.
fn host() -> fake::Recorder {
    let (host, _) = fake::namespaces();
    let mut hw = Link::new(0, "hw");
    hw.mac = Some(MAC);
    let mut vlan = Link::new(0, "vlan5");
    (vlan.mac, vlan.kind) = (Some(MAC), Some(LinkKind::Vlan { id: 5 }));
    let mut lost = Link::new(0, "dev7");
    lost.alias = Some("fairway-device eth1 up 1500 - net/c1/eth0".to_owned());
    let mut virtio = Link::new(0, "virt");
    virtio.mac = Some(MacAddr([2, 0, 0, 0, 0, 2]));
    let mut twin = Link::new(0, "twin");
    twin.mac = virtio.mac;
    for link in [hw, vlan, lost, virtio, twin] {
        host.put_link(link);
    }
    host
}

fn named(field: &str, value: &str, selector: Selector) -> Named {
    Named {
        field: field.to_owned(),
        value: value.to_owned(),
        selector,
    }
}

fn pci(address: &str) -> Named {
    named("pciBusID", address, Selector::Pci(address.to_owned()))
}

fn id(id: &str) -> Named {
    named("runtimeConfig.deviceID", id, Selector::Id(id.to_owned()))
}

fn device(name: &str) -> Named {
    named("device", name, Selector::Name(name.to_owned()))
}

fn mac(mac: MacAddr) -> Named {
    named("hwaddr", &mac.to_string(), Selector::Mac(mac))
}

fn path(path: &str) -> Named {
    named("kernelpath", path, Selector::Path(path.to_owned()))
}

/// The name of what was found, and its address; or the error.
fn found(selectors: &[Named]) -> Result<(String, Option<String>), String> {
    let dir = tempfile::tempdir().unwrap();
    let sys = dir.path();
    function(sys, "0000:00:01.0", "ixgbevf", "net", &["hw"]);
    function(sys, "0000:00:02.0", "virtio-pci", "virtio0/net", &["virt"]);
    function(sys, "0000:00:03.0", "vfio-pci", ".", &[]);
    function(sys, "0000:00:04.0", "ixgbevf", ".", &[]);
    function(sys, "0000:00:05.0", "ixgbevf", "net", &["elsewhere"]);
    function(sys, "0000:00:06.0", "mlx4_core", "net", &["virt", "hw"]);
    fs::create_dir_all(sys.join("bus/pci/devices/0000:00:07.0")).unwrap();
    fs::create_dir_all(sys.join("bus/auxiliary/devices/mlx5_core.sf.2/net/hw")).unwrap();
    fs::create_dir_all(sys.join("devices/pci0000:00/0000:00:01.0/net/hw")).unwrap();
    let found = find(&mut host(), &Sysfs::at(sys), selectors);
    match found.map_err(|error| error.to_string())? {
        Found::Link(link, pci) => Ok((link.name, pci)),
        Found::Userspace(address) => Ok(("a process".to_owned(), Some(address))),
    }
}

#[test]
fn each_way() {
    let some = |text: &str| Some(text.to_owned());
    for (selectors, name, address) in [
        (vec![device("hw")], "hw", None),
        // Lost with a container's namespace: it knows the name that it had.
        (vec![device("eth1")], "dev7", None),
        // What stands on it has the same address.
        (vec![mac(MAC)], "hw", None),
        (
            vec![path("/sys/devices/pci0000:00/0000:00:01.0")],
            "hw",
            None,
        ),
        (vec![pci("0000:00:01.0")], "hw", some("0000:00:01.0")),
        (vec![pci("0000:00:02.0")], "virt", some("0000:00:02.0")),
        // Several links behind one function: the first, as with the reference plugin.
        (vec![pci("0000:00:06.0")], "hw", some("0000:00:06.0")),
        (vec![pci("0000:00:03.0")], "a process", some("0000:00:03.0")),
        (vec![id("0000:00:01.0")], "hw", some("0000:00:01.0")),
        (vec![id("mlx5_core.sf.2")], "hw", None),
        // Several that agree.
        (
            vec![device("hw"), mac(MAC), id("0000:00:01.0")],
            "hw",
            some("0000:00:01.0"),
        ),
    ] {
        let expected = Ok((name.to_owned(), address));
        assert_eq!(found(&selectors), expected, "{selectors:?}");
    }
}

#[test]
fn errors_name_the_field() {
    for (selectors, start) in [
        (
            vec![device("eth9")],
            "device: \"eth9\": there is no such link",
        ),
        (
            vec![mac(MacAddr([2, 0, 0, 0, 0, 9]))],
            "hwaddr: \"02:00:00:00:00:09\": no link",
        ),
        (
            vec![mac(MacAddr([2, 0, 0, 0, 0, 2]))],
            "hwaddr: \"02:00:00:00:00:02\": is that of virt, twin: name one of them",
        ),
        (
            vec![path("/sys/devices/x")],
            "kernelpath: \"/sys/devices/x\": has no network link",
        ),
        (
            vec![pci("0000:00:09.0")],
            "pciBusID: \"0000:00:09.0\": there is no such PCI device",
        ),
        (
            vec![pci("0000:00:04.0")],
            "pciBusID: \"0000:00:04.0\": has no network link",
        ),
        (
            vec![pci("0000:00:05.0")],
            "pciBusID: \"0000:00:05.0\": has a link that is not in",
        ),
        (
            vec![pci("0000:00:07.0")],
            "pciBusID: \"0000:00:07.0\": has no driver",
        ),
        (
            vec![id("mlx5")],
            "runtimeConfig.deviceID: \"mlx5\": is neither on the PCI bus",
        ),
        (
            vec![device("virt"), pci("0000:00:01.0")],
            "pciBusID: \"0000:00:01.0\": is link hw, and device \"virt\" is link virt: which",
        ),
        (
            vec![device("virt"), pci("0000:00:03.0")],
            "pciBusID: \"0000:00:03.0\": is a device that a process has, and device \"virt\"",
        ),
    ] {
        let error = found(&selectors).unwrap_err();
        assert!(error.starts_with(start), "{selectors:?}: {error}");
    }
}
