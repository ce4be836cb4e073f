//! A container that has been attached, and questions to the kernel about it.

use crate::ensure;
use fairway_lab::{Cni, Error, Ns, Result, Value, poll};
use std::time::Duration;

/// How long what comes by itself (a neighbour, an operational state) may take.
pub const SOON: Duration = Duration::from_secs(60);

/// A container after its ADD.
#[derive(Clone, Debug)]
pub struct Member {
    /// Its namespace.
    pub ns: Ns,
    /// Further calls for it.
    pub cni: Cni,
    /// What ADD answered.
    pub result: Value,
}

impl Member {
    /// Makes the ADD, which must succeed.
    ///
    /// # Errors
    /// Where it does not.
    pub fn add(ns: Ns, cni: Cni) -> Result<Self> {
        let result = cni.add()?.ok()?;
        Ok(Self { ns, cni, result })
    }

    fn address(&self, v6: bool) -> String {
        let ips = self.result["ips"].as_array().into_iter().flatten();
        let mut ips = ips.filter_map(|ip| ip["address"].as_str());
        let ip = ips.find(|ip| ip.contains(':') == v6).unwrap_or("none/");
        ip.split('/').next().unwrap_or_default().to_owned()
    }

    /// Its IPv4 address, without prefix.
    pub fn v4(&self) -> String {
        self.address(false)
    }

    /// Its IPv6 address, without prefix.
    pub fn v6(&self) -> String {
        self.address(true)
    }

    /// All of its addresses, without prefix.
    pub fn ips(&self) -> Vec<String> {
        let ips = self.result["ips"].as_array().into_iter().flatten();
        let ips = ips.filter_map(|ip| ip["address"].as_str()?.split('/').next());
        ips.map(str::to_owned).collect()
    }

    /// The host's end as the result names it.
    pub fn host_link(&self) -> String {
        let interfaces = self.result["interfaces"].as_array().into_iter().flatten();
        let mut names = interfaces.filter_map(|interface| interface["name"].as_str());
        names
            .find(|name| name.len() == 10 && name.starts_with("fw"))
            .unwrap_or("none")
            .to_owned()
    }

    /// CHECK against its own result must succeed.
    ///
    /// # Errors
    /// Where it does not.
    pub fn check(&self) -> Result {
        self.cni.check(&self.result)?.ok().map(drop)
    }

    /// CHECK must fail with code 100 and a message that holds `word`.
    ///
    /// # Errors
    /// Where it does not.
    pub fn check_finds(&self, word: &str) -> Result {
        let outcome = self.cni.check(&self.result)?;
        let error = outcome.fails(100)?;
        ensure(
            error.msg.contains(word),
            format!("CHECK names {word:?}, it says {:?}", error.msg),
        )
    }

    /// DEL must succeed.
    ///
    /// # Errors
    /// Where it does not.
    pub fn del(&self) -> Result {
        self.cni.del(Some(&self.result))?.ok().map(drop)
    }
}

/// The links of a namespace, as `ip -j -d addr` shows them.
///
/// # Errors
/// Where `ip` fails.
pub fn links(ns: &Ns) -> Result<Vec<Value>> {
    match ns.json("ip -j -d addr show")? {
        Value::Array(links) => Ok(links),
        other => Ok(vec![other]),
    }
}

/// One of them.
///
/// # Errors
/// Where it is not there.
pub fn link(ns: &Ns, name: &str) -> Result<Value> {
    let found = links(ns)?.into_iter().find(|link| link["ifname"] == name);
    found.ok_or_else(|| Error::Outcome {
        wanted: format!("a link {name} in {}", ns.name()),
        got: "none".to_owned(),
    })
}

/// Does one ping get an answer, within `wait` seconds? For silence: one that is wanted may be lost while neighbours are
/// looked for, or while the machine does something else.
pub fn pings(ns: &Ns, address: &str, wait: f32) -> bool {
    ns.run(&format!("ping -n -c 1 -W {wait} {address}")).is_ok()
}

/// Whether pings are answered, or one is not, as is wanted.
pub fn is_as_wanted(ns: &Ns, address: &str, answered: bool) -> bool {
    match answered {
        true => reaches(ns, address).is_ok(),
        false => !pings(ns, address, 0.5),
    }
}

/// Waits until a ping gets an answer.
///
/// # Errors
/// Where none does [`SOON`].
pub fn reaches(ns: &Ns, address: &str) -> Result {
    let what = format!("{} reaches {address}", ns.name());
    poll(SOON, &what, || pings(ns, address, 1.0))
}
