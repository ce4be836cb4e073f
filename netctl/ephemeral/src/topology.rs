//! A node and its containers: the topology of most tests in ten lines.

use crate::scratch::Scratch;
use crate::{Ns, Result};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

/// One node namespace, a scratch folder, and as many containers as asked for.
#[derive(Debug)]
pub struct Lab {
    node: Ns,
    scratch: Scratch,
    made: AtomicU32,
}

impl Lab {
    /// A fresh node with `lo` up, as on a running machine.
    ///
    /// # Errors
    /// Without root.
    pub fn new() -> Result<Self> {
        let node = Ns::new("node")?;
        node.up("lo")?;
        Ok(Self {
            node,
            scratch: Scratch::new()?,
            made: AtomicU32::new(0),
        })
    }

    /// The node: where the plugins run.
    pub fn node(&self) -> &Ns {
        &self.node
    }

    /// A folder that goes with the lab, or is removed by a later one if this process is killed.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A further namespace as a runtime hands it to a plugin: empty, `lo` down.
    ///
    /// # Errors
    /// Without root.
    pub fn container(&self) -> Result<Ns> {
        let number = self.made.fetch_add(1, Ordering::Relaxed) + 1;
        Ns::new(format!("c{number}"))
    }

    /// A further node, `lo` up, for topologies of more than one.
    ///
    /// # Errors
    /// Without root.
    pub fn machine(&self, name: &str) -> Result<Ns> {
        let ns = Ns::new(name)?;
        ns.up("lo")?;
        Ok(ns)
    }

    /// A veth pair between two namespaces, both ends up.
    ///
    /// # Errors
    /// Where a name is taken.
    pub fn wire(&self, a: &Ns, a_name: &str, b: &Ns, b_name: &str) -> Result {
        let peer = b.path();
        let peer = peer.display();
        a.run(&format!(
            "ip link add name {a_name} type veth peer name {b_name} netns {peer}"
        ))?;
        a.up(a_name)?;
        b.up(b_name)
    }
}
