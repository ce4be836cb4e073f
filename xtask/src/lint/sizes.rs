//! How long source files are: about 200 lines is the norm, 400 is much, 800 is a stop.

use crate::cache;
use anyhow::{Result, ensure};

const MUCH: usize = 400;
const STOP: usize = 800;

pub(super) fn check() -> Result<String> {
    let mut sizes = Vec::new();
    for name in super::files()? {
        if name.extension().is_some_and(|ext| ext == "rs") {
            let text = std::fs::read_to_string(cache::root().join(&name))?;
            sizes.push((text.lines().count(), name));
        }
    }
    sizes.sort();
    let long = sizes.iter().rev().take_while(|(lines, _)| *lines > MUCH);
    for (lines, name) in long.clone() {
        println!("{}: {lines} lines, {MUCH} is much", name.display());
    }
    let stops = long.clone().filter(|(lines, _)| *lines > STOP).count();
    ensure!(stops == 0, "{stops} files have more than {STOP} lines");
    let median = sizes.get(sizes.len() / 2).map_or(0, |(lines, _)| *lines);
    let (all, long) = (sizes.len(), long.count());
    Ok(format!(
        "{all} files, median {median} lines, {long} over {MUCH}"
    ))
}
