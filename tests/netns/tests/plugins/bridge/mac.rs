//! The container's hardware address: `runtimeConfig` over `args.cni` over `CNI_ARGS`.

use fairway_tests_netns::{Bed, Member, Result, json, link};

const RUNTIME: &str = "02:11:22:33:44:01";
const ARGS: &str = "02:11:22:33:44:02";
const ENV: &str = "02:11:22:33:44:03";

#[test]
fn by_precedence() -> Result {
    let bed = Bed::new()?;
    let runtime = json!({"mac": RUNTIME});
    let args = json!({"cni": {"mac": ARGS}});
    for (n, (extra, env, wanted)) in [
        (
            json!({"runtimeConfig": runtime, "args": args}),
            Some(ENV),
            RUNTIME,
        ),
        (
            json!({"runtimeConfig": {"mac": ""}, "args": args}),
            Some(ENV),
            ARGS,
        ),
        (json!({"args": args}), Some(ENV), ARGS),
        (
            json!({"runtimeConfig": {"other": 1}, "args": args}),
            Some(ENV),
            ARGS,
        ),
        (
            json!({"RUNTIMECONFIG": {"MAC": RUNTIME.to_uppercase()}}),
            None,
            RUNTIME,
        ),
        (json!({}), Some(ENV), ENV),
    ]
    .into_iter()
    .enumerate()
    {
        let ns = bed.container()?;
        let mut cni = bed.cni(&format!("c{n}"), &ns, &bed.conf("bridge", extra.clone()));
        if let Some(mac) = env {
            cni = cni.args(format!("MAC={mac}"));
        }
        let member = Member::add(ns, cni)?;
        let is = link(&member.ns, "eth0")?["address"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert_eq!(is, wanted, "{extra} {env:?}");
        assert_eq!(member.result["interfaces"][2]["mac"], *is);
        member.check()?;
        member.del()?;
    }
    Ok(())
}

#[test]
fn what_is_no_address_is_refused_by_name() -> Result {
    let bed = Bed::new()?;
    let ns = bed.container()?;
    for (bad, field) in [
        (json!({"runtimeConfig": {"mac": "x"}}), "runtimeConfig.mac"),
        (json!({"runtimeConfig": {"mac": 7}}), "runtimeConfig.mac"),
        (
            json!({"args": {"cni": {"mac": "01:00:5e:00:00:01"}}}),
            "args.cni.mac",
        ),
        (
            json!({"args": {"cni": {"mac": "00:00:00:00:00:00"}}}),
            "args.cni.mac",
        ),
    ] {
        let error = bed
            .cni("a", &ns, &bed.conf("bridge", bad))
            .add()?
            .fails(7)?;
        assert!(error.msg.contains(field), "{error:?}");
    }
    let cni = bed
        .cni("a", &ns, &bed.conf("bridge", json!({})))
        .args("MAC=nonsense");
    let outcome = cni.add()?;
    let error = outcome.error.clone().unwrap_or_default();
    assert!(
        error.msg.contains("CNI_ARGS: MAC") && [4, 7].contains(&error.code),
        "{outcome:?}"
    );
    assert_eq!(bed.held("net"), [""; 0]);
    Ok(())
}
