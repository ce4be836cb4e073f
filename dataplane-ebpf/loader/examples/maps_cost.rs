//! What it costs to load, to fill, to read back and to sweep; run it as root.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::error::Error;
use std::time::{Duration, Instant};

use fairway_dataplane::abi::{
    Config, Decision, Endpoint, Lengths, PeerKey, PortKey, Track, TrackKey,
};
use fairway_dataplane::{Dataplane, Hook, Options, probe};

fn main() -> Result<(), Box<dyn Error>> {
    let timed = |what: &str, began: Instant| println!("{what:40} {:?}", began.elapsed());
    let began = Instant::now();
    probe()?;
    timed("probe", began);
    let began = Instant::now();
    let mut dataplane = Dataplane::load(&Options::default())?;
    timed("load", began);

    let began = Instant::now();
    for number in 0..12_500_u32 {
        let key = PortKey {
            table: number / 64 + 1,
            port: (number % 64) as u16,
            class: 6,
            length: 16,
        };
        dataplane.put_ports(key, &Decision::default())?;
    }
    timed("12,500 entries into PORTS", began);
    let began = Instant::now();
    for peer in 0..500_000_u32 {
        dataplane.put_peer(PeerKey { set: 1, peer }, &Lengths::default())?;
    }
    timed("500,000 entries into PEERS", began);
    let began = Instant::now();
    let peers = dataplane.peers()?.len();
    timed(&format!("{peers} entries read back"), began);

    for port in 0..u16::MAX {
        for link in 0..4 {
            let key = TrackKey {
                link,
                local_port: port,
                ..TrackKey::default()
            };
            let track = Track {
                expires: if port % 2 == 0 { 1 } else { u64::MAX },
                ..Track::default()
            };
            if link < 3 {
                dataplane.put_track(true, key, &track)?;
            }
        }
    }
    let (began, mut steps, mut longest) = (Instant::now(), 0, Duration::ZERO);
    loop {
        let step = Instant::now();
        let swept = dataplane.sweep(4096)?;
        longest = longest.max(step.elapsed());
        steps += 1;
        if swept.complete {
            break;
        }
    }
    timed(
        &format!("a sweep of {steps} steps, longest {longest:?}"),
        began,
    );
    let began = Instant::now();
    let removed = dataplane.remove_tracks_of(&[2].into())?;
    timed(&format!("{removed} flows of a link forgotten"), began);

    dataplane.set_config(&Config {
        epoch: 1,
        ..Config::default()
    })?;
    let endpoint = Endpoint {
        flags: Endpoint::OPEN,
        ..Endpoint::default()
    };
    dataplane.put_endpoint(1, &endpoint)?;
    let ran = dataplane.test_run(Hook::FromContainer, &[0; 64], 1, 100_000)?;
    println!("{:40} {:?}", "one run that drops", ran.duration);
    Ok(())
}
