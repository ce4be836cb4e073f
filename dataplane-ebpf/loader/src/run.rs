//! Programs run on packets that were made up, for tests and to measure what a verdict costs.

use std::time::Duration;

use aya::programs::{ProgramError, SchedClassifier};
use aya::{TestRun, TestRunOptions};

use crate::dataplane::Dataplane;
use crate::error::{Error, Result};
use crate::object::Hook;

/// `struct __sk_buff`: its length, and where the index of the link is in it.
const CONTEXT: usize = 192;
const IFINDEX: usize = 40;
/// What a program may put before a packet.
const HEADROOM: usize = 256;

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What the program returned: `TC_ACT_OK` is 0, `TC_ACT_SHOT` 2, `TC_ACT_REDIRECT` 7.
    pub verdict: u32,
    /// How long one run took in the mean.
    pub duration: Duration,
    /// The packet afterwards.
    pub packet: Vec<u8>,
}

impl Dataplane {
    pub(crate) fn program(&self, hook: Hook) -> Result<&SchedClassifier> {
        let found = self.ebpf.program(hook.name());
        let program = found.and_then(|program| program.try_into().ok());
        program.ok_or(Error::Missing {
            what: "program",
            name: hook.name(),
        })
    }

    /// Runs a program on a packet (with its Ethernet header, which the kernel wants to be whole) as if it came
    /// by a link of the calling thread's network namespace, `repeat` times with the same packet: what a run
    /// changes in it the next one sees, and in the maps as well.
    ///
    /// # Errors
    /// Where there is no such link, or the packet is shorter than 14 bytes or longer than a page.
    pub fn test_run(&self, hook: Hook, packet: &[u8], link: u32, repeat: u32) -> Result<Ran> {
        let program = self.program(hook)?;
        let mut context = [0; CONTEXT];
        context[IFINDEX..IFINDEX + 4].copy_from_slice(&link.to_ne_bytes());
        let mut out = vec![0; packet.len() + HEADROOM];
        let result = program.test_run(TestRunOptions {
            data_in: Some(packet),
            data_out: Some(&mut out),
            ctx_in: Some(&context),
            repeat,
            ..TestRunOptions::default()
        });
        let result = result.map_err(|error| Error::Program {
            program: hook.name(),
            call: "BPF_PROG_TEST_RUN",
            source: match error {
                ProgramError::SyscallError(error) => error.io_error,
                other => std::io::Error::other(other),
            },
        })?;
        out.truncate(result.data_size_out as usize);
        Ok(Ran {
            verdict: result.return_value,
            duration: result.duration,
            packet: out,
        })
    }
}
