//! The engine and the maps together, as the daemon has them on one thread: what the one wants is in the other
//! when a call returns.

use anyhow::{Context as _, Result};
use fairway_dataplane::abi;
use fairway_dataplane::{Dataplane, Options, Sizes};
use fairway_policy::Engine;
use fairway_policy::input::{Change, EndpointId, Input};
use std::collections::BTreeMap;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) data: Dataplane,
    engine: Engine,
    config: abi::Config,
    /// Links of this node's endpoints, and what is known of them.
    links: BTreeMap<EndpointId, (u32, abi::Endpoint)>,
}

impl Kernel {
    /// Empty, with maps as large as the daemon's.
    pub(super) fn new() -> Result<Self> {
        let sizes = Sizes::default();
        let data = Dataplane::load(&Options { sizes, pins: None })?;
        let mut kernel = Self {
            data,
            engine: Engine::new(fairway_enforce::limits(&sizes)),
            config: abi::Config::default(),
            links: BTreeMap::new(),
        };
        kernel.flags(0)?;
        Ok(kernel)
    }

    /// Where an endpoint of this node is.
    pub(super) fn link(&mut self, id: EndpointId, index: u32, entry: abi::Endpoint) {
        self.links.insert(id, (index, entry));
    }

    /// [`abi::Config::flags`]. All flows are judged anew.
    pub(super) fn flags(&mut self, flags: u32) -> Result<()> {
        self.config.flags = flags;
        self.config.epoch += 1;
        Ok(self.data.set_config(&self.config)?)
    }

    /// In the kernel when it returns; how many changes that took.
    pub(super) fn learn(&mut self, inputs: impl IntoIterator<Item = Input>) -> Result<usize> {
        inputs
            .into_iter()
            .for_each(|input| self.engine.handle(input));
        let changes = self.engine.changes();
        let changes = changes.map_err(|full| anyhow::anyhow!("{full}"))?;
        for change in &changes {
            self.carry_out(change)?;
        }
        self.flags(self.config.flags)?;
        Ok(changes.len())
    }

    fn carry_out(&mut self, change: &Change) -> Result<()> {
        match change {
            Change::Endpoint { id, identity, sets } => {
                let (index, known) = self.links.get(id).context("a link that nobody knows")?;
                let Some(sets) = sets else {
                    self.data.remove_endpoint(*index)?;
                    return Ok(());
                };
                let entry = abi::Endpoint {
                    identity: *identity,
                    sets: fairway_enforce::sets(*sets),
                    ..*known
                };
                self.data.put_endpoint(*index, &entry)?;
            }
            other => {
                let index = |id: &EndpointId| self.links.get(id).map_or(0, |link| link.0);
                fairway_enforce::write(&mut self.data, other, index)?;
            }
        }
        Ok(())
    }
}
