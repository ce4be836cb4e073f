//! One stream of TCP by iperf3, and single packets by ping. The ends are on different cores.

use super::Way;
use anyhow::{Context as _, Result, ensure};
use std::time::Duration;

const SECONDS: u32 = 3;
const PINGS: u32 = 500;
const LIMIT: Duration = Duration::from_secs(20);
const PORT: &str = "5201";

/// The core of an end: 0 is the client's, 1 the server's. On a machine with one core they share it.
fn core(end: usize) -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (end % cores).to_string()
}

/// What was received, in Gbit/s.
pub(crate) fn stream(way: &Way) -> Result<f64> {
    stream_for(way, SECONDS)
}

/// See [`stream`], with its length.
pub(crate) fn stream_for(way: &Way, seconds: u32) -> Result<f64> {
    let server = way.server.command("taskset").args(["-c", &core(1)]);
    let server = server.args([
        "iperf3",
        "--server",
        "--one-off",
        "--forceflush",
        "--port",
        PORT,
    ]);
    let mut server = server.spawn()?;
    server.wait_for(LIMIT, "Server listening")?;
    let client = way
        .client
        .command("taskset")
        .args(["-c", &core(0), "iperf3", "--json"]);
    let client = client.args(["--port", PORT, "--time", &seconds.to_string()]);
    let client = client
        .args(["--omit", "1", "--client", &way.to])
        .limit(LIMIT);
    let told = client.json()?;
    server.wait(LIMIT)?;
    let rate = told["end"]["sum_received"]["bits_per_second"].as_f64();
    Ok(rate.with_context(|| told.to_string())? / 1e9)
}

/// How long each packet took there and back, in µs.
pub(crate) fn delays(way: &Way) -> Result<Vec<f64>> {
    let ping = way
        .client
        .command("taskset")
        .args(["-c", &core(0), "ping", "-n"]);
    let ping = ping.args(["-i", "0.002", "-c", &PINGS.to_string(), &way.to]);
    let text = ping.limit(LIMIT).run()?;
    let times = text
        .lines()
        .filter_map(|line| line.split_once("time=")?.1.split(' ').next());
    let times: Vec<f64> = times.map(str::parse).collect::<Result<_, _>>()?;
    ensure!(
        times.len() > PINGS as usize * 9 / 10,
        "{} answers: {text}",
        times.len()
    );
    Ok(times.into_iter().map(|ms| ms * 1e3).collect())
}

/// What the route says that a packet can be.
pub(crate) fn describe(way: &Way) -> Result<String> {
    // The first packet finds neighbours.
    way.client
        .run(&format!("ping -n -c 3 -i 0.2 -W 2 {}", way.to))
        .with_context(|| way.name)?;
    let dev = way.client.json(&format!("ip -json route get {}", way.to))?;
    let dev = dev[0]["dev"].as_str().context("no link")?.to_owned();
    let link = way.client.json(&format!("ip -json link show dev {dev}"))?;
    Ok(format!("{}: MTU {}", way.name, link[0]["mtu"]))
}
