//! Three containers that a node routes between, and limits on the first one.

use std::net::IpAddr;

use anyhow::{Context, Result};
use fairway_dataplane::Shaper;
use fairway_dataplane::abi::Slot;
use fairway_dataplane::shaper::{Allowance, Hook, limit};
use fairway_lab::traffic::{Kind, Load};
use fairway_lab::{Lab, Ns};
use fairway_netlink::{Handle, Netlink};

pub(super) struct Bed {
    pub(super) lab: Lab,
    pub(super) containers: [Ns; 3],
    shaper: Shaper,
}

/// Which way packets of the first container are limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Out,
    In,
}

impl Bed {
    pub(super) fn new() -> Result<Bed> {
        let lab = Lab::new()?;
        let containers = [lab.container()?, lab.container()?, lab.container()?];
        let node = lab.node();
        node.set_sysctl("ipv4/ip_forward", "1")?;
        node.set_sysctl("ipv6/conf/all/forwarding", "1")?;
        for (number, container) in (1..).zip(&containers) {
            let link = format!("fw{number}");
            lab.wire(node, &link, container, "eth0")?;
            let [v4, v6] = addresses(number);
            node.addr(&link, &format!("10.0.{number}.1/24"))?;
            node.addr(&link, &format!("fd00:{number}::1/64"))?;
            container.addr("eth0", &format!("{v4}/24"))?;
            container.addr("eth0", &format!("{v6}/64"))?;
            container.run(&format!("ip route add default via 10.0.{number}.1"))?;
            container.run(&format!("ip -6 route add default via fd00:{number}::1"))?;
        }
        let shaper = Shaper::load()?;
        Ok(Bed {
            lab,
            containers,
            shaper,
        })
    }

    /// Limits the first container, both ways: slot and limit 1 outwards, 2 inwards.
    pub(super) fn limit(&self, bits: u64) -> Result<()> {
        let allowance = Allowance {
            bits,
            ..Allowance::default()
        };
        for number in [1, 2] {
            self.shaper.begin_limit(number, &limit(&allowance))?;
        }
        Ok(())
    }

    /// Hangs the program on both ends of the first container's link.
    pub(super) fn shape(&self) -> Result<()> {
        let ends = [(&self.containers[0], "eth0"), (self.lab.node(), "fw1")];
        for (number, (ns, link)) in (1..).zip(ends) {
            ns.run(&format!(
                "tc qdisc replace dev {link} root fq flow_limit 20000 limit 20000"
            ))?;
            let slot = Slot {
                limits: [number, 0, 0, 0],
                flags: Slot::DEPART,
                ..Slot::default()
            };
            self.shaper.set_slot(number, &slot)?;
            ns.inside(|| -> Result<()> {
                let mut netlink = Handle::open()?;
                let link = netlink.link_by_name(link)?.context("no link")?;
                Ok(self
                    .shaper
                    .attach(&mut netlink, link.index, Hook::Egress, number)?)
            })??;
        }
        Ok(())
    }

    pub(super) fn load(&self, way: Way, kind: Kind, flows: u32, seconds: u32) -> Load {
        let [one, two, _] = &self.containers;
        let (from, to, number) = match way {
            Way::Out => (one, two, 2),
            Way::In => (two, one, 1),
        };
        Load {
            from: from.clone(),
            to: to.clone(),
            address: addresses(number)[0],
            port: 5201,
            kind,
            flows,
            seconds,
            reverse: false,
        }
    }
}

pub(super) fn addresses(number: u8) -> [IpAddr; 2] {
    let v4 = [10, 0, number, 2];
    let v6 = [0xfd00, u16::from(number), 0, 0, 0, 0, 0, 2];
    [v4.into(), v6.into()]
}
