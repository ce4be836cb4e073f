//! Loads between namespaces, and what became of them, second by second.
//!
//! Rates are in bits of Ethernet frames, as the kernel's traffic control counts them; what iperf3 tells is the
//! payload, so headers are added to it.

use crate::{Cmd, Error, Guarded, Ns, Result, Value};
use std::net::IpAddr;
use std::time::Duration;

const ETHER: f64 = 14.0;
/// Of measurements on a machine that may have other things to do.
const TRIES: usize = 5;

/// Bytes of a datagram: it fits into a packet of any overlay.
const DATAGRAM: u16 = 1300;
/// For the ends to find each other, and to say goodbye over a link that is full.
const AROUND: Duration = Duration::from_secs(30);

/// What is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// TCP with this congestion control.
    Tcp(&'static str),
    /// UDP, so many bits a second in each flow.
    Udp(u64),
}

/// A load.
#[derive(Debug, Clone)]
pub struct Load {
    /// Who begins, and sends.
    pub from: Ns,
    /// Who listens, and receives.
    pub to: Ns,
    /// At which address.
    pub address: IpAddr,
    /// At which port.
    pub port: u16,
    /// What.
    pub kind: Kind,
    /// In how many flows.
    pub flows: u32,
    /// For how long.
    pub seconds: u32,
    /// It is who listens that sends.
    pub reverse: bool,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rates {
    /// What was received in each tenth of a second.
    pub tenths: Vec<Interval>,
    /// Segments that TCP has sent again.
    pub retransmits: u64,
    /// Segments that were received, about.
    pub segments: u64,
    /// Datagrams that were not.
    pub lost: u64,
}

/// What was received in some time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its length.
    pub seconds: f64,
    /// Bits of frames.
    pub bits: f64,
}

impl Rates {
    /// In the first second.
    pub fn first(&self) -> f64 {
        mean(self.tenths.get(..10).unwrap_or(&self.tenths))
    }

    /// In all of it.
    pub fn whole(&self) -> f64 {
        mean(&self.tenths)
    }

    /// In the last second.
    pub fn last(&self) -> f64 {
        let from = self.tenths.len().saturating_sub(10);
        mean(&self.tenths[from..])
    }

    /// Of all segments, how many were sent again.
    pub fn retransmitted(&self) -> f64 {
        self.retransmits as f64 / self.segments.max(1) as f64
    }
}

/// Bits a second.
fn mean(of: &[Interval]) -> f64 {
    let bits: f64 = of.iter().map(|one| one.bits).sum();
    let seconds: f64 = of.iter().map(|one| one.seconds).sum();
    bits / seconds.max(f64::MIN_POSITIVE)
}

/// A load that runs.
#[derive(Debug)]
pub struct Running {
    server: Guarded,
    client: Guarded,
    load: Load,
}

