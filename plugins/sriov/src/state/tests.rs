use super::*;
use crate::claim::tests::claim;
use fairway_cni::Fault as _;

fn address(n: u32) -> PciAddress {
    format!("0000:01:10.{n}").parse().unwrap()
}

#[test]
fn claims_come_and_go() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::at(&folder.path().join("not/yet"));
    assert_eq!(state.find(|_| true).unwrap(), []);
    assert_eq!(state.read(&address(0)).unwrap(), None);
    let _lock = state.lock(&address(0)).unwrap();
    for n in [2, 0] {
        state.write(&address(n), &claim()).unwrap();
    }
    assert_eq!(state.read(&address(2)).unwrap(), Some(claim()));
    assert_eq!(state.find(|_| true).unwrap(), [address(0), address(2)]);
    assert_eq!(state.find(|claim| claim.boot == "another").unwrap(), []);
    state.remove(&address(2)).unwrap();
    state.remove(&address(2)).unwrap();
    assert_eq!(state.find(|_| true).unwrap(), [address(0)]);
}

#[test]
fn a_write_that_fails_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::at(folder.path());
    // In its place is what no file can be renamed to.
    let claimed = folder.path().join(format!("{}.json", address(0)));
    fs::create_dir(&claimed).unwrap();
    assert!(state.write(&address(0), &claim()).is_err());
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().flatten().collect();
    assert!(left.len() == 1 && left[0].path() == claimed, "{left:?}");
}

#[test]
fn one_works_on_it_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::at(folder.path());
    let lock = state.try_lock(&address(0)).unwrap();
    assert!(lock.is_some());
    assert!(state.try_lock(&address(0)).unwrap().is_none());
    assert!(state.try_lock(&address(1)).unwrap().is_some());
    drop(lock);
    assert!(state.try_lock(&address(0)).unwrap().is_some());
}

/// Half a file is never there; one that somebody wrote is told, and says nothing.
#[test]
fn what_is_no_claim() {
    let folder = tempfile::tempdir().unwrap();
    let state = State::at(folder.path());
    state.write(&address(0), &claim()).unwrap();
    let path = folder.path().join("0000:01:10.0.json");
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() - 2 {
        fs::write(&path, &whole[..length]).unwrap();
        let error = state.read(&address(0)).unwrap_err();
        assert!(matches!(error, Error::Damaged { .. }), "{error}");
        assert_eq!(error.code().number(), 5);
    }
    assert_eq!(state.find(|_| true).unwrap(), []);
    for name in ["0000:01:10.1.new", "x.json", "0000:01:10.9.json"] {
        fs::write(folder.path().join(name), &whole).unwrap();
    }
    assert_eq!(state.find(|_| true).unwrap(), []);
}
