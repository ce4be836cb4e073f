//! What must never be seen, and how a run that saw it is told of.

use fairway_ipam::Cidr;
use std::{fmt, net::IpAddr};

/// Something that must never happen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Two have one address.
    #[error("{ip} is held by {first} and by {second}")]
    Duplicate {
        /// The address.
        ip: IpAddr,
        /// Who had it.
        first: String,
        /// Who has it too.
        second: String,
    },
    /// An acknowledged allocation is not known any more.
    #[error("{holder} was given {had}; its node now knows {known}")]
    Forgotten {
        /// Whose.
        holder: String,
        /// What was answered.
        had: String,
        /// What the node says.
        known: String,
    },
    /// A freed address did not rest.
    #[error("{ip} of {before} was given to {after} after {rested} ms of {cooldown}")]
    Cooldown {
        /// The address.
        ip: IpAddr,
        /// Who had it.
        before: String,
        /// Who has it now.
        after: String,
        /// How long nobody had it, in milliseconds.
        rested: u64,
        /// How long it should have rested.
        cooldown: u64,
    },
    /// A workload did not get its claim's addresses.
    #[error("{holder}, workload {claim}: {reason}")]
    Sticky {
        /// Whose answer.
        holder: String,
        /// Its claim.
        claim: String,
        /// What is wrong.
        reason: String,
    },
    /// A claim's addresses changed.
    #[error("claim {claim}: {reason}")]
    Claim {
        /// Which.
        claim: String,
        /// What is wrong.
        reason: String,
    },
    /// A block's record is not as it must be.
    #[error("block {block}: {reason}")]
    Block {
        /// Which.
        block: Cidr,
        /// What is wrong.
        reason: String,
    },
    /// A block or a claim was taken from under a container, and no operator did it.
    #[error("{title} was taken by {by} while {holder} lives on it")]
    Stolen {
        /// The block or claim.
        title: String,
        /// Who wrote so.
        by: String,
        /// Who lives on it.
        holder: String,
    },
    /// A node gave what it does not own, and could have known.
    #[error("{holder} was given {ip} out of {title}, which is {owner}'s")]
    NoTitle {
        /// Whose answer.
        holder: String,
        /// The address.
        ip: IpAddr,
        /// The block or claim.
        title: String,
        /// Whose it is.
        owner: String,
    },
    /// An explicit address was not given as asked.
    #[error("{holder} asked for {asked} and was given {given}")]
    Explicit {
        /// Whose answer.
        holder: String,
        /// The explicit addresses.
        asked: String,
        /// What was answered.
        given: String,
    },
    /// An answer makes no sense.
    #[error("answer to {to}: {reason}")]
    Answer {
        /// Who asked.
        to: String,
        /// What is wrong.
        reason: String,
    },
    /// A request was not answered in time.
    #[error("{what} has not been answered for {millis} ms")]
    Unanswered {
        /// Which request.
        what: String,
        /// How long.
        millis: u64,
    },
    /// A transaction that no store would take.
    #[error("{node} commits {reason}")]
    Txn {
        /// Whose.
        node: String,
        /// What is wrong.
        reason: String,
    },
    /// An address was given on and its former container still has it, though its node knows.
    #[error("{holder} knows that {title} was given to {owner} and is not cut off")]
    NotCutOff {
        /// Whose container.
        holder: String,
        /// The block or claim.
        title: String,
        /// Whose it is.
        owner: String,
    },
    /// A container lost its address though nobody took it.
    #[error("{holder} was cut off from {ip}, which is its own")]
    CutForNothing {
        /// Whose container.
        holder: String,
        /// The address.
        ip: IpAddr,
    },
    /// An agent does not take its own journal.
    #[error("{node} does not take its journal: {reason}")]
    Journal {
        /// Whose.
        node: String,
        /// Its word.
        reason: String,
    },
    /// An agent is awake without end.
    #[error("{node} had {ticks} deadlines within {millis} ms and nothing else to do")]
    Spin {
        /// Whose.
        node: String,
        /// How often.
        ticks: u32,
        /// Within.
        millis: u64,
    },
    /// In a quiet cluster, store, nodes and containers do not agree.
    #[error("pool {pool}: {what}: {reason}")]
    Balance {
        /// Which pool.
        pool: String,
        /// An address, block or claim.
        what: String,
        /// What is wrong.
        reason: String,
    },
    /// In a quiet cluster, somebody writes on and on.
    #[error("in 10 s of quiet there were {writes} revisions, the last of {key}")]
    Restless {
        /// How many revisions.
        writes: u64,
        /// What was written last.
        key: String,
    },
    /// A node thinks that the store went back in time.
    #[error("{node} thinks that the store went back from {from} to {to}")]
    Rewound {
        /// Which.
        node: String,
        /// What it knew.
        from: u64,
        /// What it heard.
        to: u64,
    },
    /// An agent panicked.
    #[error("somebody panicked: {message}")]
    Panicked {
        /// With these words.
        message: String,
    },
    /// In a quiet cluster, somebody was not served.
    #[error("{holder} was not served, though pool {pool} has {free} free addresses: {reason}")]
    NotServed {
        /// Who.
        holder: String,
        /// From which pool.
        pool: String,
        /// How many are free.
        free: u64,
        /// The refusal.
        reason: String,
    },
}

impl Violation {
    /// Its kind, in kebab case.
    pub fn kind(&self) -> &'static str {
        match self {
            Violation::Duplicate { .. } => "duplicate",
            Violation::Forgotten { .. } => "forgotten",
            Violation::Cooldown { .. } => "cooldown",
            Violation::Sticky { .. } => "sticky",
            Violation::Claim { .. } => "claim",
            Violation::Block { .. } => "block",
            Violation::Stolen { .. } => "stolen",
            Violation::NoTitle { .. } => "no-title",
            Violation::Explicit { .. } => "explicit",
            Violation::Answer { .. } => "answer",
            Violation::Unanswered { .. } => "unanswered",
            Violation::Txn { .. } => "txn",
            Violation::NotCutOff { .. } => "not-cut-off",
            Violation::CutForNothing { .. } => "cut-for-nothing",
            Violation::Journal { .. } => "journal",
            Violation::Spin { .. } => "spin",
            Violation::Balance { .. } => "balance",
            Violation::Restless { .. } => "restless",
            Violation::Rewound { .. } => "rewound",
            Violation::Panicked { .. } => "panicked",
            Violation::NotServed { .. } => "not-served",
        }
    }

    /// What to look for in a trace: addresses, attachments, blocks, claims.
    pub fn about(&self) -> Vec<String> {
        let text = self.to_string();
        let separators =
            |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '[' | ']');
        let words = text
            .split(separators)
            .map(|word| word.trim_end_matches([':', '.']));
        let telling = |word: &&str| word.contains('/') || word.parse::<IpAddr>().is_ok();
        let mut words: Vec<_> = words.filter(telling).map(str::to_owned).collect();
        words.sort_unstable();
        words.dedup();
        words
    }
}

/// A run that went wrong.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What was seen.
    pub violation: Violation,
    /// The step at which it was.
    pub step: u64,
    /// Virtual milliseconds since the start.
    pub at: u64,
    /// Runs the same again.
    pub command: String,
    /// The last events that have to do with it.
    pub trace: Vec<String>,
}

impl std::error::Error for Failure {}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "  {line}")?;
        }
        writeln!(
            f,
            "step {}, {} ms: {}: {}",
            self.step,
            self.at,
            self.violation.kind(),
            self.violation
        )?;
        write!(f, "again: {}", self.command)
    }
}
