use super::*;
use std::os::unix::fs::symlink;

/// A card with some virtual functions, as `/sys` has it: `eth0` at 0000:01:00.0, its functions at 0000:01:10.N.
pub(crate) struct Sys {
    pub(crate) folder: tempfile::TempDir,
}

impl Sys {
    pub(crate) fn new(functions: u32) -> Self {
        let sys = Sys {
            folder: tempfile::tempdir().unwrap(),
        };
        let pf = sys.device("0000:01:00.0", "igb");
        sys.link("0000:01:00.0", "eth0");
        for n in 0..functions {
            let address = format!("0000:01:{:02x}.{}", 0x10 + n / 8, n % 8);
            let vf = sys.device(&address, "igbvf");
            symlink("../0000:01:00.0", vf.join("physfn")).unwrap();
            symlink(format!("../{address}"), pf.join(format!("virtfn{n}"))).unwrap();
        }
        sys
    }

    pub(crate) fn bus(&self) -> Bus {
        Bus::at(self.folder.path())
    }

    pub(crate) fn device(&self, address: &str, driver: &str) -> PathBuf {
        let folder = self.folder.path().join("bus/pci/devices").join(address);
        fs::create_dir_all(&folder).unwrap();
        self.driver(address, driver);
        folder
    }

    pub(crate) fn driver(&self, address: &str, driver: &str) {
        let link = self
            .folder
            .path()
            .join("bus/pci/devices")
            .join(address)
            .join("driver");
        let _ = fs::remove_file(&link);
        symlink(format!("../../bus/pci/drivers/{driver}"), link).unwrap();
    }

    pub(crate) fn link(&self, address: &str, name: &str) {
        let device = self.folder.path().join("bus/pci/devices").join(address);
        let folder = device.join("net").join(name);
        fs::create_dir_all(&folder).unwrap();
        symlink(format!("../../../{address}"), folder.join("device")).unwrap();
        let class = self.folder.path().join("class/net");
        fs::create_dir_all(&class).unwrap();
        symlink(folder, class.join(name)).unwrap();
    }
}

fn address(text: &str) -> PciAddress {
    text.parse().unwrap()
}

#[test]
fn functions_by_either_end() {
    let sys = Sys::new(12);
    let of = |n: u32| Function {
        address: address(&format!("0000:01:10.{n}")),
        index: n,
        pf: "eth0".to_owned(),
    };
    let few = Sys::new(3);
    let all = few.bus().functions("eth0").unwrap();
    assert_eq!(all, [of(0), of(1), of(2)]);
    for function in all {
        assert_eq!(few.bus().function(&function.address), Ok(function));
    }
    // In the order of their numbers, not of their names.
    let all = sys.bus().functions("eth0").unwrap();
    let indexes: Vec<_> = all.iter().map(|function| function.index).collect();
    assert_eq!(indexes, (0..12).collect::<Vec<_>>());
}

#[test]
fn what_is_none_says_so() {
    let sys = Sys::new(1);
    sys.link("0000:01:10.0", "eth1");
    sys.device("0000:02:00.0", "e1000");
    sys.link("0000:02:00.0", "eth2");
    fs::create_dir_all(sys.folder.path().join("class/net/veth0")).unwrap();
    let bus = sys.bus();
    let one = |text: &str| bus.function(&address(text)).unwrap_err();
    assert_eq!(one("0000:09:00.0"), "there is no such PCI device");
    assert_eq!(one("0000:01:00.0"), "is no virtual function");
    let of = |pf: &str| bus.functions(pf).unwrap_err();
    assert_eq!(of("eth9"), "there is no such link on the host");
    assert_eq!(of("veth0"), "is no network card on the PCI bus");
    assert!(of("eth1").starts_with("is a virtual function itself"));
    assert!(of("eth2").starts_with("has no virtual functions"));
}

/// A card that switches by itself shows its virtual functions' ports beside its own.
#[test]
fn a_representor_is_not_the_card() {
    let sys = Sys::new(1);
    sys.link("0000:01:00.0", "aaa0");
    let net = sys.folder.path().join("bus/pci/devices/0000:01:00.0/net");
    fs::write(net.join("aaa0/phys_port_name"), "pf0vf0\n").unwrap();
    fs::write(net.join("eth0/phys_port_name"), "p0\n").unwrap();
    let function = sys.bus().function(&address("0000:01:10.0")).unwrap();
    assert_eq!(function.pf, "eth0");
    fs::write(net.join("eth0/phys_port_name"), "pf0vf1\n").unwrap();
    let error = sys.bus().function(&address("0000:01:10.0")).unwrap_err();
    assert_eq!(
        error,
        "its physical function has no network link on the host"
    );
}

#[test]
fn whose_it_is_by_its_driver() {
    let sys = Sys::new(2);
    let (first, second) = (address("0000:01:10.0"), address("0000:01:10.1"));
    sys.link("0000:01:10.0", "eth1");
    sys.driver("0000:01:10.1", "vfio-pci");
    let bus = sys.bus();
    assert_eq!(bus.device(&first), Ok(Device::Link("eth1".to_owned())));
    assert_eq!(bus.device(&second), Ok(Device::Userspace));
    assert!(bus.is_driven(&second) && !bus.is_driven(&address("0000:09:00.0")));
}
