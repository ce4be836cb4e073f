//! Bad input: the right code, the field named, nothing left behind, no panic.

mod config;
mod environment;
mod files;
mod places;
mod stdin;

use fairway_tests_netns::{Bed, CniError, Ns, Outcome, Result, State, ensure};

/// The kinds that touch links.
const MAIN: [&str; 2] = ["bridge", "ptp"];
/// Every kind that needs no `ipam` of its own sort.
const KINDS: [&str; 4] = ["bridge", "ptp", "loopback", "host-local"];

/// A node, a container, and how they were.
struct Place<'a> {
    ns: Ns,
    before: State<'a>,
}

impl<'a> Place<'a> {
    fn new(bed: &'a Bed) -> Result<Self> {
        let ns = bed.container()?;
        // The kernel leaves traces once `lo` has been up: its queue, and 127.0.0.1.
        ns.sh("ip link set lo up; ip link set lo down")?;
        let before = State::take(bed, &[&ns])?;
        Ok(Self { ns, before })
    }

    /// The call failed with `code`, names `field`, did not panic, and left nothing behind.
    fn refused(&self, outcome: &Outcome, code: u32, field: &str) -> Result<CniError> {
        let error = outcome.fails(code)?;
        let said = format!("{} {}", error.msg, error.details);
        ensure(
            said.contains(field),
            format!("{field:?} to be named: {error:?}"),
        )?;
        sober(outcome)?;
        self.before.about_unchanged()?;
        Ok(error)
    }
}

/// No panic, no backtrace.
fn sober(outcome: &Outcome) -> Result {
    let stderr = &outcome.stderr;
    let drunk = ["panicked", "RUST_BACKTRACE", "overflow"]
        .iter()
        .any(|word| stderr.contains(word));
    ensure(
        !drunk && outcome.status.code().is_some(),
        format!("a sober end: {outcome:?}"),
    )
}
