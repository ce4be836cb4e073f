//! The same configuration gives the same answer, or an error, from ours and from the reference plugin.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod common;

use common::{Bed, OURS, theirs};
use fairway_lab::{Value, json};

/// One ADD in a folder of its own: the result, or `None` for an error.
fn add(
    program: &str,
    version: &str,
    ipam: &Value,
    more: &Value,
    args: &str,
) -> Result<Value, String> {
    let bed = Bed::new(json!([]));
    let call = bed.call(program, "c1");
    let mut config = call.conf().clone();
    config["cniVersion"] = json!(version);
    config["ipam"] = json!({"type": "host-local", "dataDir": bed.dir()});
    for (key, value) in ipam.as_object().unwrap() {
        config["ipam"][key] = value.clone();
    }
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    let outcome = call.config(config).args(args).add().unwrap();
    outcome.ok().map_err(|error| error.to_string())
}

#[test]
fn as_the_reference_answers() {
    let Some(theirs) = theirs("as_the_reference_answers") else {
        return;
    };
    let none = || json!({});
    let subnet = || json!({"subnet": "10.0.0.0/24"});
    let dual = || json!({"ranges": [[{"subnet": "10.0.0.0/24"}], [{"subnet": "fd00::/64"}]]});
    let resolv = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        resolv.path(),
        "nameserver 192.0.2.1\nnameserver 2001:db8::1\nsearch a.example b.example\ndomain example\noptions ndots:1\n# x\n",
    )
    .unwrap();
    let good = [
        (subnet(), none(), ""),
        (dual(), none(), ""),
        (
            json!({"SubNet": "10.0.0.0/24", "rangestart": "10.0.0.9", "GATEWAY": "10.0.0.254"}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.1", "rangeEnd": "10.0.0.1", "gateway": "10.9.9.9"}),
            none(),
            "",
        ),
        (json!({"subnet": "10.0.0.0/30"}), none(), ""),
        (json!({"subnet": "fd00::/126"}), none(), ""),
        (
            json!({"subnet": "10.0.0.0/24", "rangeEnd": "", "gateway": ""}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "ranges": null, "routes": null}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "ranges": [[{"subnet": "10.0.1.0/24"}]]}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "routes": [{"dst": "0.0.0.0/0"}, {"dst": "192.0.2.0/24", "gw": "10.0.0.77"}]}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "resolvConf": resolv.path()}),
            none(),
            "",
        ),
        (
            json!({"ranges": [[{"subnet": "10.0.0.0/25"}, {"subnet": "10.0.0.128/25"}]]}),
            none(),
            "",
        ),
        (
            subnet(),
            json!({"runtimeConfig": {"ipRanges": [[{"subnet": "10.7.0.0/24"}]]}}),
            "",
        ),
        (
            none(),
            json!({"runtimeConfig": {"ipRanges": [[{"subnet": "10.7.0.0/24"}], [{"subnet": "fd00::/64"}]]}}),
            "",
        ),
        (
            subnet(),
            json!({"runtimeConfig": {"ips": ["10.0.0.77"]}}),
            "",
        ),
        (
            subnet(),
            json!({"runtimeConfig": {"ips": ["10.0.0.77/16"]}}),
            "",
        ),
        (
            subnet(),
            json!({"args": {"cni": {"ips": ["10.0.0.78"]}}}),
            "",
        ),
        (subnet(), none(), "IP=10.0.0.79"),
        (subnet(), none(), "IP=10.0.0.79/24;IgnoreUnknown=1;X=y"),
        (subnet(), none(), "IP="),
        (
            dual(),
            json!({"runtimeConfig": {"ips": ["fd00::77"]}, "args": {"cni": {"ips": ["fd00::77"]}}}),
            "IP=10.0.0.79",
        ),
    ];
    for (ipam, more, args) in good {
        for version in ["0.2.0", "0.3.1", "0.4.0", "1.0.0"] {
            let (ours, reference) = (
                add(OURS, version, &ipam, &more, args),
                add(&theirs, version, &ipam, &more, args),
            );
            let case = format!("{version} {ipam} {more} {args}");
            match (ours, reference) {
                (Ok(ours), Ok(reference)) => assert_eq!(ours, reference, "{case}"),
                // Old versions hold one address of each family.
                (Err(_), Err(_)) if version == "0.2.0" => {}
                (ours, reference) => panic!("{case}: ours {ours:?}, reference {reference:?}"),
            }
        }
    }
    let range = |value: Value| json!({"ranges": [[value]]});
    let bad = [
        (none(), none(), ""),
        (json!({"ranges": []}), none(), ""),
        (json!({"ranges": [[]]}), none(), ""),
        (range(none()), none(), ""),
        (range(json!({"subnet": ""})), none(), ""),
        (range(json!({"subnet": "10.0.0.0"})), none(), ""),
        (range(json!({"subnet": "10.0.0.1/24"})), none(), ""),
        (range(json!({"subnet": "10.0.0.0/31"})), none(), ""),
        (range(json!({"subnet": "10.0.0.0/32"})), none(), ""),
        (range(json!({"subnet": "fd00::/127"})), none(), ""),
        (range(json!({"subnet": "::ffff:10.0.0.0/120"})), none(), ""),
        (
            range(json!({"subnet": "10.0.0.0/24", "rangeStart": "10.0.1.1"})),
            none(),
            "",
        ),
        (
            range(json!({"subnet": "10.0.0.0/24", "rangeEnd": "10.0.1.1"})),
            none(),
            "",
        ),
        (
            range(
                json!({"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.9", "rangeEnd": "10.0.0.8"}),
            ),
            none(),
            "",
        ),
        (
            range(json!({"subnet": "10.0.0.0/24", "rangeStart": "fd00::1"})),
            none(),
            "",
        ),
        (
            range(json!({"subnet": "10.0.0.0/24", "gateway": "x"})),
            none(),
            "",
        ),
        (range(json!({"subnet": 10})), none(), ""),
        (
            json!({"ranges": [[{"subnet": "10.0.0.0/24"}, {"subnet": "fd00::/64"}]]}),
            none(),
            "",
        ),
        (
            json!({"ranges": [[{"subnet": "10.0.0.0/16"}, {"subnet": "10.0.1.0/24"}]]}),
            none(),
            "",
        ),
        (
            json!({"ranges": [[{"subnet": "10.0.0.0/16"}], [{"subnet": "10.0.1.0/24"}]]}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "ranges": [[{"subnet": "10.0.0.0/24"}]]}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "routes": [{"dst": "x"}]}),
            none(),
            "",
        ),
        (json!({"subnet": "10.0.0.0/24", "routes": {}}), none(), ""),
        (
            json!({"subnet": "10.0.0.0/24", "resolvConf": "/nonexistent"}),
            none(),
            "",
        ),
        (
            json!({"subnet": "10.0.0.0/24", "dataDir": "/proc/nonexistent"}),
            none(),
            "",
        ),
        (
            subnet(),
            json!({"runtimeConfig": {"ips": ["10.0.0.1"]}}),
            "",
        ),
        (
            subnet(),
            json!({"runtimeConfig": {"ips": ["10.0.1.1"]}}),
            "",
        ),
        (
            subnet(),
            json!({"runtimeConfig": {"ips": ["10.0.0.7", "10.0.0.8"]}}),
            "",
        ),
        (subnet(), json!({"runtimeConfig": {"ips": ["x"]}}), ""),
        (subnet(), json!({"args": {"cni": {"ips": [""]}}}), ""),
        (subnet(), none(), "IP=10.0.1.1"),
        (subnet(), none(), "IP=x"),
        (subnet(), none(), "X=y"),
    ];
    for (ipam, more, args) in bad {
        let case = format!("{ipam} {more} {args}");
        assert!(
            add(&theirs, "1.0.0", &ipam, &more, args).is_err(),
            "the reference takes {case}"
        );
        assert!(
            add(OURS, "1.0.0", &ipam, &more, args).is_err(),
            "ours takes {case}"
        );
    }
}
