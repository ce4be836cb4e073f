//! Virtual functions.

use nix::libc;

use super::Handle;
use crate::codec;
use crate::error::Result;
use crate::raw::attr::TooLong;
use crate::raw::{Message, Transport};
use crate::vf::{Vf, VfChange, Vfs};

fn of(message: Message, body: Result<Vec<u8>, TooLong>) -> Result<Message> {
    match body {
        Ok(body) => Ok(message.body(body)),
        Err(TooLong) => Err(message.invalid("too long")),
    }
}

impl<T: Transport> Vfs for Handle<T> {
    fn vfs(&mut self, pf: u32) -> Result<Vec<Vf>> {
        let message = Message::new(
            "list virtual functions of link",
            pf.to_string(),
            libc::RTM_GETLINK,
        );
        let message = of(message, codec::vf::get(pf))?;
        self.socket
            .get(&message, |_, body| Some(codec::vf::decode(body)))
    }

    fn set_vf(&mut self, pf: u32, vf: u32, change: VfChange) -> Result<()> {
        let subject = format!("{} of virtual function {vf} of link {pf}", change.name());
        let message = Message::new("set", subject, libc::RTM_SETLINK);
        let message = of(message, codec::vf::set(pf, vf, change))?;
        self.socket.execute(&message)
    }
}
