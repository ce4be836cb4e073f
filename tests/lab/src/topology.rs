//! A node and its containers, and plugins that run there: the topology of most tests in ten lines.

use crate::{Cni, Result, plugin_dir, reference_dir};
use std::ops::Deref;

/// One node namespace, a scratch folder, and as many containers as asked for.
#[derive(Debug)]
pub struct Lab(fairway_ephemeral::Lab);

impl Lab {
    /// A fresh node with `lo` up, as on a running machine.
    ///
    /// # Errors
    /// Without root.
    pub fn new() -> Result<Self> {
        fairway_ephemeral::Lab::new().map(Self)
    }

    /// Our plugin of that type, run on the node.
    pub fn cni(&self, kind: &str) -> Cni {
        Cni::new(self.node(), plugin_dir(), kind)
    }

    /// The reference plugin of that type, run on the node.
    pub fn reference(&self, kind: &str) -> Cni {
        Cni::new(self.node(), reference_dir(), kind)
    }
}

impl Deref for Lab {
    type Target = fairway_ephemeral::Lab;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
