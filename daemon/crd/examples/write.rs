//! Writes the definitions to `deploy/crds`, and the tables of their fields to `docs/objects`.

use std::{error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = root.join("deploy/crds");
    fs::create_dir_all(&folder)?;
    for definition in fairway_crd::all() {
        let name = definition.plural;
        fs::write(folder.join(format!("{name}.yaml")), definition.yaml()?)?;
        let page = root.join(format!(
            "docs/objects/{}.md",
            definition.kind.to_lowercase()
        ));
        let kept = fs::read_to_string(&page)?;
        let now = fairway_crd::page::page(&kept, &definition)
            .ok_or("the page has no place for the fields")?;
        fs::write(&page, now)?;
    }
    Ok(())
}
