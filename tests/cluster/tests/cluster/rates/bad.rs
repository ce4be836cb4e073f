//! What is wrong is refused by field, and what was in force stays in force.

use super::stage::{MEGABIT, both, free, limit, on_beside, pod, row};
use crate::overlay::stage::network;
use crate::policy::byhand::{netctl, prints};
use crate::policy::objects::apply;
use crate::support::refused;
use anyhow::{Context as _, Result, ensure};
use fairway_api::admin::Direction;
use fairway_lab::{Value, json};
use fairway_tests_cluster::Plan;

fn wrong() -> Vec<(Value, &'static [&'static str])> {
    let of = |ingress: Value| json!({"ingress": ingress});
    vec![
        (json!({}), &["spec"]),
        (of(json!({})), &["spec.ingress"]),
        (of(json!({"rate": "0"})), &["spec.ingress.rate", "0"]),
        (of(json!({"rate": "-5M"})), &["spec.ingress.rate", "-5M"]),
        (of(json!({"rate": "9000T"})), &["spec.ingress.rate"]),
        (of(json!({"rate": "fast"})), &["spec.ingress.rate", "fast"]),
        (
            of(json!({"rate": "10M", "burst": "100"})),
            &["spec.ingress.burst", "100"],
        ),
        (of(json!({"burst": "64Ki"})), &["spec.ingress.burst"]),
        (
            of(json!({"rate": "10M", "dscp": 64})),
            &["spec.ingress.dscp", "64"],
        ),
        (
            of(json!({"packetsPerSecond": 0})),
            &["spec.ingress.packetsPerSecond"],
        ),
        (
            of(json!({"rate": "10M", "brust": "64Ki"})),
            &["spec.ingress.brust"],
        ),
        (
            json!({"per": "Pod", "ingress": {"rate": "1M"}}),
            &["spec.per", "Pod"],
        ),
    ]
}

#[test]
fn what_is_wrong_is_refused_by_field() -> Result<()> {
    on_beside(&Plan::nodes(1).members(1), |bed| {
        network(bed, "net", 215, "always")?;
        let door = bed.door(1);
        let _one = pod(bed, 1, ("x", "one"), both(20 * MEGABIT))?;
        for (spec, fields) in wrong() {
            let answer = apply(&door, &[limit("bad", spec.clone())]);
            refused(answer, 7, fields).with_context(|| spec.to_string())?;
        }
        let words: [(&[&str], &str); 7] = [
            (&["--ingress", "0"], "ingress.rate"),
            (&["--egress", "9000T"], "egress.rate"),
            (&["--ingress", "fast"], "ingress.rate"),
            (
                &["--ingress", "10M", "--ingress-burst", "100"],
                "ingress.burst",
            ),
            (&["--ingress-packets", "0"], "ingress.packets"),
            (&["--ingress-burst", "64Ki"], "ingress.burst"),
            (&["--egress-dscp", "64"], "egress.dscp"),
        ];
        for (words, field) in words {
            let output = netctl(bed, 1, &[&["rate", "set", "x/one"], words].concat(), "")?;
            prints(&output, 1, &[field]).with_context(|| format!("{words:?}"))?;
        }
        let configurations = [
            (json!({"ingressRate": -1}), "bandwidth.ingressRate"),
            (json!({"ingressRate": 999}), "bandwidth.ingressRate"),
            (
                json!({"egressRate": 2_000_000_000_000_u64}),
                "bandwidth.egressRate",
            ),
            (
                json!({"egressRate": 1000, "egressBurst": 8000}),
                "bandwidth.egressBurst",
            ),
            (json!({"ingressBurst": 80000}), "bandwidth.ingressBurst"),
        ];
        for (bandwidth, field) in configurations {
            let error = pod(bed, 1, ("x", "bad"), bandwidth.clone()).expect_err("refused");
            ensure!(
                format!("{error:?}").contains(field),
                "{bandwidth}: {error:?}"
            );
        }
        ensure!(row(bed, 1, "x/one", Direction::Ingress)?.rate == Some(20 * MEGABIT));
        // A burst that only means "whatever there is".
        let most = json!({"ingressRate": 20 * MEGABIT, "ingressBurst": 4_294_967_295_u64});
        pod(bed, 1, ("x", "most"), most)?;
        ensure!(
            row(bed, 1, "x/most", Direction::Ingress)?.limits[0]
                .burst
                .is_none()
        );
        let _free = pod(bed, 1, ("x", "free"), free())?;
        ensure!(row(bed, 1, "x/free", Direction::Ingress).is_err());
        Ok(())
    })
}
