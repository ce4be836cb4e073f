//! Both topologies, called in step.

use crate::deliberate::{CODES, DIFFERENCES, SUCCEEDS};
use crate::{Case, Lines, Maker, Side};
use fairway_lab::{Error, Outcome, Result, Snapshot, poll};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::panic::resume_unwind;
use std::thread;
use std::time::{Duration, Instant};

/// Some traces, such as a bridge's operational state, come a moment later.
pub(crate) const SETTLED: Duration = Duration::from_secs(2);

/// How often what differs is looked at again, at least: an emulated CPU that shares its core looks for seconds.
const LOOKS: u32 = 10;

/// The versions that both sides know, oldest first.
pub(crate) const VERSIONS: &[&str] = &["0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0"];

/// A case on both sides, and what differed so far.
#[derive(Debug)]
pub struct Pair {
    case: Case,
    version: &'static str,
    /// The reference's.
    pub theirs: Side,
    /// Ours.
    pub ours: Side,
    mixed: bool,
    shown: BTreeSet<&'static str>,
    /// Whether each difference that is sure to show has to.
    strict: bool,
    report: String,
}

impl Pair {
    /// Two fresh topologies, prepared; calls are in version 1.0.0.
    ///
    /// # Errors
    /// Where they cannot be made.
    pub fn new(case: Case) -> Result<Self> {
        Ok(Self {
            theirs: Side::new(Maker::Reference, &case)?,
            ours: Side::new(Maker::Ours, &case)?,
            case,
            version: "1.0.0",
            mixed: false,
            shown: BTreeSet::new(),
            strict: false,
            report: String::new(),
        })
    }

    /// Both makers' plugins run on one side, so that no difference is sure to show.
    pub fn mixed(&mut self) {
        self.mixed = true;
    }

    /// The calls from here on are in this version.
    pub fn version(&mut self, version: &'static str) {
        self.version = version;
    }

    /// One call on each side, its outcome compared.
    ///
    /// # Errors
    /// Where a plugin cannot be run at all.
    pub fn call(
        &mut self,
        what: &str,
        call: impl Fn(&mut Side, &Case, &str) -> Result<Outcome> + Sync,
    ) -> Result<(Outcome, Outcome)> {
        let (case, version) = (&self.case, self.version);
        let both = both(&mut self.theirs, &mut self.ours, |side| {
            call(side, case, version)
        });
        let (theirs, ours) = (both.0?, both.1?);
        let accepted = |known: &crate::deliberate::Succeeds| {
            (known.shows)(&self.case, what, self.version)
                && theirs.fails(999).is_ok()
                && ours.status.success()
        };
        if SUCCEEDS.iter().any(accepted) {
            return Ok((theirs, ours));
        }
        let what = format!("{what} in version {}", self.version);
        let (a, mut b) = (self.theirs.outcome(&theirs)?, self.ours.outcome(&ours)?);
        if let (Some(x), Some(y)) = (&theirs.error, &ours.error)
            && CODES
                .iter()
                .any(|code| (code.0, code.1) == (x.code, y.code))
        {
            let (from, to) = (format!("code {} ", y.code), format!("code {} ", x.code));
            b.edit(|_, line| Some(line.replace(&from, &to)));
        }
        let diff = self.diff(a, b);
        if !diff.is_empty() {
            let _ = writeln!(self.report, "{what}:\n{diff}");
            for outcome in [&theirs, &ours] {
                let text = format!("{} {}", outcome.stdout, outcome.stderr);
                let words: Vec<_> = text.split_whitespace().collect();
                let _ = writeln!(self.report, "  {}", words.join(" "));
            }
        }
        Ok((theirs, ours))
    }

    /// ADD of a container.
    ///
    /// # Errors
    /// As [`Pair::call`].
    pub fn add(&mut self, id: &str) -> Result {
        let (theirs, ours) = self.call(&format!("ADD {id}"), |side, case, version| {
            side.cni(case, version, id)?.add()
        })?;
        self.theirs.keep(id, &theirs);
        self.ours.keep(id, &ours);
        Ok(())
    }

    /// An ADD that both sides refuse, ours with this code, and that leaves nothing behind with
    /// us. (The reference's often does: links and bridges made before the failure.)
    ///
    /// # Errors
    /// As [`Pair::call`], and where ours succeeds, answers another code or leaves a trace.
    pub fn add_refused(&mut self, id: &str, code: u32) -> Result {
        let (node, container) = (self.ours.lab.node().clone(), self.ours.container(id)?);
        let before = [&node, &container].map(|ns| Snapshot::settled(ns, SETTLED));
        let (theirs, ours) = self.call(&format!("ADD {id}"), |side, case, version| {
            side.cni(case, version, id)?.add()
        })?;
        ours.fails(code)?;
        if theirs.status.success() {
            let _ = writeln!(self.report, "the reference accepts it: {}", theirs.stdout);
        }
        let [of_node, of_container] = before;
        of_container?.unchanged(&container, SETTLED)?;
        of_node?.unchanged_but(&node, SETTLED, is_bridge)
    }

    /// CHECK of a container against the result of its ADD.
    ///
    /// # Errors
    /// As [`Pair::call`].
    pub fn check(&mut self, id: &str) -> Result {
        self.call(&format!("CHECK {id}"), |side, case, version| {
            let cni = side.cni(case, version, id)?;
            match side.result(id) {
                Some(result) => cni.check(result),
                None => cni.call("CHECK"),
            }
        })?;
        Ok(())
    }

