use super::*;
use crate::crash::crash_after;
use fairway_cni::Fault as _;

/// After a kill at any step, the next operations see whole files and an index that does not lie.
fn killed_anywhere(net: impl Fn() -> Net, operation: impl Fn(&Net)) -> u32 {
    for nth in 0..1000 {
        let net = net();
        let before = net.files();
        let ended = crash_after(nth, || operation(&net));
        for (ip, content) in net.files() {
            assert!(
                content.ends_with("\r\neth0"),
                "step {nth}: {ip} holds {content:?}"
            );
        }
        net.sound();
        if ended.is_some() {
            return nth;
        }
        // What runtimes do after an ADD that failed.
        net.del("new");
        assert!(net.holdings("new").is_empty(), "step {nth}");
        let gone: Vec<_> = before
            .keys()
            .filter(|ip| !net.files().contains_key(*ip))
            .collect();
        assert!(
            gone.iter().all(|ip| before[*ip].starts_with("old")),
            "step {nth}: {gone:?} gone"
        );
        let given = net.add("next").unwrap();
        let dead = |ip: &String| before.get(ip).is_none_or(|owner| owner.starts_with("old"));
        assert!(given.iter().all(dead), "step {nth}: {given:?}");
        net.sound();
        assert_eq!(net.add("next").unwrap_err().code().number(), 103);
    }
    panic!("no end");
}

fn some() -> Net {
    let net = dual();
    net.add("c1").unwrap();
    net.add("old").unwrap();
    net
}

#[test]
fn killed_at_each_step_of_add() {
    assert_eq!(
        killed_anywhere(some, |net| drop(net.add("new").unwrap())),
        11
    );
    assert!(killed_anywhere(dual, |net| drop(net.add("new").unwrap())) > 10);
}

#[test]
fn killed_at_each_step_of_an_add_that_builds_the_index() {
    let touched = || {
        let net = some();
        net.foreign("10.0.0.5", "c5\r\neth0");
        net
    };
    assert!(killed_anywhere(touched, |net| drop(net.add("new").unwrap())) > 12);
}

#[test]
fn killed_at_each_step_of_an_add_that_grows_the_index() {
    let large = || {
        let net = Net::new(json!([[{"subnet": "10.0.0.0/24"}]]));
        // One page of 64 places: it grows at the 49th address.
        for n in 2..33 {
            net.file(&format!("10.0.0.{n}"), &format!("c{n}\r\neth0"));
        }
        for n in 0..16 {
            net.add(&format!("n{n}")).unwrap();
        }
        net
    };
    assert!(killed_anywhere(large, |net| drop((net.add("new"), net.add("new2")))) > 15);
}

#[test]
fn killed_at_each_step_of_del_and_gc() {
    assert!(killed_anywhere(some, |net| net.del("old")) > 6);
    assert!(killed_anywhere(some, |net| net.gc(&["c1"])) > 6);
}

#[test]
fn killed_at_each_step_of_taking_back() {
    let rebooted = || {
        let mut net = Net::new(json!([[{"subnet": "10.0.0.0/30", "gateway": "10.1.1.1"}]]));
        net.add("old1").unwrap();
        net.add("old2").unwrap();
        net.boot = 2;
        net
    };
    assert!(killed_anywhere(rebooted, |net| drop(net.add("new").unwrap())) > 10);
}

/// Not even where the folder's times would say so, as those of one second can.
#[test]
fn an_index_on_disk_that_claims_to_be_complete_is() {
    type Operation = fn(&Net);
    let operations: [Operation; 4] = [
        |net| drop(net.add("new")),
        |net| net.del("old"),
        |net| net.gc(&[]),
        |net| {
            net.foreign("10.0.0.6", "");
            net.del("old");
        },
    ];
    let mut open = 0;
    for operation in operations {
        for nth in 0..1000 {
            let net = some();
            let ended = crash_after(nth, || operation(&net));
            let index = net.store().home.load().unwrap();
            if index.is_sealed() {
                let known = index.slots().unwrap().into_iter();
                let mut known: Vec<_> = known.map(|slot| slot.ip.to_string()).collect();
                known.sort();
                let files = net.files().into_keys().collect::<Vec<_>>();
                assert_eq!(known, files, "killed after {nth}");
            } else {
                open += 1;
            }
            if ended.is_some() {
                break;
            }
        }
    }
    assert!(open > 20, "{open}");

    let net = some();
    let doubted = net.store().with(|session| {
        session.index().doubt();
        Ok::<_, AllocError>(())
    });
    doubted.unwrap();
    assert!(!net.store().home.load().unwrap().is_sealed());
    net.sound();
}
