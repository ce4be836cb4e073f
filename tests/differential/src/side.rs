//! One of the two topologies: a node, its containers, and whose plugins run there.

use crate::pair::{SETTLED, patience};
use crate::{Case, Lines, files, outcome};
use fairway_lab::{
    Cni, Lab, Ns, Outcome, Result, Snapshot, Value, plugin_dir, poll, reference_dir,
};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

/// Whose plugins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Maker {
    /// The reference plugins'.
    Reference,
    /// This project's.
    Ours,
}

impl Maker {
    /// Both, the reference first.
    pub const BOTH: [Self; 2] = [Self::Reference, Self::Ours];

    /// The folder of their plugins.
    ///
    /// # Panics
    /// Where it has no plugin of that type: then there is nothing to compare.
    pub fn dir(self, kind: &str) -> PathBuf {
        let dir = match self {
            Self::Reference => reference_dir(),
            Self::Ours => plugin_dir(),
        };
        assert!(
            dir.join(kind).is_file(),
            "no plugin {kind} in {} ({self:?}): install containernetworking-plugins, or run \
             `cargo xtask dist`; FAIRWAY_REFERENCE_DIR and FAIRWAY_CNI_DIR name other folders",
            dir.display()
        );
        dir
    }
}

/// See the module's head.
#[derive(Debug)]
pub struct Side {
    /// Whose plugins run in it.
    pub maker: Maker,
    /// The topology.
    pub lab: Lab,
    containers: BTreeMap<String, Ns>,
    results: BTreeMap<String, Value>,
    detect_duplicates: bool,
}

