//! Checksum offload, against the kernel and `ethtool`.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    reason = "in tests they are the checks"
)]

mod common;

use common::{in_new_netns, run};
use fairway_netlink::Offload;

#[test]
fn a_devices_checksum_offload_is_switched() {
    in_new_netns(|| {
        run("ip link add vx type vxlan external dstport 4789");
        let mut offload = Offload::open().unwrap();
        let shown = || {
            let text = run("ethtool -k vx");
            let line = text
                .lines()
                .find(|line| line.contains("tx-checksum-ip-generic"));
            line.unwrap().contains(": on")
        };
        assert!(shown() && offload.tx_checksum("vx").unwrap());
        for on in [false, false, true, false] {
            offload.set_tx_checksum("vx", on).unwrap();
            assert_eq!((shown(), offload.tx_checksum("vx").unwrap()), (on, on));
        }
        assert!(
            offload
                .set_tx_checksum("none", false)
                .unwrap_err()
                .is_not_found()
        );
        assert!(offload.tx_checksum("none").unwrap_err().is_not_found());
    });
}
