//! Files and folders as they lie on a machine.

use super::*;
use std::os::unix::fs::PermissionsExt as _;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.0.path().join(name), text).unwrap();
        }
        folder
    }

    fn report(&self, strict: bool) -> Report {
        self.report_with(strict, "/nowhere")
    }

    fn report_with(&self, strict: bool, plugins: &str) -> Report {
        let check = Check {
            paths: vec![self.0.path().to_owned()],
            plugins: Some(plugins.to_owned()),
            strict,
        };
        ConfVerb::Check(check).run()
    }

    fn shown(&self, report: &Report) -> Vec<String> {
        let line = |one: &report::Finding| {
            let file = one
                .file
                .replace(&format!("{}/", self.0.path().display()), "");
            let file = file.replace(&self.0.path().display().to_string(), ".");
            let place = match (one.line, one.column) {
                (Some(line), Some(column)) => format!("{file}:{line}:{column}"),
                _ => file,
            };
            format!("{place} {} {}: {}", one.level, one.field, one.text)
        };
        report.findings.iter().map(line).collect()
    }
}

const APPS: &str =
    "{\n  \"cniVersion\": \"1.0.0\",\n  \"name\": \"apps\",\n  \"type\": \"bridge\"\n}";

#[test]
fn a_folder_is_read_as_runtimes_read_it() {
    let folder = Folder::new(&[
        ("20-b.conf", APPS),
        (
            "10-a.conflist",
            r#"{"cniVersion": "1.0.0", "name": "apps", "plugins": [{"type": "ptp", "ipam": {"type": "static"}}]}"#,
        ),
        ("05-old.conflist.bak", "{"),
    ]);
    fs::create_dir(folder.0.path().join("15-x.conf")).unwrap();
    let report = folder.report(false);
    let first = folder.0.path().join("10-a.conflist").display().to_string();
    assert_eq!(
        folder.shown(&report),
        [
            format!("20-b.conf error name: \"apps\" is that of {first} as well: addresses, DEL and GC go by it"),
            ". note : 10-a.conflist is the first: containerd uses no other unless max_conf_num says so, and it is the default elsewhere".to_owned(),
            ". note : 05-old.conflist.bak: no runtime reads it".to_owned(),
            ". note : 15-x.conf: no runtime reads it".to_owned(),
        ]
    );
    assert!(!report.ok);
    let kinds: Vec<String> = report
        .files
        .iter()
        .map(|file| file.plugins.join(" "))
        .collect();
    assert_eq!(kinds, ["ptp static", "bridge"]);
}

#[test]
fn places_are_told() {
    let folder = Folder::new(&[
        (
            "a.conf",
            "{\n  \"cniVersion\": \"1.0.0\",\n  \"name\": \"a\",\n  \"type\": \"bridge\", \"mtu\": \"x\"\n}",
        ),
        (
            "b.conf",
            "{\n  \"name\": \"b\",\n  \"type\": \"bridge\",,\n}",
        ),
        ("c.conf", "[]"),
    ]);
    let shown = folder.shown(&folder.report(false));
    assert_eq!(
        shown[0],
        "a.conf:4:21 error mtu: expected a whole number, got the string \"x\""
    );
    assert_eq!(
        shown[1],
        "b.conf:3:20 error : no JSON: key must be a string"
    );
    assert_eq!(shown[2], "c.conf:1:1 error : is no JSON object");
}

#[test]
fn a_first_file_that_is_not_loaded_is_told() {
    let told = |text: &str| {
        let folder = Folder::new(&[("a.conf", text)]);
        let shown = folder.shown(&folder.report(false));
        shown
            .iter()
            .any(|line| line.starts_with("a.conf note : is the first file:"))
    };
    assert!(told("{") && told(&APPS.replace("apps", "a b")) && told(&APPS.replace("type", "kind")));
    // This one a runtime loads, and the plugin refuses it.
    assert!(!told(APPS) && !told(&APPS.replace("\"type\"", "\"mtu\": \"x\", \"type\"")));
}

#[test]
fn warnings_count_where_that_is_wanted() {
    let folder = Folder::new(&[(
        "a.conf",
        &APPS.replace("\"type\"", "\"mut\": 1,\n  \"type\""),
    )]);
    assert_eq!(
        folder.shown(&folder.report(false)),
        ["a.conf:4:3 warning mut: bridge reads no such key here: did you mean \"mtu\"?"]
    );
    assert!(folder.report(false).ok && !folder.report(true).ok);
    let good = Folder::new(&[("a.conf", APPS)]);
    assert!(good.report(true).ok && good.report(true).findings.is_empty());
}

#[test]
fn what_cannot_be_read_is_told() {
    let empty = Folder::new(&[]);
    assert!(empty.shown(&empty.report(false))[0].starts_with(". warning : no *.conf"));
    let long = Folder::new(&[("a.conf", &" ".repeat((1 << 20) + 1))]);
    assert!(long.shown(&long.report(false))[0].starts_with("a.conf error : is longer than"));
    let bytes = Folder::new(&[]);
    fs::write(bytes.0.path().join("a.conf"), b"{\"name\": \"\xff\"}").unwrap();
    assert!(!bytes.report(false).ok);
    let check = Check {
        paths: vec![PathBuf::from("/nowhere/a.conf")],
        plugins: None,
        strict: false,
    };
    assert!(!ConfVerb::Check(check).run().ok);
}

#[test]
fn plugins_are_looked_for_where_runtimes_look() {
    let bin = tempfile::tempdir().unwrap();
    for kind in ["calico", "bridge"] {
        let file = bin.path().join(kind);
        fs::write(&file, "").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let of = |plugins: &str| {
        let text = format!(r#"{{"cniVersion": "1.0.0", "name": "n", "plugins": [{plugins}]}}"#);
        let folder = Folder::new(&[("a.conflist", &text)]);
        let report = folder.report_with(false, &bin.path().display().to_string());
        (
            report.ok,
            report
                .findings
                .into_iter()
                .map(|one| one.text)
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(of(r#"{"type": "bridge"}"#), (true, vec![]));
    let (ok, found) = of(
        r#"{"type": "calico", "own": 1, "ipam": {"type": "host-local", "subnt": "10.0.0.0/24", "subnet": "10.0.0.0/24"}}"#,
    );
    assert!(ok);
    assert_eq!(
        found,
        [
            "\"calico\" is none of Fairway's: its keys are not judged",
            "\"host-local\" is in no folder of plugins here: each ADD fails",
            "the IPAM plugin reads no such key here",
        ]
    );
    let (ok, found) = of(r#"{"type": "calicoo"}"#);
    assert!(
        !ok && found[0].ends_with("did you mean \"calico\"?"),
        "{found:?}"
    );
}
