//! Policy on associations of SCTP, of which the build machine's kernel knows nothing.

use anyhow::{Context, Result};
use fairway_lab::{Value, json};
use fairway_tests_cluster::{Bed, Echo, Protocol, Talk};

use super::bed::{Pod, apply, reaches_by};

/// Where echo servers listen.
const ECHO: [u16; 2] = [132, 133];
/// Where associations are open all the time, which the policies say to keep, or to cut.
const KEPT: [u16; 2] = [140, 141];
const CUT: [u16; 2] = [150, 151];

/// Of the associations that are open, one is of the same node and IPv6, the other comes by the overlay and is of IPv4.
pub(super) fn is_judged(bed: &Bed, server: &Pod, [near, far]: [&Pod; 2]) -> Result<()> {
    let _sctp = Echo::sctp(&server.ns, &ECHO)?;
    let _others = Echo::start(&server.ns, &ECHO)?;
    let all = |open: [bool; 3]| -> Result<()> {
        [near, far].iter().try_for_each(|from| {
            let [first, second, tcp] = open;
            let by = [
                (Protocol::Sctp, ECHO[0], first),
                (Protocol::Sctp, ECHO[1], second),
                (Protocol::Tcp, ECHO[0], tcp),
            ];
            reaches_by(from, server, &by)
        })
    };
    all([true; 3]).context("without a policy")?;
    let talks = |ports: [u16; 2]| -> Result<[Talk; 2]> {
        let of =
            |from: &Pod, ip: usize| Talk::sctp(&from.ns, (&server.ns, server.ips[ip]), ports[ip]);
        Ok([of(far, 0)?, of(near, 1)?])
    };
    let (kept, cut) = (talks(KEPT)?, talks(CUT)?);
    goes_on(&kept)?;
    goes_on(&cut)?;

    let ports = json!([{"protocol": "SCTP", "port": ECHO[0]},
        {"protocol": "SCTP", "port": KEPT[0], "endPort": KEPT[1]}]);
    apply(
        bed,
        &[policy(&["foe"], &json!({"ingress": [{"ports": ports}]}))],
    )?;
    all([true, false, false]).context("to the first port")?;
    is_cut(&cut).context("to a port that is not allowed")?;
    goes_on(&kept).context("to one that is")?;

    // The same policy, which now says who may go where.
    let egress = json!({"policyTypes": ["Egress"],
        "egress": [{"ports": [{"protocol": "SCTP", "port": ECHO[1]}]}]});
    apply(bed, &[policy(&["friend", "friend2"], &egress)])?;
    all([false, true, false]).context("out by the second port")?;
    is_cut(&kept).context("out by a port that is not allowed")
}

fn policy(of: &[&str], spec: &Value) -> Value {
    let mut spec = spec.clone();
    spec["podSelector"] = json!({"matchExpressions": [
        {"key": "app", "operator": "In", "values": of}]});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"namespace": "x", "name": "sctp"}, "spec": spec})
}

fn goes_on(talks: &[Talk]) -> Result<()> {
    Ok(talks.iter().try_for_each(Talk::goes_on)?)
}

/// And not only until something is sent again.
fn is_cut(talks: &[Talk]) -> Result<()> {
    talks.iter().try_for_each(Talk::is_cut)?;
    let again = std::time::Duration::from_secs(2);
    Ok(talks.iter().try_for_each(|talk| talk.quiet_for(again))?)
}
