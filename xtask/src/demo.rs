//! `demo`: containers get a network from the plugins, use it, and leave nothing behind.
//!
//! Everything happens in namespaces that vanish with this process, on any machine, so it can be
//! run and interrupted at will. A step is one line with its time; the first that fails ends it.

mod many;
mod node;
mod one;
mod overlay;
mod policy;

use crate::{dist, packages};
use anyhow::{Result, bail, ensure};
use fairway_lab::Ns;
use std::time::{Duration, Instant};

/// More would be slow to look at, and no different.
const MOST: usize = 50;

pub(crate) fn run(args: &[&str]) -> Result<()> {
    let nodes = match args {
        [] => 1,
        ["--nodes", n] => match n.parse() {
            Ok(n @ 1..=MOST) => n,
            _ => bail!("--nodes {n}: takes a number from 1 to {MOST}"),
        },
        _ => bail!("takes --nodes N or nothing"),
    };
    ensure!(
        nix::unistd::geteuid().is_root(),
        "network namespaces need root: run it as root (in a container, a privileged one)"
    );
    let store: &[packages::Need] = if nodes > 1 { packages::ETCD } else { &[] };
    packages::ensure(&[packages::LAB, packages::BUILD, store])?;
    let dist = dist::given_or_built()?;
    let mut steps = Steps {
        begin: Instant::now(),
        count: 0,
    };
    match nodes {
        1 => one::show(&dist, &mut steps)?,
        nodes => many::show(nodes, &dist, &mut steps)?,
    }
    let (count, time) = (steps.count, steps.begin.elapsed().as_secs_f64());
    println!("\n{count} steps in {time:.1} s. Everything ran in namespaces that are gone now.");
    Ok(())
}

/// Prints steps and times them.
struct Steps {
    begin: Instant,
    count: usize,
}

impl Steps {
    fn title(&self, text: &str) {
        println!("\n{text}");
    }

    fn step<T>(&mut self, what: &str, work: impl FnOnce() -> Result<(String, T)>) -> Result<T> {
        let begin = Instant::now();
        let done = work();
        let time = begin.elapsed().as_secs_f64() * 1000.0;
        self.count += 1;
        match done {
            Ok((seen, value)) => {
                let colon = if seen.is_empty() { "" } else { ": " };
                println!("  ✓ {time:>7.1} ms  {what}{colon}{seen}");
                Ok(value)
            }
            Err(error) => {
                println!("  ✗ {time:>7.1} ms  {what}");
                Err(error)
            }
        }
    }
}

fn ping(steps: &mut Steps, from: &Ns, target: &str, what: &str) -> Result<()> {
    steps.step(what, || {
        let text = from.run(&format!("ping -n -c 3 -i 0.01 -W 5 {target}"))?;
        let times = text.lines().find_map(|line| line.strip_prefix("rtt "));
        let average = times.and_then(|line| line.split('/').nth(4)).unwrap_or("?");
        Ok((format!("{target} answers in {average} ms"), ()))
    })
}

fn plugin_time(wall: Duration) -> String {
    format!("plugin {:.1} ms", wall.as_secs_f64() * 1000.0)
}
