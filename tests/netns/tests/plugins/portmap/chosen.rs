//! Ports that are left to the plugin.

use super::traffic::{Server, tcp};
use super::{BACKENDS, behind, container, flat, mapped, rules};
use fairway_tests_netns::{Bed, Cni, Result, Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::thread;

const RANGE: &str = "30000-30011";

fn conf(bed: &Bed, backend: &str) -> Value {
    let mappings = json!([
        {"containerPort": 80}, {"hostPort": 0, "containerPort": 81, "protocol": "tcp"},
    ]);
    flat(bed, backend, mappings, json!({"hostPortRange": RANGE}))
}

fn file(bed: &Bed, id: &str) -> PathBuf {
    bed.scratch().join("ports/net").join(format!("{id}:eth0"))
}

/// The ports of the host that the file tells, in the order in which they were asked for.
fn chosen(bed: &Bed, id: &str) -> Vec<u16> {
    let text = std::fs::read_to_string(file(bed, id)).unwrap();
    let value: Value = text.parse().unwrap();
    let list = value["portMappings"].as_array().unwrap().iter();
    list.map(|mapping| mapping["hostPort"].as_u64().unwrap().try_into().unwrap())
        .collect()
}

#[test]
fn a_port_is_chosen_told_kept_and_freed() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let outside = bed.outside()?;
        let a = container(&bed, "a")?;
        let _server = Server::start(&a.ns, "a", 80, 53)?;
        let ports = mapped(&bed, "a", &a, &conf(&bed, backend))?;
        let had = chosen(&bed, "a");
        assert!(had.len() == 2 && had[0] != had[1], "{had:?}");
        assert!(had.iter().all(|port| (30_000..=30_011).contains(port)));
        assert_eq!(
            tcp(&outside, "192.0.2.1", had[0]).as_deref(),
            Some("a 192.0.2.2")
        );
        assert!(rules(bed.node())?.contains(&had[0].to_string()));
        ports.check()?;
        // Again: the same ones.
        mapped(&bed, "a", &a, &conf(&bed, backend))?.check()?;
        assert_eq!(chosen(&bed, "a"), had);
        // A runtime that forgot it: CHECK does not guess.
        let text = std::fs::read_to_string(file(&bed, "a")).unwrap();
        std::fs::remove_file(file(&bed, "a")).unwrap();
        ports.check_finds("runtimeConfig.portMappings[0].hostPort")?;
        let other = text.replace(&had[0].to_string(), "30012");
        std::fs::write(file(&bed, "a"), other).unwrap();
        ports.check_finds("30012")?;
        ports.del()?;
        assert!(!file(&bed, "a").exists());
        assert!(!rules(bed.node())?.contains("10.1.0.2"));
    }
    Ok(())
}

/// A whole range for many at once: each port once, and none left.
#[test]
fn many_at_once_get_different_ones() -> Result {
    for backend in BACKENDS {
        let bed = Bed::new()?;
        let mut members = Vec::new();
        for number in 0..6 {
            let id = format!("c{number}");
            members.push((container(&bed, &id)?, id));
        }
        let conf = conf(&bed, backend);
        let calls: Vec<Cni> = members
            .iter()
            .map(|(member, id)| behind(&bed, id, member, &conf))
            .collect();
        thread::scope(|scope| {
            let running: Vec<_> = calls.iter().map(|cni| scope.spawn(|| cni.add())).collect();
            for one in running {
                one.join().unwrap()?.ok()?;
            }
            Result::Ok(())
        })?;
        let all: BTreeSet<u16> = members
            .iter()
            .flat_map(|(_, id)| chosen(&bed, id))
            .collect();
        assert_eq!(all.len(), 12, "{all:?}");
        let late = container(&bed, "late")?;
        let error = behind(&bed, "late", &late, &conf).add()?.fails(110)?;
        let wanted = "runtimeConfig.portMappings[0].hostPort: to be chosen: no port from 30000 to 30011 is free";
        assert_eq!(error.msg, wanted);
        calls[0].del(None)?.ok()?;
        mapped(&bed, "late", &late, &conf)?.check()?;
    }
    Ok(())
}