impl Load {
    /// Starts it.
    ///
    /// # Errors
    /// Where iperf3 does not start.
    pub fn start(&self) -> Result<Running> {
        let port = self.port.to_string();
        let iperf = |ns: &Ns| -> Cmd {
            ns.command("iperf3")
                .args(["--json", "--interval", "0.1", "--port", &port])
        };
        let server = iperf(&self.to).args(["--server", "--one-off"]).spawn()?;
        let listening = format!("ss -Hltn sport = :{port}");
        crate::poll(AROUND, "iperf3 listens", || {
            self.to.run(&listening).is_ok_and(|text| !text.is_empty())
        })?;
        let (to, time) = (self.address.to_string(), self.seconds.to_string());
        let (flows, length) = (self.flows.to_string(), DATAGRAM.to_string());
        let client = iperf(&self.from).args(["--client", &to, "--time", &time]);
        let client = client.args(["--parallel", &flows]);
        let client = match self.reverse {
            true => client.args(["--reverse"]),
            false => client,
        };
        let client = match self.kind {
            Kind::Tcp(control) => client.args(["--congestion", control]),
            Kind::Udp(bits) => {
                client.args(["--udp", "--length", &length, "--bitrate", &bits.to_string()])
            }
        };
        Ok(Running {
            server,
            client: client.spawn()?,
            load: self.clone(),
        })
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// As [`Load::start`] and [`Running::end`].
    pub fn run(&self) -> Result<Rates> {
        self.start()?.end()
    }
}

impl Running {
    /// Waits for its end.
    ///
    /// # Errors
    /// Where iperf3 says that something was wrong, or does not end.
    pub fn end(mut self) -> Result<Rates> {
        let limit = Duration::from_secs(self.load.seconds.into()) + AROUND;
        self.client.wait(limit)?;
        self.server.wait(AROUND)?;
        let [client, server] = [&self.client, &self.server].map(|end| {
            let text = end.log();
            serde_json::from_str::<Value>(&text).map_err(|_| bad("iperf3", text))
        });
        let (client, server) = (client?, server?);
        if let Some(error) = client["error"].as_str() {
            return Err(bad("iperf3", error.to_owned()));
        }
        let payload = match self.load.kind {
            Kind::Tcp(_) => client["start"]["tcp_mss_default"].as_f64(),
            Kind::Udp(_) => Some(DATAGRAM.into()),
        };
        let payload = payload.ok_or_else(|| bad("iperf3", client.to_string()))?;
        let transport = match self.load.kind {
            Kind::Tcp(_) => 32.0,
            Kind::Udp(_) => 8.0,
        };
        let header = if self.load.address.is_ipv4() {
            20.0
        } else {
            40.0
        };
        let frame = (payload + transport + header + ETHER) / payload;
        let receiver = match self.load.reverse {
            true => &client,
            false => &server,
        };
        let intervals = receiver["intervals"].as_array();
        let intervals = intervals.ok_or_else(|| bad("iperf3", receiver.to_string()))?;
        let wanted = self.load.seconds as usize * 10;
        let tenths = intervals.iter().take(wanted);
        let tenths: Vec<_> = tenths
            .filter_map(|one| {
                Some(Interval {
                    seconds: one["sum"]["seconds"].as_f64()?,
                    bits: one["sum"]["bytes"].as_f64()? * 8.0 * frame,
                })
            })
            .collect();
        let bytes: f64 = (intervals.iter())
            .filter_map(|one| one["sum"]["bytes"].as_f64())
            .sum();
        let sent = &client["end"]["sum_sent"];
        Ok(Rates {
            tenths,
            retransmits: sent["retransmits"].as_u64().unwrap_or(0),
            segments: (bytes / payload) as u64,
            lost: receiver["end"]["sum"]["lost_packets"].as_u64().unwrap_or(0),
        })
    }
}

fn bad(what: &str, text: String) -> Error {
    Error::Said {
        command: what.to_owned(),
        text,
    }
}

/// Pings, ten a second (8 kbit/s), until they are told to end.
#[derive(Debug)]
pub struct Pings(Guarded);

impl Pings {
    /// Starts them.
    ///
    /// # Errors
    /// Where ping does not start.
    pub fn start(from: &Ns, to: IpAddr) -> Result<Pings> {
        let ping = from.command("ping").args(["-n", "-i", "0.1"]);
        let ping = ping.args(["-s", "56", &to.to_string()]).spawn()?;
        Ok(Pings(ping))
    }

    /// Ends them; says how long each took, in milliseconds, in ascending order.
    ///
    /// # Errors
    /// Where none was answered.
    pub fn end(mut self) -> Result<Vec<f64>> {
        self.0.signal(nix::sys::signal::Signal::SIGINT)?;
        self.0.wait(AROUND)?;
        let text = self.0.log();
        let times = text.lines().filter_map(|line| {
            let time = line.split_once("time=")?.1.split(' ').next()?;
            time.parse::<f64>().ok()
        });
        let mut times: Vec<_> = times.collect();
        times.sort_by(f64::total_cmp);
        match times.is_empty() {
            true => Err(bad("ping", text)),
            false => Ok(times),
        }
    }
}

/// Whoever sends, or counts what has come, without a processor for a while makes less or more of a limit than it is: of some
/// tries one has to be right. `once` tells what was not.
///
/// # Errors
/// With what the last of them told.
pub fn one_of_some<E: std::fmt::Display>(
    mut once: impl FnMut() -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    for _ in 1..TRIES {
        match once() {
            Ok(()) => return Ok(()),
            Err(told) => eprintln!("missed: {told}"),
        }
    }
    once()
}
