//! What one ADD and one DEL cost in this process, with few and with many addresses taken.
//!
//! `cargo run --release -p fairway-host-local --example measure [ROUNDS [TAKEN…]]`

use fairway_cni::{Attachment, CniArgs, Context, Delegates, Detach, NetConf, Plugin as _, Sandbox};
use fairway_host_local::HostLocal;
use serde_json::json;
use std::{error::Error, fs, net::Ipv4Addr, path::Path, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let rounds: u32 = args.next().map_or(Ok(1000), |text| text.parse())?;
    let mut taken = args
        .map(|text| text.parse())
        .collect::<Result<Vec<u32>, _>>()?;
    if taken.is_empty() {
        taken = vec![0, 50_000, 65_531];
    }
    for taken in taken {
        measure(rounds, taken)?;
    }
    Ok(())
}

fn measure(rounds: u32, taken: u32) -> Result<(), Box<dyn Error>> {
    let dir = tempfile::tempdir()?;
    fill(dir.path(), taken)?;
    let conf = NetConf::from_json(json!({
        "cniVersion": "1.1.0", "name": "net",
        "ipam": {"type": "host-local", "dataDir": dir.path(), "ranges": [[{"subnet": "10.0.0.0/16"}]]}
    }))
    .map_err(|error| error.to_string())?;
    let (args, delegates) = (CniArgs::default(), Delegates::default());
    let context = Context {
        conf: &conf,
        args: &args,
        delegates: &delegates,
    };
    let attachment = |name: &str| -> Result<Attachment, Box<dyn Error>> {
        Ok(Attachment {
            container_id: name.parse()?,
            ifname: "eth0".parse()?,
        })
    };
    let add = |name: &str| -> Result<u128, Box<dyn Error>> {
        let sandbox = Sandbox {
            attachment: attachment(name)?,
            netns: String::new(),
        };
        let begin = Instant::now();
        HostLocal
            .add(&context, &sandbox)
            .map_err(|error| error.to_string())?;
        Ok(begin.elapsed().as_nanos())
    };
    let del = |name: &str| -> Result<u128, Box<dyn Error>> {
        let detach = Detach {
            attachment: attachment(name)?,
            netns: None,
        };
        let begin = Instant::now();
        HostLocal
            .del(&context, &detach)
            .map_err(|error| error.to_string())?;
        Ok(begin.elapsed().as_nanos())
    };
    let first = add("first")?;
    let (mut adds, mut dels, mut again) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let name = format!("c{round:064}");
        adds.push(add(&name)?);
        dels.push(del(&name)?);
        again.push(del(&name)?);
    }
    let line = [("ADD", adds), ("DEL", dels), ("DEL again", again)].map(|(verb, mut times)| {
        times.sort_unstable();
        let at = |share: usize| {
            times
                .get(times.len() * share / 100)
                .copied()
                .unwrap_or_default() as f64
                / 1e3
        };
        format!("{verb} {:.0} µs (p90 {:.0})", at(50), at(90))
    });
    eprintln!(
        "{taken:>6} taken: first ADD {:.1} ms; then {}",
        first as f64 / 1e6,
        line.join(", ")
    );
    Ok(())
}

/// Files as the reference plugin leaves them.
fn fill(dir: &Path, taken: u32) -> Result<(), Box<dyn Error>> {
    fs::create_dir(dir.join("net"))?;
    let base = u32::from(Ipv4Addr::new(10, 0, 0, 2));
    for n in 0..taken {
        let ip = Ipv4Addr::from(base + n);
        fs::write(
            dir.join("net").join(ip.to_string()),
            format!("taken{n:059}\r\neth0"),
        )?;
    }
    Ok(())
}
