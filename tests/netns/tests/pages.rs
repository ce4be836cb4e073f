//! The README's tour and the pages under `docs/` work as they are written, see [`fairway_lab::page`].

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

use fairway_lab::{
    page::{self, HERE},
    plugin_dir,
};
use std::{fs, process::Command};

/// How long a page may take, in seconds.
const LIMIT: u32 = 120;

fn run(script: &str) -> Result<(), String> {
    page::run(script, LIMIT)
}

#[test]
fn every_page_works_as_written() {
    let mut ran = 0;
    for page in page::all().unwrap() {
        let script = page::script(&fs::read_to_string(&page).unwrap(), HERE);
        if script.is_empty() {
            continue;
        }
        if let Err(output) = run(&script) {
            panic!("{}: {output}", page.display());
        }
        ran += 1;
    }
    assert!(ran >= 25, "only {ran} pages have something to type");
}

#[test]
fn a_page_that_does_not_work_is_noticed() {
    let typed = |page: &str| run(&page::script(page, HERE));
    assert!(run("false").is_err());
    assert!(run("echo x | grep y | cat").is_err());
    assert!(typed("```sh\n! true\n```").is_err());
    assert!(typed("```sh\n! false\n```\ntext\n```console\nfalse\n```").is_ok());
}

/// All blocks of that sort, with where each stands.
fn blocks(fence: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for page in page::all().unwrap() {
        let text = fs::read_to_string(&page).unwrap();
        let place = |number| format!("{}, block {number}", page.display());
        let blocks = page::blocks(&text, fence).into_iter().enumerate();
        found.extend(blocks.map(|(number, block)| (place(number + 1), block)));
    }
    found
}

/// Commands that write the text to a file.
fn write(file: &str, text: &str) -> String {
    format!("cat > {file} <<'END-OF-BLOCK'\n{text}END-OF-BLOCK\n")
}

/// What pages show of objects, netctl applies; pools first, since others speak of them.
#[test]
fn objects_in_pages_are_taken() {
    let mut objects = blocks("```yaml");
    objects.sort_by_key(|(_, block)| !block.contains("kind: IPPool"));
    assert!(objects.len() >= 8, "{}", objects.len());
    let mut script = String::from(
        "export FAIRWAY_SOCKET=/tmp/s FAIRWAY_STATE_DIR=/tmp/state\n\
         dist/bin/fairwayd --node n1 2> /tmp/log &\n\
         timeout 10 sh -c 'until dist/bin/netctl status 2> /dev/null; do sleep 0.1; done'\n",
    );
    for (place, block) in &objects {
        script.push_str(&format!(": '{place}'\n"));
        script.push_str(&write("/tmp/object.yaml", block));
        script.push_str("dist/bin/netctl apply -f /tmp/object.yaml\n");
    }
    script.push_str("kill %1 && wait %1\n");
    run(&script).unwrap_or_else(|output| panic!("{output}"));
}

/// What pages show of configurations has no key that nobody reads, and nothing that a plugin would refuse.
#[test]
fn configurations_in_pages_are_taken() {
    let whole = |(_, block): &(String, String)| block.contains("\"cniVersion\"");
    let confs: Vec<_> = blocks("```json").into_iter().filter(whole).collect();
    assert!(confs.len() >= 12, "{}", confs.len());
    let mut script = String::new();
    for (place, block) in &confs {
        script.push_str(&format!(": '{place}'\n"));
        script.push_str(&write("/tmp/configuration", block));
        script.push_str(
            "dist/bin/netctl conf check --strict --plugin-path dist/cni /tmp/configuration\n",
        );
    }
    run(&script).unwrap_or_else(|output| panic!("{output}"));
}

/// What the binary is called by has a page, and no page speaks of a type that is not there.
#[test]
fn every_type_has_a_page() {
    let binary = plugin_dir().join("fairway-cni");
    let listed = Command::new(binary).arg("--list").output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let mut types: Vec<&str> = listed.split_whitespace().collect();
    types.retain(|name| *name != "fairway-cni");
    types.sort_unstable();
    let pages = fs::read_dir(page::path("docs/plugins")).unwrap();
    let pages = pages.map(|page| page.unwrap().path());
    let mut pages: Vec<String> = pages
        .filter_map(|page| Some(page.file_stem()?.to_str()?.to_owned()))
        .collect();
    pages.sort_unstable();
    assert_eq!(types, pages);
}

/// docs/errors.md names every code that there is, and none that there is not.
#[test]
fn every_error_code_is_documented() {
    let page = fs::read_to_string(page::path("docs/errors.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let told = rows.filter_map(|row| row.split(' ').next()?.parse::<u32>().ok());
    let mut told: Vec<u32> = told.collect();
    told.sort_unstable();
    let mut known: Vec<u32> = fairway_cni::Code::ALL.iter().map(|(n, ..)| *n).collect();
    known.sort_unstable();
    assert_eq!(told, known);
}
