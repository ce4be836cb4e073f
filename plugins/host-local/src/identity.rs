//! Which boot of which machine this is.

use std::{fs::File, io::Read as _};

/// 128 bits, as both ids have.
pub type Id = [u8; 16];

/// The running kernel and the machine it runs on; `None` where that cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Identity {
    /// Drawn anew by the kernel at each boot.
    pub boot: Option<Id>,
    /// Stays the same through boots. Keeps apart two machines that share a folder over the network:
    /// what the other one did is no earlier boot of ours. A clone has the same: hence `Folder::is_local`.
    pub machine: Option<Id>,
}

/// The running kernel's boot.
pub(crate) fn boot() -> Option<Id> {
    read("/proc/sys/kernel/random/boot_id")
}

/// This machine.
pub(crate) fn machine() -> Option<Id> {
    read("/etc/machine-id")
}

impl Identity {
    /// Was `other` an earlier (or later) boot of this same machine, beyond doubt?
    pub fn other_boot_of_this_machine(&self, other: &Identity) -> bool {
        self.machine.is_some()
            && self.machine == other.machine
            && self.boot.is_some()
            && other.boot.is_some()
            && self.boot != other.boot
    }
}

fn read(path: &str) -> Option<Id> {
    let mut text = [0; 64];
    let length = File::open(path).ok()?.read(&mut text).ok()?;
    parse(text.get(..length)?)
}

/// Reads 32 hexadecimal digits, with or without dashes.
pub fn parse(text: &[u8]) -> Option<Id> {
    let mut id = Id::default();
    let mut count = 0;
    for &byte in text.trim_ascii().iter().filter(|byte| **byte != b'-') {
        let digit = char::from(byte).to_digit(16)?;
        let slot = id.get_mut(count / 2)?;
        *slot = *slot << 4 | u8::try_from(digit).ok()?;
        count += 1;
    }
    (count == 32 && id != Id::default()).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms() {
        let dashed = parse(b"00112233-4455-6677-8899-aabbccddeeff\n").unwrap();
        assert_eq!(Some(dashed), parse(b"00112233445566778899AABBCCDDEEFF"));
        assert_eq!((dashed[0], dashed[1], dashed[15]), (0x00, 0x11, 0xff));
        for bad in [
            "",
            "uninitialized",
            "0011",
            "00112233445566778899aabbccddeeff00",
            "00000000000000000000000000000000",
        ] {
            assert_eq!(parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn doubt_is_no_proof() {
        let id = |boot, machine| Identity { boot, machine };
        let (a, b) = (Some([1; 16]), Some([2; 16]));
        assert!(id(b, a).other_boot_of_this_machine(&id(a, a)));
        for (now, then) in [
            (id(a, a), id(a, a)),
            (id(b, b), id(a, a)),
            (id(b, None), id(a, None)),
            (id(None, a), id(a, a)),
            (id(a, a), id(None, a)),
        ] {
            assert!(!now.other_boot_of_this_machine(&then), "{now:?} {then:?}");
        }
    }
}