impl Side {
    /// A fresh one, prepared as the case wants it.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn new(maker: Maker, case: &Case) -> Result<Self> {
        let mut side = Self {
            maker,
            lab: Lab::new()?,
            containers: BTreeMap::new(),
            results: BTreeMap::new(),
            detect_duplicates: case.has("enabledad"),
        };
        side.no_waiting(side.lab.node())?;
        side.container("c1")?;
        side.container("c2")?;
        side.sh(case.prepare)?;
        let look = Instant::now();
        if !side.is_settled().unwrap_or(true) {
            let limit = patience(look.elapsed());
            let _ = poll(limit, "", || side.is_settled().unwrap_or(true));
        }
        Ok(side)
    }

    /// Whether each of the node's cables whose ends are both up says so, at both ends. The kernel gets to that a moment
    /// later, and it would look like something that a call did.
    fn is_settled(&self) -> Result<bool> {
        let links = self.lab.node().json("ip -j link show")?;
        let links: Vec<&Value> = links.as_array().into_iter().flatten().collect();
        let is_up = |name: &Value| {
            let mut links = links.iter().filter(|link| link["ifname"] == *name);
            let flags = links.next().and_then(|link| link["flags"].as_array());
            flags.is_some_and(|flags| flags.iter().any(|flag| flag == "UP"))
        };
        let mut down = links
            .iter()
            .filter(|link| link["operstate"] == "LOWERLAYERDOWN");
        Ok(!down.any(|link| is_up(&link["link"])))
    }

    /// The container's namespace, made where it is not there yet.
    ///
    /// # Errors
    /// Without root.
    pub fn container(&mut self, id: &str) -> Result<Ns> {
        if !self.containers.contains_key(id) {
            let ns = Ns::new(id)?;
            self.no_waiting(&ns)?;
            self.containers.insert(id.to_owned(), ns);
        }
        Ok(self.containers[id].clone())
    }

    /// Duplicate address detection that asks nobody takes no time: two seconds a case, and the
    /// flags and settings that a plugin chooses show all the same.
    fn no_waiting(&self, ns: &Ns) -> Result {
        match self.detect_duplicates {
            true => Ok(()),
            false => ns.set_sysctl("ipv6/conf/default/dad_transmits", "0"),
        }
    }

    /// The scratch folder stands for `$DATA`, also in scripts.
    ///
    /// # Errors
    /// Where the script fails.
    pub fn sh(&self, script: &str) -> Result<String> {
        let data = self.lab.scratch().display().to_string();
        self.lab.node().sh(&script.replace("$DATA", &data))
    }

    /// As [`Side::sh`], in a container.
    ///
    /// # Errors
    /// Where the script fails.
    pub fn sh_in(&mut self, id: &str, script: &str) -> Result<String> {
        self.container(id)?.sh(script)
    }

    /// The plugin, ready to be called for a container.
    ///
    /// # Errors
    /// As [`Side::container`].
    pub fn cni(&mut self, case: &Case, version: &str, id: &str) -> Result<Cni> {
        self.cni_by(self.maker, case, version, id)
    }

    /// As [`Side::cni`], whoever's plugins run here otherwise.
    ///
    /// # Errors
    /// As [`Side::container`].
    pub fn cni_by(&mut self, maker: Maker, case: &Case, version: &str, id: &str) -> Result<Cni> {
        let dir = maker.dir(&case.plugin);
        let netns = self.container(id)?;
        let mut cni = Cni::new(self.lab.node(), dir, &case.plugin);
        cni = cni.container(id).netns(&netns);
        if let Some(args) = &case.args {
            cni = cni.args(args);
        }
        Ok(cni.config(case.config(version, self.lab.scratch())))
    }

    /// Keeps the result of an ADD for CHECK and DEL.
    pub fn keep(&mut self, id: &str, added: &Outcome) {
        match &added.result {
            Some(result) => self.results.insert(id.to_owned(), result.clone()),
            None => self.results.remove(id),
        };
    }

    /// The result of the container's last ADD.
    pub fn result(&self, id: &str) -> Option<&Value> {
        self.results.get(id)
    }

    /// What a call left, as lines that both sides share where they do the same.
    ///
    /// # Errors
    /// Where the links cannot be read.
    pub fn outcome(&self, outcome: &Outcome) -> Result<Lines> {
        let mut names = outcome::Names::default();
        let scratch = self.lab.scratch().display().to_string();
        names.replace(&scratch, "<data>");
        if outcome.result.is_some() {
            names.learn("node", self.lab.node())?;
        }
        for (id, ns) in &self.containers {
            names.replace(&ns.path().display().to_string(), &format!("<netns {id}>"));
            if outcome.result.is_some() {
                names.learn(id, ns)?;
            }
        }
        Ok(outcome::lines(outcome, &names))
    }

    /// Whether the node's links carry traffic yet, which the kernel decides a moment later:
    /// cheaper to ask again and again than all of it.
    ///
    /// # Errors
    /// Where the links cannot be read.
    pub fn carriers(&self) -> Result<Vec<String>> {
        let links = self.lab.node().json("ip -j link show")?;
        let links = links.as_array().into_iter().flatten();
        let mut states: Vec<_> = links
            .map(|link| format!("{} {}", link["operstate"], link["flags"]))
            .collect();
        states.sort();
        Ok(states)
    }

    /// The kernel's state everywhere, as comparable lines.
    ///
    /// # Errors
    /// Where a tool fails.
    pub fn state(&self) -> Result<Lines> {
        let mut spaces = vec![self.lab.node()];
        spaces.extend(self.containers.values());
        let snapshot = Snapshot::portable(&spaces, &[])?;
        let mut lines = Lines::default();
        for section in snapshot.sections() {
            lines.put(section, snapshot.section(section).to_vec());
        }
        Ok(lines)
    }

    /// The kernel's state once its links carry traffic and nothing changes any more, as far as that comes in a while.
    ///
    /// # Errors
    /// Where a tool fails.
    pub fn still(&self) -> Result<Lines> {
        let dark = |states: Vec<String>| states.iter().any(|state| state.contains("NO-CARRIER"));
        let _ = poll(SETTLED, "", || !self.carriers().is_ok_and(dark));
        let mut last = self.state();
        let _ = poll(SETTLED, "", || {
            let now = self.state();
            let same = match (&last, &now) {
                (Ok(last), Ok(now)) => last.diff(now).is_empty(),
                _ => false,
            };
            last = now;
            same
        });
        last
    }

    /// The files below the data folder.
    pub fn files(&self) -> Lines {
        files::lines(self.lab.scratch())
    }
}
