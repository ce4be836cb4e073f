//! The model's virtual functions.

use nix::errno::Errno;

use super::{Change, Recorder};
use crate::error::Result;
use crate::mac::MacAddr;
use crate::vf::{Vf, VfChange, Vfs};

impl Recorder {
    /// Gives a link virtual functions, as if it had had them before.
    pub fn put_vfs(&self, pf: u32, vfs: Vec<Vf>) {
        self.shared.borrow_mut().model.vfs.insert(pf, vfs);
    }
}

impl Vfs for Recorder {
    fn vfs(&mut self, pf: u32) -> Result<Vec<Vf>> {
        Ok(self.look(|model, place| {
            let here = model.get(place, pf).is_ok();
            let vfs = model.vfs.get(&pf).filter(|_| here);
            vfs.cloned().unwrap_or_default()
        }))
    }

    fn set_vf(&mut self, pf: u32, vf: u32, change: VfChange) -> Result<()> {
        let call = Change::SetVf(pf, vf, change);
        self.change(call, "set virtual function of link", pf, |model, place| {
            model.get(place, pf)?;
            let vfs = model.vfs.get_mut(&pf).ok_or(Errno::EOPNOTSUPP)?;
            let vf = vfs.iter_mut().find(|known| known.index == vf);
            let vf = vf.ok_or(Errno::EINVAL)?;
            match change {
                VfChange::Mac(mac) if mac.is_multicast() && mac != MacAddr::default() => {
                    return Err(Errno::EINVAL);
                }
                VfChange::Mac(mac) => vf.mac = mac,
                VfChange::Vlan(vlan) => vf.vlan = vlan,
                VfChange::Rate(rate) => vf.rate = rate,
                VfChange::Spoofchk(on) => vf.spoofchk = Some(on),
                VfChange::Trust(on) => vf.trust = Some(on),
                VfChange::LinkState(state) => vf.link_state = state,
            }
            Ok(())
        })
    }
}