    /// DEL of a container with the result of its ADD.
    ///
    /// # Errors
    /// As [`Pair::call`].
    pub fn del(&mut self, id: &str) -> Result {
        self.call(&format!("DEL {id}"), |side, case, version| {
            side.cni(case, version, id)?.del(side.result(id))
        })?;
        Ok(())
    }

    /// Runs a script on both nodes.
    ///
    /// # Errors
    /// Where it fails.
    pub fn sh(&mut self, script: &str) -> Result {
        self.theirs.sh(script)?;
        self.ours.sh(script).map(drop)
    }

    /// Runs a script in a container of both sides.
    ///
    /// # Errors
    /// Where it fails.
    pub fn sh_in(&mut self, id: &str, script: &str) -> Result {
        self.theirs.sh_in(id, script)?;
        self.ours.sh_in(id, script).map(drop)
    }

    /// ADD, CHECK and DEL in every version.
    ///
    /// # Errors
    /// As [`Pair::call`].
    pub fn versions(&mut self) -> Result {
        for version in VERSIONS {
            self.version(version);
            self.add("c1")?;
            self.check("c1")?;
            self.del("c1")?;
        }
        self.version("1.0.0");
        Ok(())
    }

    /// Compares the kernel's state, which may take a moment to settle.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub fn state(&mut self, when: &str) -> Result {
        self.strict = !self.mixed;
        let _ = poll(SETTLED, "", || {
            match (self.theirs.carriers(), self.ours.carriers()) {
                (Ok(theirs), Ok(ours)) => theirs == ours,
                _ => true,
            }
        });
        let look = Instant::now();
        let mut last = self.state_now();
        if last.as_ref().is_ok_and(String::is_empty) {
            return Ok(());
        }
        let same = poll(patience(look.elapsed()), "", || {
            last = self.state_now();
            last.as_ref().is_ok_and(String::is_empty) || last.is_err()
        });
        let diff = last?;
        if same.is_err() {
            let _ = writeln!(self.report, "the kernel's state {when}:\n{diff}");
        }
        Ok(())
    }

    fn state_now(&mut self) -> Result<String> {
        let both = both(&mut self.theirs, &mut self.ours, |side| side.state());
        Ok(self.diff(both.0?, both.1?))
    }

    /// Compares the files below the data folders.
    ///
    /// # Errors
    /// None; so that it reads as the other steps do.
    pub fn files(&mut self) -> Result {
        let diff = self.diff(self.theirs.files(), self.ours.files());
        if !diff.is_empty() {
            let _ = writeln!(self.report, "files:\n{diff}");
        }
        Ok(())
    }

    /// Compares only which addresses are taken, and by whom.
    ///
    /// # Errors
    /// None, as with [`Pair::files`].
    pub fn addresses(&mut self) -> Result {
        let taken = |side: &Side| {
            let mut files = side.files();
            files.edit(|_, line| {
                let name = line.strip_prefix("net/")?.split(' ').next()?;
                let address: Option<std::net::IpAddr> = name.parse().ok();
                let (_, text) = line.split_once('"')?;
                address.map(|address| format!("{address} {text}"))
            });
            files
        };
        let diff = self.diff(taken(&self.theirs), taken(&self.ours));
        if !diff.is_empty() {
            let _ = writeln!(self.report, "addresses:\n{diff}");
        }
        Ok(())
    }

    fn diff(&mut self, mut theirs: Lines, mut ours: Lines) -> String {
        for known in DIFFERENCES.iter().filter(|known| (known.shows)(&self.case)) {
            let edit = |lines: &mut Lines, maker| {
                lines.edit(|section, line| (known.edit)(maker, section, line))
            };
            let mut edited = edit(&mut theirs, Maker::Reference) + edit(&mut ours, Maker::Ours);
            if self.mixed {
                edited += edit(&mut ours, Maker::Reference);
            }
            if edited > 0 {
                self.shown.insert(known.what);
            }
        }
        theirs.diff(&ours)
    }

    /// The verdict.
    ///
    /// # Errors
    /// With all that differs, and with the deliberate differences that never showed.
    pub fn finish(mut self) -> Result {
        for known in DIFFERENCES.iter().filter(|known| known.surely) {
            let met = self.shown.contains(known.what);
            if self.strict && (known.shows)(&self.case) && !met {
                let _ = writeln!(self.report, "said to differ, but does not: {}", known.what);
            }
        }
        match self.report.is_empty() {
            true => Ok(()),
            false => Err(Error::Differ {
                what: format!("- the reference, + ours: {}", self.case),
                diff: self.report,
            }),
        }
    }
}

/// The same on both sides at the same time: much of it is waiting for the kernel.
fn both<T: Send>(
    theirs: &mut Side,
    ours: &mut Side,
    act: impl Fn(&mut Side) -> T + Sync,
) -> (T, T) {
    thread::scope(|scope| {
        let theirs = scope.spawn(|| act(theirs));
        let ours = act(ours);
        let theirs = theirs.join();
        (theirs.unwrap_or_else(|panic| resume_unwind(panic)), ours)
    })
}

/// How long to wait for what one look takes so long for.
pub(crate) fn patience(look: Duration) -> Duration {
    SETTLED.max(look * LOOKS)
}

/// The bridge itself may stay: it is the node's, not the container's.
fn is_bridge(section: &str, line: &str) -> bool {
    ["cni0", "br0"].iter().any(|name| line.contains(name)) && section != "rule"
}
