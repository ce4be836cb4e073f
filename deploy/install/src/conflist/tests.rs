//! A folder of configurations, as another vendor and we leave it.

use super::*;
use std::cell::Cell;

fn wanted(folder: &Path, name: &str, network: &str) -> Wanted {
    let path = folder.join("source");
    let text =
        format!(r#"{{"cniVersion":"1.0.0","name":"{network}","plugins":[{{"type":"bridge"}}]}}"#);
    fs::write(&path, text).unwrap();
    Wanted::read(name.parse().unwrap(), &path).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A folder for sources, and one that has another's configuration.
fn bed() -> (tempfile::TempDir, PathBuf) {
    let temp = crate::shared::folder();
    let folder = temp.path().join("net.d");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("87-podman.conflist"), "theirs").unwrap();
    (temp, folder)
}

#[test]
fn it_is_written_once_changed_renamed_and_taken_away() {
    let (temp, folder) = bed();
    let disk = Disk::real();
    let one = wanted(temp.path(), "10-fairway.conflist", "one");
    assert!(check(&folder, &one).is_err());
    assert_eq!(put(&disk, &folder, &one).unwrap(), Done::Changed);
    assert_eq!(put(&disk, &folder, &one).unwrap(), Done::Nothing);
    check(&folder, &one).unwrap();
    let two = wanted(temp.path(), "10-fairway.conflist", "two");
    assert!(check(&folder, &two).is_err());
    assert_eq!(put(&disk, &folder, &two).unwrap(), Done::Changed);
    let other = wanted(temp.path(), "00-fairway.conflist", "two");
    assert_eq!(put(&disk, &folder, &other).unwrap(), Done::Changed);
    let there = [
        ".fairway-installed",
        "00-fairway.conflist",
        "87-podman.conflist",
    ];
    assert_eq!(names(&folder), there);
    assert_eq!(remove(&disk, &folder).unwrap(), Done::Changed);
    assert_eq!(names(&folder), ["87-podman.conflist"]);
    assert_eq!(remove(&disk, &folder).unwrap(), Done::Nothing);
    assert_eq!(remove(&disk, Path::new("/nowhere")).unwrap(), Done::Nothing);
}

#[test]
fn what_somebody_else_wrote_stays() {
    let (temp, folder) = bed();
    let disk = Disk::real();
    let foreign = wanted(temp.path(), "87-podman.conflist", "one");
    let error = put(&disk, &folder, &foreign).unwrap_err();
    assert!(matches!(error, InstallError::Foreign { .. }), "{error}");
    let late = wanted(temp.path(), "99-fairway.conflist", "one");
    let error = put(&disk, &folder, &late).unwrap_err();
    assert!(matches!(error, InstallError::NotFirst { .. }), "{error}");
    assert_eq!(names(&folder), ["87-podman.conflist"]);
    let late = Wanted {
        not_first: true,
        ..late
    };
    put(&disk, &folder, &late).unwrap();
    // An administrator's hand.
    fs::write(folder.join("99-fairway.conflist"), "changed").unwrap();
    let error = put(&disk, &folder, &late).unwrap_err();
    assert!(matches!(error, InstallError::Foreign { .. }), "{error}");
    assert_eq!(remove(&disk, &folder).unwrap(), Done::Left);
    assert_eq!(
        names(&folder),
        ["87-podman.conflist", "99-fairway.conflist"]
    );
}

#[test]
fn a_call_that_is_killed_anywhere_is_put_right_by_the_next() {
    let mut steps = 0;
    for killed in 0..3 {
        for after in 0.. {
            let (temp, folder) = bed();
            let confs = [
                wanted(temp.path(), "10-fairway.conflist", "one"),
                wanted(temp.path(), "00-fairway.conflist", "two"),
            ];
            let call = |number: usize, disk: &Disk| match confs.get(number) {
                Some(conf) => put(disk, &folder, conf),
                None => remove(disk, &folder),
            };
            (0..killed).for_each(|number| _ = call(number, &Disk::real()).unwrap());
            let left = Some(Cell::new(after));
            let ended = call(killed, &Disk { left }).is_ok();
            // Whatever a runtime reads now is whole.
            for name in names(&folder) {
                let text = fs::read(folder.join(&name)).unwrap();
                let read = CONF_ENDINGS.iter().any(|ending| name.ends_with(ending));
                let ours = read && name != "87-podman.conflist";
                assert!(
                    !ours || confs.iter().any(|conf| conf.bytes == text),
                    "{name}"
                );
            }
            for next in 0..3 {
                call(next, &Disk::real()).unwrap();
                match confs.get(next) {
                    Some(conf) => check(&folder, conf).unwrap(),
                    None => assert_eq!(names(&folder), ["87-podman.conflist"]),
                }
            }
            steps += 1;
            if ended {
                break;
            }
        }
    }
    assert!(steps > 30, "{steps} steps");
}

#[test]
fn what_is_no_configuration_is_refused_by_field() {
    let temp = tempfile::tempdir().unwrap();
    for (text, word) in [
        ("{", "JSON"),
        (r#"{"name":"x","cniVersion":"1.0.0"}"#, "type"),
        (
            r#"{"name":"x","cniVersion":"1.0.0","plugins":[{}]}"#,
            "plugins[0].type",
        ),
        (
            r#"{"name":"/x","cniVersion":"1.0.0","plugins":[{"type":"a"}]}"#,
            "name",
        ),
    ] {
        let path = temp.path().join("c");
        fs::write(&path, text).unwrap();
        let error = Wanted::read("a.conflist".parse().unwrap(), &path).unwrap_err();
        assert!(error.to_string().contains(word), "{text}: {error}");
    }
}
