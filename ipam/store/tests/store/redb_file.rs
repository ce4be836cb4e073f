//! What can happen to a file.

use crate::bed::*;
use fairway_lab::tempfile::tempdir;
use fairway_store::kv::Committed;
use fairway_store::{Location, Store, StoreError, open};
use redb::{Database, ReadableDatabase, TableDefinition};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

async fn at(path: &Path) -> Result<Arc<dyn Store>, StoreError> {
    open(&Location::Redb(path.to_owned())).await
}

/// A file with some content, closed.
async fn filled(path: &Path) {
    let store = at(path).await.expect("it is made");
    for n in 0..200 {
        write(&*store, vec![put(&format!("k{n}"), vec![b'v'; 300])]).await;
    }
}

/// An error; the file has not changed.
async fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).expect("the file");
    let error = at(path).await.err().expect("it is refused");
    assert_eq!(fs::read(path).expect("the file"), before, "it was touched");
    assert!(error.to_string().contains(&path.display().to_string()));
    error
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    run(async {
        let dir = tempdir().expect("a folder");
        let path = dir.path().join("store");
        for content in [
            &b""[..],
            b"x",
            b"hello world, this is no store",
            &[0; 20_000],
        ] {
            fs::write(&path, content).expect("the file");
            let error = refused(&path).await;
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        }
        // A redb file of somebody else's.
        fs::remove_file(&path).expect("it goes");
        let other = Database::create(&path).expect("a database");
        let begun = other.begin_write().expect("it begins");
        let table: TableDefinition<u64, u64> = TableDefinition::new("meta");
        begun.open_table(table).expect("a table");
        begun.commit().expect("it commits");
        drop(other);
        let error = refused(&path).await;
        assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        let error = at(dir.path()).await.err().expect("a folder is no store");
        assert!(matches!(error, StoreError::File { .. }), "{error}");
        let error = at(&dir.path().join("none/store")).await.err();
        let error = error.expect("there is no such folder");
        assert!(matches!(error, StoreError::File { .. }), "{error}");
    });
}

#[test]
fn damage_is_found_wherever_it_is() {
    run(async {
        let dir = tempdir().expect("a folder");
        let (whole, path) = (dir.path().join("whole"), dir.path().join("store"));
        filled(&whole).await;
        let store = at(&whole).await.expect("it opens");
        let sound = store.range(ROOT).await.expect("it lists").entries;
        drop(store);
        let bytes = fs::read(&whole).expect("the file");
        let (mut found, mut harmless) = (0, 0);
        // The header bit by bit, the rest in steps that hit every page.
        let places = (0..320).chain((320..bytes.len()).step_by(1021));
        for place in places {
            let mut damaged = bytes.clone();
            damaged[place] ^= 0x55;
            fs::write(&path, &damaged).expect("the file");
            match at(&path).await {
                // What no part of the store lies in may be anything.
                Ok(store) => {
                    let range = store.range(ROOT).await.expect("it lists");
                    assert_eq!(range.entries, sound, "at {place}");
                    harmless += 1;
                }
                Err(StoreError::Corrupt { .. }) => {
                    assert_eq!(fs::read(&path).expect("the file"), damaged);
                    found += 1;
                }
                Err(other) => panic!("at {place}: {other}"),
            }
        }
        assert!(found > 50, "{found} found, {harmless} harmless");
        for len in [1, 100, 4096, bytes.len() / 2, bytes.len() - 1] {
            fs::write(&path, &bytes[..len]).expect("the file");
            let error = refused(&path).await;
            assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
        }
    });
}

const META: TableDefinition<&str, u64> = TableDefinition::new("meta");

#[test]
fn a_newer_format_is_refused_and_left_as_it_is() {
    run(async {
        let dir = tempdir().expect("a folder");
        let path = dir.path().join("store");
        filled(&path).await;
        let database = Database::open(&path).expect("it opens");
        let begun = database.begin_write().expect("it begins");
        let mut meta = begun.open_table(META).expect("the table");
        meta.insert("format", 2).expect("it is written");
        drop(meta);
        begun.commit().expect("it commits");
        drop(database);
        let error = refused(&path).await;
        assert!(matches!(
            error,
            StoreError::Newer {
                found: 2,
                known: 1,
                ..
            }
        ));
        let database = Database::open(&path).expect("it opens");
        let begun = database.begin_read().expect("it begins");
        assert!(begun.list_tables().expect("tables").count() >= 3);
    });
}

