//! Many rounds.

use std::thread;

use anyhow::{Context, Result, anyhow, ensure};
use fairway_lab::{Ns, Value, json};

use super::bed::{Bed, FUNCTIONS};

/// Of seven ADDs and DELs each.
const ROUNDS: u32 = 100;

/// Seven containers at once want one of seven functions, again and again; each round the same seven come back.
pub(super) fn no_function_is_lost() -> Result<()> {
    let bed = Bed::new()?;
    let before = bed.all()?;
    let spaces = (0..FUNCTIONS).map(|_| bed.lab.container());
    let spaces: Vec<Ns> = spaces.collect::<Result<_, _>>()?;
    for round in 0..ROUNDS {
        let keys = |n: u32| {
            let mac = format!("02:00:00:00:{round:02x}:0{n}");
            json!({"mac": mac, "vlan": 10 + n, "ipam": {}})
        };
        let add = |n: u32| -> Result<Value> {
            let cni = bed.cni(&format!("c{n}"), &spaces[n as usize], &keys(n));
            Ok(cni.add()?.ok()?)
        };
        let results = at_once(add).with_context(|| format!("round {round}"))?;
        let mut taken: Vec<_> = results
            .iter()
            .map(|result| result["interfaces"][0]["pciID"].to_string())
            .collect();
        taken.sort();
        taken.dedup();
        ensure!(taken.len() == FUNCTIONS as usize, "{results:?}");
        let del = |n: u32| -> Result<Value> {
            let cni = bed.cni(&format!("c{n}"), &spaces[n as usize], &keys(n));
            cni.del(None)?.ok()?;
            Ok(Value::Null)
        };
        at_once(del).with_context(|| format!("round {round}"))?;
    }
    ensure!(bed.all()? == before, "{:#?}\n{before:#?}", bed.all()?);
    bed.is_clean()
}

fn at_once(call: impl Fn(u32) -> Result<Value> + Sync) -> Result<Vec<Value>> {
    thread::scope(|scope| {
        let call = &call;
        let calls: Vec<_> = (0..FUNCTIONS)
            .map(|n| scope.spawn(move || call(n)))
            .collect();
        let ended = calls
            .into_iter()
            .map(|call| call.join().map_err(|_| anyhow!("a call panicked"))?);
        ended.collect()
    })
}
