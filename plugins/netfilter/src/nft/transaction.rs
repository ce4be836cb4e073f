//! Changes that are made together or not at all.

use fairway_netlink::raw::attr::Writer;
use fairway_netlink::raw::{ACK, APPEND, CREATE, EXCL, Message};

use super::rule::{Rule, comment_userdata};
use super::{
    BATCH_BEGIN, BATCH_END, DEL_CHAIN, DEL_RULE, DEL_TABLE, NEW_CHAIN, NEW_RULE, NEW_TABLE,
    SUBSYSTEM, Table, header,
};
use crate::Error;

const TABLE_NAME: u16 = 1;
pub(super) const TABLE_FLAGS: u16 = 2;
pub(super) const TABLE_OBJECTS: u16 = 3;
const TABLE_USERDATA: u16 = 6;

const CHAIN_TABLE: u16 = 1;
const CHAIN_NAME: u16 = 3;
pub(super) const CHAIN_HOOK: u16 = 4;
pub(super) const CHAIN_POLICY: u16 = 5;
pub(super) const CHAIN_TYPE: u16 = 7;
const CHAIN_USERDATA: u16 = 12;
pub(super) const HOOK_NUMBER: u16 = 1;
pub(super) const HOOK_PRIORITY: u16 = 2;

/// Known to kernels from 4.12 on, passed over by older ones.
const BATCH_GENERATION: u16 = 1;

const RULE_TABLE: u16 = 1;
const RULE_CHAIN: u16 = 2;
const RULE_HANDLE: u16 = 3;

/// Where packets come into a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hook {
    /// "nat" or "filter".
    pub(crate) kind: &'static str,
    /// NF_INET_… or NF_BR_…
    pub(crate) number: u32,
    /// Lower ones see packets earlier.
    pub(crate) priority: i32,
}

impl Hook {
    /// Where destinations of what comes in are translated.
    pub(crate) const PREROUTING_NAT: Self = Self {
        kind: "nat",
        number: 0,
        priority: -100,
    };
    /// Where destinations of what this host sends are translated.
    pub(crate) const OUTPUT_NAT: Self = Self {
        kind: "nat",
        number: 3,
        priority: -100,
    };
    /// Where source addresses are translated.
    pub(crate) const POSTROUTING_NAT: Self = Self {
        kind: "nat",
        number: 4,
        priority: 100,
    };
    /// Where what is passed on is let through.
    pub(crate) const FORWARD_FILTER: Self = Self {
        kind: "filter",
        number: 2,
        priority: 0,
    };
    /// The first place that sees a bridge's frames.
    pub(crate) const BRIDGE_PREROUTING: Self = Self {
        kind: "filter",
        number: 0,
        priority: -300,
    };
}

/// A list of changes, in order.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    messages: Vec<Message>,
    /// Whether the ruleset must still be the one that was looked at: because
    /// something is deleted, or because nobody else may have come first.
    needs_generation: bool,
}

impl Transaction {
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Only if the ruleset is still the one that was looked at: what was free then
    /// is free now.
    pub(crate) fn depend_on_look(&mut self) {
        self.needs_generation = true;
    }

    /// Adds the changes of another one after its own.
    pub(crate) fn append(&mut self, mut other: Self) {
        self.messages.append(&mut other.messages);
        self.needs_generation |= other.needs_generation;
    }

    /// Makes the table if it is not there; then the comment goes on it.
    ///
    /// Flags are not named, for naming none would wake up a table that its
    /// administrator has put to sleep.
    pub(crate) fn add_table(&mut self, table: Table, comment: Option<&str>) -> Result<(), Error> {
        let mut attrs = writer(table);
        attrs.put_str(TABLE_NAME, table.name);
        if let Some(comment) = comment {
            attrs.put(TABLE_USERDATA, &comment_userdata(comment));
        }
        self.push("add table", table.subject(None), NEW_TABLE, CREATE, attrs)
    }

    /// Deletes a table and all that is in it, whatever that is: the ruleset need
    /// not be the one that was looked at.
    pub(crate) fn delete_table(&mut self, table: Table) -> Result<(), Error> {
        let mut attrs = writer(table);
        attrs.put_str(TABLE_NAME, table.name);
        self.push("delete table", table.subject(None), DEL_TABLE, 0, attrs)
    }

    /// Makes the chain if it is not there. The policy is not named: it is accept
    /// on a new chain and stays as it is on one that exists.
    pub(crate) fn add_chain(
        &mut self,
        table: Table,
        chain: &str,
        hook: Option<Hook>,
        comment: Option<&str>,
    ) -> Result<(), Error> {
        let mut attrs = chain_writer(table, chain);
        if let Some(hook) = hook {
            attrs.nest(CHAIN_HOOK, |nest| {
                nest.put_u32_be(HOOK_NUMBER, hook.number);
                nest.put_u32_be(HOOK_PRIORITY, hook.priority.cast_unsigned());
            });
            attrs.put_str(CHAIN_TYPE, hook.kind);
        }
        if let Some(comment) = comment {
            attrs.put(CHAIN_USERDATA, &comment_userdata(comment));
        }
        self.push(
            "add chain",
            table.subject(Some(chain)),
            NEW_CHAIN,
            CREATE,
            attrs,
        )
    }