#[test]
fn a_file_is_opened_once() {
    run(async {
        let dir = tempdir().expect("a folder");
        let path = dir.path().join("store");
        let store = at(&path).await.expect("it is made");
        let error = at(&path).await.err().expect("it is open already");
        assert!(matches!(error, StoreError::InUse { .. }), "{error}");
        write(&*store, vec![put("a", "1")]).await;
        drop(store);
        let store = at(&path).await.expect("it is free again");
        assert_eq!(text(&*store, "a").await.as_deref(), Some("1"));
    });
}

#[test]
fn a_file_that_was_half_made_is_made_anew() {
    run(async {
        let dir = tempdir().expect("a folder");
        let path = dir.path().join("store");
        fs::write(dir.path().join("store.new"), "half").expect("the file");
        let store = at(&path).await.expect("it is made");
        write(&*store, vec![put("a", "1")]).await;
        assert!(!dir.path().join("store.new").exists());
    });
}

/// Where the tests below find the small disk, in the process that has it.
const DISK: &str = "FAIRWAY_STORE_DISK";

/// Does nothing by itself: the next test runs it where the disk is small.
#[test]
fn on_a_small_disk() {
    let Ok(dir) = std::env::var(DISK) else {
        return;
    };
    run(async {
        let dir = Path::new(&dir);
        let store = at(&dir.join("store")).await.expect("it is made");
        let after = write(&*store, vec![put("start", "1")]).await;
        let mut watch = store.watch(ROOT, after).await.expect("it watches");
        let (filler, mut told) = (dir.join("filler"), Vec::new());
        for round in 0..2 {
            // As much of it as there is room for: the file does not shrink.
            let _ = fs::write(&filler, vec![0; 8 << 20]);
            let mut kept = Vec::new();
            let error = loop {
                assert!(kept.len() < 100, "the disk does not get full");
                let name = format!("r{round}/{}", kept.len());
                let large = txn(vec![absent(&name)], vec![put(&name, vec![b'x'; 200_000])]);
                match store.commit(&large).await {
                    Ok(Committed::Yes { .. }) => {
                        kept.push(name);
                        told.extend(next(&mut *watch).await.changes.iter().map(short));
                    }
                    Ok(no) => panic!("a refused write is there: {no:?}"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, StoreError::OutOfSpace { .. }), "{error}");
            assert!(error.is_rejection());
            let range = store.range(&key(&format!("r{round}/"))).await;
            let range = range.expect("it still reads");
            assert_eq!(range.entries.len(), kept.len());
            fs::remove_file(&filler).expect("room is made");
            write(&*store, vec![put(&format!("again{round}"), "1")]).await;
            // A watcher was told what is there, and no more.
            told.extend(next(&mut *watch).await.changes.iter().map(short));
            assert_eq!(told.last(), Some(&format!("+again{round}=1")));
            assert_eq!(told.len(), kept.len() + 1);
            told.clear();
            write(&*store, kept.iter().map(|name| delete(name)).collect()).await;
            next(&mut *watch).await;
        }
    });
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let dir = tempdir().expect("a folder");
    let script = "mount -t tmpfs -o size=16m none \"$FAIRWAY_STORE_DISK\" && exec \"$@\"";
    let me = std::env::current_exe().expect("this program");
    let done = Command::new("unshare")
        .args(["--mount", "sh", "-c", script, "sh"])
        .arg(me)
        .args(["--exact", "redb_file::on_a_small_disk", "--nocapture"])
        .env(DISK, dir.path())
        .output()
        .expect("unshare is there");
    let said = String::from_utf8_lossy(&done.stdout);
    let also = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}{also}");
    assert!(said.contains("1 passed"), "{said}");
}
