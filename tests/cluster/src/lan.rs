//! The wire between members of the store and nodes: one bridge in a namespace of its own.
//!
//! A cable can be cut in two ways, since programs meet both: the carrier goes (a pulled plug), or frames
//! just vanish (a broken switch), which nothing tells a program but its own clock.

use fairway_lab::{Ns, Result, poll};
use std::sync::Mutex;
use std::time::Duration;

/// A switch and its ports.
#[derive(Debug)]
pub struct Lan {
    switch: Ns,
    ports: Mutex<u8>,
}

/// How a cable is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// The carrier goes.
    Carrier,
    /// Frames vanish in the switch.
    Silent,
}

/// One cable, with the switch's end of it.
#[derive(Debug, Clone)]
pub struct Cable {
    switch: Ns,
    port: String,
    /// IPv4 address of its machine.
    pub address: String,
}

impl Lan {
    /// A switch without ports.
    ///
    /// # Errors
    /// Without root.
    pub fn new() -> Result<Self> {
        let switch = Ns::new("switch")?;
        switch.up("lo")?;
        switch.run("ip link add name br0 type bridge forward_delay 0")?;
        switch.up("br0")?;
        let ports = Mutex::new(0);
        Ok(Self { switch, ports })
    }

    /// Gives a machine an `uplink` with an address in 192.0.2.0/24.
    ///
    /// # Errors
    /// Where the machine has an `uplink`.
    pub fn plug(&self, machine: &Ns) -> Result<Cable> {
        let number = {
            let mut ports = self.ports.lock().unwrap_or_else(|e| e.into_inner());
            *ports += 1;
            *ports
        };
        let (switch, port) = (self.switch.clone(), format!("p{number}"));
        let peer = machine.path();
        switch.run(&format!(
            "ip link add name {port} type veth peer name uplink netns {}",
            peer.display()
        ))?;
        switch.run(&format!("ip link set dev {port} master br0 up"))?;
        let address = format!("192.0.2.{number}");
        machine.addr("uplink", &format!("{address}/24"))?;
        machine.up("uplink")?;
        let cable = Cable {
            switch,
            port,
            address,
        };
        Ok(cable)
    }
}

impl Cable {
    /// Cuts it. Cutting what is cut changes nothing.
    ///
    /// # Errors
    /// Where the port is gone.
    pub fn cut(&self, how: Cut) -> Result {
        let port = &self.port;
        let command = match how {
            Cut::Carrier => format!("ip link set dev {port} down"),
            // As spanning tree does it for a port that must not carry anything.
            Cut::Silent => format!("bridge link set dev {port} state 0"),
        };
        self.switch.run(&command).map(drop)
    }

    /// Sets the largest packet, in bytes, that the switch takes from and gives to its machine; the machine does
    /// not learn of it.
    ///
    /// # Errors
    /// Where the port is gone.
    pub fn mtu(&self, bytes: u16) -> Result {
        let command = format!("ip link set dev {} mtu {bytes}", self.port);
        self.switch.run(&command).map(drop)
    }

    /// Mends it, however it was cut.
    ///
    /// # Errors
    /// Where the port is gone.
    pub fn mend(&self) -> Result {
        self.switch.up(&self.port)?;
        let command = format!("bridge link set dev {} state 3", self.port);
        // Not before the kernel has seen that the carrier is back.
        let what = format!("`{command}`");
        poll(Duration::from_secs(60), &what, || {
            self.switch.run(&command).is_ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cable_can_be_cut_and_mended() {
        let lan = Lan::new().unwrap();
        let (a, b) = (Ns::new("a").unwrap(), Ns::new("b").unwrap());
        let (one, two) = (lan.plug(&a).unwrap(), lan.plug(&b).unwrap());
        let reaches = || a.run(&format!("ping -c 1 -W 1 {}", two.address)).is_ok();
        let soon = |what, wanted| {
            poll(Duration::from_secs(60), what, || reaches() == wanted).unwrap();
        };
        soon("at first", true);
        for how in [Cut::Carrier, Cut::Silent] {
            one.cut(how).unwrap();
            soon("cut", false);
            one.mend().unwrap();
            soon("mended", true);
        }
    }
}
