//! Writes the definitions to a folder: `deploy/crds` unless told.

use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let kept = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/crds");
    let folder = env::args_os()
        .nth(1)
        .map_or_else(|| PathBuf::from(kept), PathBuf::from);
    fs::create_dir_all(&folder)?;
    for definition in fairway_crd::all() {
        fs::write(
            folder.join(format!("{}.yaml", definition.plural)),
            definition.yaml()?,
        )?;
    }
    Ok(())
}
