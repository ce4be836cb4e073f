//! Killed at each step: the next call puts it right.

use anyhow::{Context, Result, ensure};
use fairway_lab::{Cni, json};
use fairway_tests_netns::{Step, Traced};

use super::bed::Bed;

fn traced(bed: &Bed, traced: &Traced, cni: &Cni) -> Cni {
    let conf = cni.conf().clone();
    let this = Cni::new(&bed.node, traced.dir(), "sriov");
    this.container("victim").config(conf)
}

/// ADD, then what a runtime does: DEL, with the namespace or without it. Or what another one does: ADD.
pub(super) fn each_step_of_add() -> Result<()> {
    each("ADD", |bed, cni, other, round| {
        match round % 3 {
            0 => drop(cni.del(None)?.ok()?),
            1 => drop(cni.clone().netns_path(None).del(None)?.ok()?),
            _ => {
                let ns = bed.lab.container()?;
                let other = other.clone().netns(&ns);
                let outcome = other.add()?;
                if outcome.error.is_some() {
                    // It was in the container by then, which still lives.
                    outcome.fails(105)?;
                }
                other.del(None)?.ok()?;
                cni.del(None)?.ok()?;
            }
        }
        Ok(())
    })
}

/// DEL, then DEL again, or GC.
pub(super) fn each_step_of_del() -> Result<()> {
    each("DEL", |_, cni, _, round| {
        match round % 2 {
            0 => drop(cni.del(None)?.ok()?),
            _ => drop(cni.gc(&[])?.ok()?),
        }
        Ok(())
    })
}

fn each(verb: &str, then: impl Fn(&Bed, &Cni, &Cni, usize) -> Result<()>) -> Result<()> {
    let bed = Bed::new()?;
    let scripts = Traced::new(bed.lab.scratch())?;
    let ns = bed.lab.container()?;
    let keys = json!({"deviceID": bed.address(2)?, "vlan": 100, "mac": "02:00:00:00:00:22", "trust": "on"});
    let cni = bed.cni("victim", &ns, &keys);
    let other = bed.cni("other", &ns, &keys);
    let victim = traced(&bed, &scripts, &cni).netns(&ns);
    cni.add()?.ok()?;
    cni.del(None)?.ok()?;
    let before = bed.all()?;
    if verb == "DEL" {
        cni.add()?.ok()?;
    }
    let steps: Vec<Step> = scripts.steps(&victim, verb)?;
    cni.del(None)?.ok()?;
    ensure!(steps.len() > 10, "{steps:?}");
    for (round, step) in steps.iter().enumerate() {
        let one = || -> Result<()> {
            if verb == "DEL" {
                cni.add()?.ok()?;
            }
            ensure!(
                scripts.kill(&victim, verb, step)?,
                "it ended before the kill"
            );
            then(&bed, &cni, &other, round)?;
            ensure!(bed.all()? == before, "{:#?}\n{before:#?}", bed.all()?);
            bed.is_clean()
        };
        one().with_context(|| format!("{step} (of {})", steps.len()))?;
    }
    Ok(())
}
