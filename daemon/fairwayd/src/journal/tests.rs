use super::{Boot, FileJournal, Folder, FolderError, Journal, JournalFault};
use fairway_ipam::{JournalChange, NodeName};
use redb::{Database, TableDefinition};
use std::{fs, path::Path};

fn put(key: &str, value: &str) -> JournalChange {
    JournalChange {
        key: key.to_owned(),
        value: Some(value.as_bytes().to_vec()),
    }
}

fn open(path: &Path) -> FileJournal {
    FileJournal::at(path).unwrap()
}

#[test]
fn what_was_committed_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    let mut journal = open(&path);
    let id = journal.load().unwrap().id;
    journal.commit(&[put("a", "1"), put("b", "2")]).unwrap();
    let gone = JournalChange {
        key: "a".into(),
        value: None,
    };
    journal.commit(&[gone, put("b", "3")]).unwrap();
    let boot = Boot {
        id: "x".into(),
        former: 7,
    };
    journal.note_boot(&boot).unwrap();
    assert_eq!(journal.load().unwrap().node, None);
    let node = NodeName::new("n1").unwrap();
    journal.note_node(&node).unwrap();
    drop(journal);
    let found = open(&path).load().unwrap();
    assert_eq!(found.id, id);
    assert_eq!(found.entries, [("b".to_owned(), b"3".to_vec())]);
    assert_eq!(found.boot, Some(boot));
    assert_eq!(found.node, Some(node));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn each_new_journal_has_an_id_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let id = |name: &str| open(&folder.path().join(name)).load().unwrap().id;
    assert_ne!(id("a"), id("b"));
}

#[test]
fn damage_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("text", b"this is no journal".to_vec()),
        ("zeroes", vec![0; 65536]),
    ] {
        fs::write(&path, bytes).unwrap();
        let error = open(&path).load().unwrap_err();
        assert!(error.is_damage(), "{what}: {error}");
        assert!(error.to_string().contains("journal.redb"), "{error}");
    }
    // A redb file, but another program's.
    fs::remove_file(&path).unwrap();
    let other = Database::create(&path).unwrap();
    drop(other);
    assert!(open(&path).load().unwrap_err().is_damage());
}

#[test]
fn a_newer_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.redb");
    open(&path).load().unwrap();
    let meta: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
    let database = Database::open(&path).unwrap();
    let txn = database.begin_write().unwrap();
    let format = b"2".as_slice();
    txn.open_table(meta)
        .unwrap()
        .insert("format", format)
        .unwrap();
    txn.commit().unwrap();
    drop(database);
    let error = open(&path).load().unwrap_err();
    assert!(
        matches!(error, JournalFault::Newer { found: 2, .. }),
        "{error}"
    );
}

#[test]
fn a_folder_is_one_daemons() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("deep/state");
    let folder = Folder::lock(&path).unwrap();
    let second = Folder::lock(&path).unwrap_err();
    assert!(matches!(second, FolderError::InUse { .. }), "{second}");
    fs::write(folder.journal(), "x").unwrap();
    assert!(
        folder
            .set_aside()
            .unwrap()
            .ends_with("journal.redb.corrupt-1")
    );
    fs::write(folder.journal(), "y").unwrap();
    let second = folder.set_aside().unwrap();
    assert!(second.ends_with("journal.redb.corrupt-2"));
    assert_eq!(fs::read_to_string(second).unwrap(), "y");
    drop(folder);
    Folder::lock(&path).unwrap();
}
