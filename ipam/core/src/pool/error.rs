//! What is wrong with a pool, or with a change of one.

use super::NAMESPACE_LABELS;
use crate::{Cidr, Family, PoolName, SelectorError};
use std::net::IpAddr;

/// What is wrong with a pool. Each message begins with the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PoolError {
    /// None, or too many.
    #[error("ranges: {count} prefixes; a pool has 1 to 64")]
    Count {
        /// How many.
        count: usize,
    },
    /// Addresses that no container can have.
    #[error("ranges[{index}].cidr: {cidr} overlaps {special}, {what}, which no container can have")]
    Unusable {
        /// Which range.
        index: usize,
        /// Its prefix.
        cidr: Cidr,
        /// The prefix with a meaning of its own.
        special: Cidr,
        /// What that means.
        what: &'static str,
    },
    /// A block must fit into its prefix.
    #[error("ranges[{index}].block: a block of /{block} is larger than the prefix {cidr}")]
    BlockTooLarge {
        /// Which range.
        index: usize,
        /// The block's length.
        block: u8,
        /// The prefix.
        cidr: Cidr,
    },
    /// A block has at most 4096 addresses and at least one.
    #[error(
        "ranges[{index}].block: /{block} is out of range; blocks have 1 to 4096 addresses, for {family} /{min} to /{max}"
    )]
    BlockLength {
        /// Which range.
        index: usize,
        /// The block's length.
        block: u8,
        /// Whose lengths are meant.
        family: Family,
        /// The largest block.
        min: u8,
        /// The smallest.
        max: u8,
    },
    /// The gateway is not in the prefix, or is its network's or broadcast address.
    #[error("ranges[{index}].gateway: {gateway} is not an address of {cidr} that a host can have")]
    Gateway {
        /// Which range.
        index: usize,
        /// The gateway.
        gateway: IpAddr,
        /// The prefix.
        cidr: Cidr,
    },
    /// Too many exclusions.
    #[error("ranges[{index}].exclude: {count} of them; a prefix has at most {max}")]
    Exclusions {
        /// Which range.
        index: usize,
        /// How many.
        count: usize,
        /// The most.
        max: usize,
    },
    /// An exclusion is malformed or outside.
    #[error("ranges[{index}].exclude[{item}]: {text:?} {reason}")]
    Exclude {
        /// Which range.
        index: usize,
        /// Which exclusion.
        item: usize,
        /// As it was given.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Two prefixes of one pool overlap.
    #[error("ranges[{index}].cidr: {cidr} overlaps {other} of the same pool")]
    OverlapsItself {
        /// Which range.
        index: usize,
        /// Its prefix.
        cidr: Cidr,
        /// The other prefix.
        other: Cidr,
    },
    /// A prefix is another pool's too.
    #[error("ranges[{index}].cidr: {cidr} overlaps {other} of pool {pool}")]
    Overlaps {
        /// Which range.
        index: usize,
        /// Its prefix.
        cidr: Cidr,
        /// The other prefix.
        other: Cidr,
        /// The other pool.
        pool: PoolName,
    },
    /// Nothing is left to give.
    #[error("ranges[{index}]: {cidr} has no address to give")]
    Empty {
        /// Which range.
        index: usize,
        /// Its prefix.
        cidr: Cidr,
    },
    /// A number out of range.
    #[error("{field}: {value} is out of range; at most {max}")]
    TooMuch {
        /// Which field.
        field: &'static str,
        /// Its value.
        value: u64,
        /// The largest.
        max: u64,
    },
    /// A selector is malformed.
    #[error("{field}: {error}")]
    Selector {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        #[source]
        error: SelectorError,
    },
    /// A label that no namespace is known to have.
    #[error("namespaces: {key:?} is not known of a namespace; what is known is its name, as {} or {}", NAMESPACE_LABELS[0], NAMESPACE_LABELS[1])]
    NamespaceLabel {
        /// The label's name.
        key: String,
    },
    /// A change of a prefix that the pool does not have.
    #[error("{field}[{index}]: {cidr} is no prefix of the pool")]
    NoRange {
        /// Which field of the change.
        field: &'static str,
        /// Which of them.
        index: usize,
        /// The prefix.
        cidr: Cidr,
    },
    /// The change must not be made while nodes can take blocks of the prefix.
    #[error("{field}[{index}]: {cidr} is not draining; drain it first, and wait until it is empty")]
    NotDraining {
        /// Which field of the change.
        field: &'static str,
        /// Which of them.
        index: usize,
        /// The prefix.
        cidr: Cidr,
    },
    /// Another block length while nodes can take blocks of the prefix.
    #[error(
        "replace[{index}].block: {cidr} is cut into blocks of /{block}, which another length would cut anew; \
         drain it first, and wait until it is empty, or leave the length as it is"
    )]
    BlockChanges {
        /// Which of them.
        index: usize,
        /// The prefix.
        cidr: Cidr,
        /// The length of its blocks.
        block: u8,
    },
    /// Draining would take back that it goes.
    #[error("phase: the pool retires, and so gives nothing; `netctl pool undrain` takes that back")]
    Retires,
    /// A change that would take addresses from under containers.
    #[error("ranges: {cidr} is in use: {reason}")]
    InUse {
        /// The prefix.
        cidr: Cidr,
        /// By what.
        reason: String,
    },
}