    /// Makes a chain without a hook that must not be there yet.
    pub(crate) fn add_new_chain(&mut self, table: Table, chain: &str) -> Result<(), Error> {
        self.push(
            "add chain",
            table.subject(Some(chain)),
            NEW_CHAIN,
            CREATE | EXCL,
            chain_writer(table, chain),
        )
    }

    /// Deletes a chain and the rules in it. Refused while a rule jumps to it.
    pub(crate) fn delete_chain(&mut self, table: Table, chain: &str) -> Result<(), Error> {
        self.needs_generation = true;
        self.push(
            "delete chain",
            table.subject(Some(chain)),
            DEL_CHAIN,
            0,
            chain_writer(table, chain),
        )
    }

    /// Deletes all rules of a chain.
    pub(crate) fn flush_chain(&mut self, table: Table, chain: &str) -> Result<(), Error> {
        self.needs_generation = true;
        let mut attrs = writer(table);
        attrs.put_str(RULE_TABLE, table.name);
        attrs.put_str(RULE_CHAIN, chain);
        let subject = table.subject(Some(chain));
        self.push("flush chain", subject, DEL_RULE, 0, attrs)
    }

    /// Puts a rule at the end of a chain.
    pub(crate) fn add_rule(&mut self, table: Table, chain: &str, rule: &Rule) -> Result<(), Error> {
        self.new_rule(table, chain, rule, CREATE | APPEND)
    }

    /// Puts a rule before all others of a chain.
    pub(crate) fn insert_rule(
        &mut self,
        table: Table,
        chain: &str,
        rule: &Rule,
    ) -> Result<(), Error> {
        self.new_rule(table, chain, rule, CREATE)
    }

    fn new_rule(
        &mut self,
        table: Table,
        chain: &str,
        rule: &Rule,
        flags: u16,
    ) -> Result<(), Error> {
        let mut attrs = writer(table);
        rule.write(table.name, chain, &mut attrs);
        self.push(
            "add rule",
            table.subject(Some(chain)),
            NEW_RULE,
            flags,
            attrs,
        )
    }

    /// Deletes one rule. Its handle says which only as long as the table lives:
    /// one that is made anew counts from the start.
    pub(crate) fn delete_rule(
        &mut self,
        table: Table,
        chain: &str,
        handle: u64,
    ) -> Result<(), Error> {
        self.needs_generation = true;
        let mut attrs = writer(table);
        attrs.put_str(RULE_TABLE, table.name);
        attrs.put_str(RULE_CHAIN, chain);
        attrs.put_u64_be(RULE_HANDLE, handle);
        let subject = table.subject(Some(chain));
        self.push("delete rule", subject, DEL_RULE, 0, attrs)
    }

    fn push(
        &mut self,
        op: &'static str,
        subject: String,
        kind: u16,
        flags: u16,
        attrs: Writer,
    ) -> Result<(), Error> {
        let message = Message::new(op, subject, kind).flags(flags);
        self.messages.push(message.attributes(attrs)?);
        Ok(())
    }

    /// The batch: begin, the changes, end. The kernel answers when it has looked
    /// at the last change, after the commit; or at the beginning, with ERESTART,
    /// where something is to be deleted and `generation` (0: unknown) is not the
    /// ruleset's any more.
    ///
    /// Batches that only add, and need no look, go without: they depend on nothing that others
    /// change, and must not wait for a firewall that is reloaded all the time.
    pub(crate) fn into_batch(mut self, generation: u32) -> Result<Vec<Message>, Error> {
        let mark = |op, kind| Message::new(op, "nf_tables", kind);
        if let Some(last) = self.messages.last_mut() {
            last.flags |= ACK;
        }
        let mut begin = Writer::with_header(&header(0, SUBSYSTEM));
        if self.needs_generation && generation != 0 {
            begin.put_u32_be(BATCH_GENERATION, generation);
        }
        let mut batch = Vec::with_capacity(self.messages.len() + 2);
        batch.push(mark("begin transaction", BATCH_BEGIN).attributes(begin)?);
        batch.append(&mut self.messages);
        batch.push(mark("commit transaction", BATCH_END).body(header(0, SUBSYSTEM).to_vec()));
        Ok(batch)
    }
}

fn writer(table: Table) -> Writer {
    Writer::with_header(&header(table.family, 0))
}

fn chain_writer(table: Table, chain: &str) -> Writer {
    let mut attrs = writer(table);
    attrs.put_str(CHAIN_TABLE, table.name);
    attrs.put_str(CHAIN_NAME, chain);
    attrs
}
