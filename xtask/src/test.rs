//! `test`: runs suites one after the other and sums up.
//!
//! cargo's own output passes through unchanged; it is only counted on the way, and what failed is said once more at the
//! end. A test that says `SKIP` (the kernel lacks a feature) counts as skipped and not as passed.

use crate::dist::{self, Dist};
use crate::exec::{self, End};
use crate::report::{self, Part};
use crate::suites::{self, SUITES, Suite};
use crate::{cache, deploy, failures::Failures, fuzz, k8s, packages};
use anyhow::{Context, Result, bail};
use std::num::NonZero;
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

/// How many tests of a binary run at once, as the test harness reads it.
const THREADS: &str = "RUST_TEST_THREADS";

const DIST: &str = "dist";

/// Said first: the fuzz targets are run by another command.
const NO_FUZZ: &str = "--no-fuzz";

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let (names, fuzz) = parsed(args);
    let suites = chosen(names)?;
    let needs = suites.iter().flat_map(|suite| suite.needs).copied();
    let needs: Vec<_> = needs.chain([packages::BUILD]).collect();
    packages::ensure(&needs)?;

    let mut parts = Vec::new();
    let mut built = None;
    let mut total = Count::default();
    for suite in suites {
        // As late as can be: where another process builds it meanwhile, it is there by then.
        if suite.dist && !parts.iter().any(|part: &Part| part.name == DIST) {
            parts.push(Part::of(DIST, || {
                built = Some(dist::given_or_built()?);
                Ok(String::new())
            }));
        }
        let mut count = Count::default();
        println!("\n{}: {}", suite.name, suite.about);
        if ["deploy", "k8s"].contains(&suite.name) {
            parts.push(Part::of("Kubernetes", k8s::ensure));
        }
        parts.push(Part::of(suite.name, || {
            one(suite, built.as_ref(), &mut count)
        }));
        total.add(count);
        if suite.name == "unit" && fuzz {
            parts.push(fuzz::short());
        }
    }
    print!("{}", total.failures);
    let done = report::finish(&parts);
    println!("\ntotal: {total}");
    done
}

/// The suites that are named, and whether the fuzz targets run with them.
fn parsed<'a>(args: &'a [&'a str]) -> (&'a [&'a str], bool) {
    match args {
        [NO_FUZZ, names @ ..] => (names, false),
        names => (names, true),
    }
}

fn chosen(names: &[&str]) -> Result<Vec<&'static Suite>> {
    if names.is_empty() {
        return Ok(SUITES.iter().filter(|suite| suite.is_there()).collect());
    }
    let one = |name: &&str| match Suite::named(name) {
        Some(suite) if suite.is_there() => Ok(suite),
        Some(_) => bail!("the suite {name} is not there yet"),
        None => {
            let known: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
            bail!("no suite {name}; there are: {}", known.join(" "))
        }
    };
    names.iter().map(one).collect()
}

fn one(suite: &Suite, dist: Option<&Dist>, count: &mut Count) -> Result<String> {
    let mut command = exec::cargo(&["test", "--no-fail-fast"]);
    if suite.rest {
        command.arg("--workspace");
        suites::apart().for_each(|name| _ = command.args(["--exclude", name]));
    } else {
        let names = suite.packages.iter();
        names.for_each(|name| _ = command.args(["--package", name]));
    }
    // The programs that are built with the tests, for those that want a daemon to talk to.
    if suite.rest && std::env::var_os("FAIRWAY_BIN_DIR").is_none() {
        command.env("FAIRWAY_BIN_DIR", cache::target().join("debug"));
    }
    if suite.dist {
        let dist = dist.context("there is nothing to test")?;
        dist.tell(&mut command);
        if suite.name == "deploy" {
            deploy::ready(dist)?.tell(&mut command);
        }
    }
    if suite.waits && std::env::var_os(THREADS).is_none() {
        let cores = thread::available_parallelism().map_or(2, NonZero::get);
        command.env(THREADS, (2 * cores).to_string());
    }
    let end = counted(&mut command, suite.limit, count)?;
    match end.ok() {
        true if count.passed + count.skipped == 0 => bail!("no test ran"),
        true => Ok(count.to_string()),
        false => bail!("{end}; {count}"),
    }
}

fn counted(command: &mut Command, limit: Duration, count: &mut Count) -> Result<End> {
    let shared = Mutex::new(count);
    let seen = |line: &str| {
        let mut count = shared.lock().unwrap_or_else(PoisonError::into_inner);
        count.line(line);
    };
    exec::watch(command, limit, seen)
}

/// How many tests.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    passed: usize,
    failed: usize,
    skipped: usize,
    failures: Failures,
}

impl Count {
    /// Takes in a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    fn line(&mut self, line: &str) {
        self.failures.line(line);
        if line.starts_with("SKIP ") {
            self.skipped += 1;
            self.passed = self.passed.wrapping_sub(1);
            return;
        }
        let Some(at) = line.find("test result: ") else {
            return;
        };
        for part in line[at..].split(['.', ';']) {
            let mut words = part.split_whitespace();
            let (Some(number), Some(what)) = (words.next(), words.next()) else {
                continue;
            };
            let Ok(number) = number.parse::<usize>() else {
                continue;
            };
            let sum = match what {
                "passed" => &mut self.passed,
                "failed" => &mut self.failed,
                "ignored" => &mut self.skipped,
                _ => continue,
            };
            *sum = sum.wrapping_add(number);
        }
    }

    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.add(other.failures);
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
            ..
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_and_skips_are_counted() {
        let mut count = Count::default();
        for line in [
            "SKIP vlan_trunk: this kernel has no Vlan (CONFIG_VLAN_8021Q): nothing",
            "test a ... ok",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.21s",
            "test result: FAILED. 2 passed; 3 failed; 0 ignored; 0 measured",
        ] {
            count.line(line);
        }
        assert_eq!(count.to_string(), "6 passed, 3 failed, 2 skipped");
    }

    #[test]
    fn fuzz_targets_are_left_out_where_that_is_said_first() {
        assert_eq!(parsed(&["--no-fuzz", "unit"]), (&["unit"][..], false));
        assert_eq!(parsed(&["unit"]), (&["unit"][..], true));
        assert_eq!(parsed(&[]), (&[][..], true));
        assert_eq!(parsed(&["--no-fuzz"]), (&[][..], false));
        let (names, _) = parsed(&["unit", "--no-fuzz"]);
        assert!(chosen(names).is_err());
    }

    #[test]
    fn an_unknown_suite_is_named_with_those_that_exist() {
        let error = chosen(&["unit", "nosuch"]).unwrap_err().to_string();
        assert!(
            error.contains("nosuch") && error.contains("interop"),
            "{error}"
        );
        let k8s = chosen(&["k8s"]);
        assert!(k8s.is_ok() || k8s.unwrap_err().to_string().contains("not there yet"));
    }
}
