//! What is kept of an object: code, maps and BTF, with nothing that depends on where it was built.

use anyhow::{Context, Result, bail, ensure};
use object::build::elf::{Builder, SectionData};
use object::elf::SHT_STRTAB;

/// Without DWARF, without the lines that instructions come from (a comment more would be another object), and
/// with names of functions that are the same for every copy of the repository.
pub(super) fn lean(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut builder = Builder::read(bytes).context("what was built is no object")?;
    for section in &mut builder.sections {
        let name = section.name.to_string();
        if name == ".BTF.ext" {
            let SectionData::Data(data) = &mut section.data else {
                bail!("{name} is none");
            };
            *data = without_lines(data)?.into();
        }
        // Offsets in .BTF.ext are from the beginning of a section: they need no relocation.
        section.delete =
            name.starts_with(".debug") || name.starts_with(".rel.debug") || name == ".rel.BTF.ext";
    }
    // A symbol of a section that is gone has nothing to stand for.
    builder.delete_orphans();
    for symbol in &mut builder.symbols {
        let name = symbol.name.to_string();
        symbol.name = anonymous(&name).into_bytes().into();
    }
    // LLVM keeps all names in one table; who writes here keeps those of sections apart.
    let names = builder.sections.add();
    names.name = ".shstrtab".into();
    names.sh_type = SHT_STRTAB;
    names.sh_addralign = 1;
    names.data = SectionData::SectionString;
    let mut lean = Vec::new();
    builder.write(&mut lean).context("the object")?;
    Ok(lean)
}

/// BTF of functions, without that of lines, which stands last but for relocations that nothing here has.
fn without_lines(bytes: &[u8]) -> Result<Vec<u8>> {
    /// Where in the header: its length, then offsets and lengths of what follows.
    const HEADER: usize = 4;
    const LINES: usize = 16;
    const LINES_LENGTH: usize = 20;
    const RELOCATIONS: usize = 24;
    const RELOCATIONS_LENGTH: usize = 28;
    let word = |at: usize| {
        let word = bytes.get(at..at + 4).and_then(|word| word.try_into().ok());
        word.map(|word| u32::from_le_bytes(word) as usize)
            .context(".BTF.ext is too short")
    };
    let (header, lines) = (word(HEADER)?, word(LINES)?);
    let rest = if header > RELOCATIONS_LENGTH {
        word(RELOCATIONS_LENGTH)?
    } else {
        0
    };
    ensure!(rest == 0, ".BTF.ext has relocations");
    let mut kept = bytes
        .get(..header + lines)
        .context(".BTF.ext is too short")?
        .to_vec();
    kept[LINES_LENGTH..LINES_LENGTH + 4].fill(0);
    if header > RELOCATIONS_LENGTH {
        // What has no length must begin within the section all the same.
        kept.copy_within(LINES..LINES + 4, RELOCATIONS);
    }
    Ok(kept)
}

/// A mangled name without the hash of its crate (`C s HASH _ NAME`), into which the crate's path goes.
fn anonymous(name: &str) -> String {
    let Some((head, tail)) = name.split_once("Cs") else {
        return name.to_owned();
    };
    match tail.split_once('_') {
        Some((hash, rest)) if name.starts_with("_R") && hash.len() > 8 => {
            format!("{head}C{}", anonymous_rest(rest))
        }
        _ => name.to_owned(),
    }
}

fn anonymous_rest(rest: &str) -> String {
    match rest.split_once("Cs") {
        Some(_) => anonymous(&format!("_R{rest}")).split_off(2),
        None => rest.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_without_hashes_and_stay_apart() {
        let name = "_RNvNtCs5LmFcuW24mb_7fairway4tell9give_back";
        assert_eq!(anonymous(name), "_RNvNtC7fairway4tell9give_back");
        let twice = "_RINvCs5LmFcuW24mb_7fairway4loadKb0_ECs5LmFcuW24mb_7fairway";
        assert_eq!(anonymous(twice), "_RINvC7fairway4loadKb0_EC7fairway");
        for plain in ["from_container", "_RCs", "Csomething_else"] {
            assert_eq!(anonymous(plain), plain);
        }
    }
}
