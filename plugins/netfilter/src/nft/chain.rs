//! Tables and chains as the kernel tells them.

use fairway_netlink::raw::attr::Attrs;

use super::transaction::{
    CHAIN_HOOK, CHAIN_POLICY, CHAIN_TYPE, HOOK_NUMBER, HOOK_PRIORITY, Hook, TABLE_FLAGS,
    TABLE_OBJECTS,
};

/// NF_ACCEPT.
const ACCEPT: u32 = 1;

/// A table that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ListedTable {
    /// 1: asleep; 2: gone with the process that made it.
    pub(crate) flags: u32,
    /// How many chains, sets and other objects are in it, without rules.
    pub(crate) objects: u32,
}

impl ListedTable {
    /// Reads the attributes of a listed table.
    pub(crate) fn read(attrs: &Attrs<'_>) -> Option<Self> {
        let number = |kind| attrs.clone().find_kind(kind)?.u32_be();
        Some(Self {
            flags: number(TABLE_FLAGS).unwrap_or(0),
            objects: number(TABLE_OBJECTS)?,
        })
    }
}

/// A chain that is there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Chain {
    /// Type, number and priority of where packets come into it, if they do.
    hook: Option<(String, u32, i32)>,
    policy: Option<u32>,
}

impl Chain {
    /// Reads the attributes of a listed chain.
    pub(crate) fn read(attrs: &Attrs<'_>) -> Self {
        let find = |kind| attrs.clone().find_kind(kind);
        let hook = || {
            let hook = find(CHAIN_HOOK)?.nested();
            let number = |kind| hook.clone().find_kind(kind)?.u32_be();
            let priority = number(HOOK_PRIORITY)?.cast_signed();
            Some((find(CHAIN_TYPE)?.text(), number(HOOK_NUMBER)?, priority))
        };
        Self {
            hook: hook(),
            policy: find(CHAIN_POLICY).and_then(|attr| attr.u32_be()),
        }
    }

    /// Whether packets come into it there, and what no rule stops goes on.
    pub(crate) fn accepts_all_of(&self, hook: Hook) -> bool {
        let there = (hook.kind.to_owned(), hook.number, hook.priority);
        self.hook == Some(there) && self.policy == Some(ACCEPT)
    }
}
