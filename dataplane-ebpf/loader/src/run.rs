//! Programs run on packets that were made up, for tests and to measure what a verdict costs.

use std::time::Duration;

use aya::programs::{ProgramError, SchedClassifier};
use aya::{TestRun, TestRunOptions};

use crate::dataplane::Dataplane;
use crate::error::{Error, Result};
use crate::object::Hook;

/// Length of `struct __sk_buff`.
const CONTEXT: usize = 192;
/// What a program may put before a packet.
const HEADROOM: usize = 256;

/// What became of a packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// What the program returned: `TC_ACT_UNSPEC` is [`Ran::NEXT`], `TC_ACT_SHOT` 2, `TC_ACT_REDIRECT` 7.
    pub verdict: u32,
    /// How long one run took in the mean.
    pub duration: Duration,
    /// The packet afterwards.
    pub packet: Vec<u8>,
}

impl Ran {
    /// The packet passes, if filters behind the program let it.
    pub const NEXT: u32 = u32::MAX;
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
        let context = Context::default().link(link);
        let (ran, _) = run(program, hook.name(), packet, context, repeat)?;
        Ok(ran)
    }
}

/// `struct __sk_buff`, as far as a test run takes it or gives it back.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context([u8; CONTEXT]);

impl Default for Context {
    fn default() -> Self {
        Self([0; CONTEXT])
    }
}

impl Context {
    const PRIORITY: usize = 32;
    const IFINDEX: usize = 40;
    const TIMESTAMP: usize = 152;
    const WIRE_LENGTH: usize = 160;
    const SEGMENTS: usize = 164;

    /// By which link it came.
    pub(crate) fn link(self, index: u32) -> Self {
        self.with(Self::IFINDEX, index)
    }

    /// How many bytes go out for it, in how many packets.
    pub(crate) fn wire(self, bytes: u32, packets: u32) -> Self {
        let with = self.with(Self::WIRE_LENGTH, bytes);
        with.with(Self::SEGMENTS, packets)
    }

    fn with(mut self, at: usize, word: u32) -> Self {
        self.0[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        self
    }

    pub(crate) fn priority(&self) -> u32 {
        let bytes = self.0[Self::PRIORITY..].first_chunk();
        bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }

    pub(crate) fn timestamp(&self) -> u64 {
        let bytes = self.0[Self::TIMESTAMP..].first_chunk();
        bytes.map_or(0, |bytes| u64::from_ne_bytes(*bytes))
    }
}

/// Runs a program; says what became of the packet and of its context.
pub(crate) fn run(
    program: &SchedClassifier,
    name: &'static str,
    packet: &[u8],
    context: Context,
    repeat: u32,
) -> Result<(Ran, Context)> {
    let mut out = vec![0; packet.len() + HEADROOM];
    let mut after = Context::default();
    let result = program.test_run(TestRunOptions {
        data_in: Some(packet),
        data_out: Some(&mut out),
        ctx_in: Some(&context.0),
        ctx_out: Some(&mut after.0),
        repeat,
        ..TestRunOptions::default()
    });
    let result = result.map_err(|error| Error::Program {
        program: name,
        call: "BPF_PROG_TEST_RUN",
        source: match error {
            ProgramError::SyscallError(error) => error.io_error,
            other => std::io::Error::other(other),
        },
    })?;
    out.truncate(result.data_size_out as usize);
    let ran = Ran {
        verdict: result.return_value,
        duration: result.duration,
        packet: out,
    };
    Ok((ran, after))
}
