//! The prefixes that policies of this node's endpoints speak of, and their numbers.
//!
//! The kernel finds the longest prefix that an address is in, and by its number what a set says of it. So
//! every block and every exception is a prefix of its own, and each set says something of all of them that
//! lie in its blocks.

use crate::{input::Number, nets::Nets, number::Numbers, spec::Block};
use ipnetwork::IpNetwork;
use std::{collections::HashMap, net::IpAddr};

/// Numbers from here on are those of prefixes.
pub(crate) const FIRST: Number = 1 << 31;

/// All of them.
#[derive(Debug)]
pub(crate) struct Universe {
    all: Nets<Entry>,
    pub(crate) numbers: Numbers,
    /// What has come and gone since [`Universe::take_changed`]; true: it is there now.
    changed: HashMap<Number, (IpNetwork, bool)>,
}

#[derive(Debug)]
struct Entry {
    number: Number,
    count: usize,
}

impl Universe {
    pub(crate) fn new() -> Self {
        Self {
            all: Nets::default(),
            numbers: Numbers::from(FIRST),
            changed: HashMap::new(),
        }
    }

    pub(crate) fn number(&self, net: IpNetwork) -> Option<Number> {
        self.all.get(net).map(|entry| entry.number)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (IpNetwork, Number)> {
        self.all.iter().map(|(net, entry)| (net, entry.number))
    }

    /// The number of the longest that contains `net` or is it.
    pub(crate) fn covering(&self, net: IpNetwork) -> Option<Number> {
        let mut containing = self.all.containing(net);
        containing.next().map(|(_, entry)| entry.number)
    }

    pub(crate) fn acquire(&mut self, block: &Block) {
        for net in prefixes(block) {
            if let Some(entry) = self.all.get_mut(net) {
                entry.count += 1;
                continue;
            }
            let number = self.numbers.take();
            self.changed.insert(number, (net, true));
            self.all.insert(net, Entry { number, count: 1 });
        }
    }

    pub(crate) fn release(&mut self, block: &Block) {
        for net in prefixes(block) {
            let Some(entry) = self.all.get_mut(net) else {
                continue;
            };
            entry.count = entry.count.saturating_sub(1);
            if entry.count == 0 {
                let number = entry.number;
                self.all.remove(net);
                self.numbers.retire(number);
                self.changed.insert(number, (net, false));
            }
        }
    }

    pub(crate) fn take_changed(&mut self) -> HashMap<Number, (IpNetwork, bool)> {
        std::mem::take(&mut self.changed)
    }
}

fn prefixes(block: &Block) -> impl Iterator<Item = IpNetwork> + '_ {
    std::iter::once(block.cidr).chain(block.except.iter().copied())
}

/// A block that can be asked quickly whether a prefix is in it.
#[derive(Debug)]
pub(crate) struct BlockMatch {
    pub(crate) block: Block,
    except: Nets<()>,
}

impl BlockMatch {
    pub(crate) fn new(block: Block) -> Self {
        let mut except = Nets::default();
        for net in &block.except {
            except.insert(*net, ());
        }
        Self { block, except }
    }

    /// Is an address in it?
    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.block.cidr.contains(address)
            && !self.block.except.iter().any(|net| net.contains(address))
    }

    /// Is `net`, of which it is known that it is in the block's own prefix, in none of the exceptions?
    pub(crate) fn spared(&self, net: IpNetwork) -> bool {
        self.except.containing(net).next().is_none()
    }
}
