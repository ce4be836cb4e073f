//! What a history can prove against the daemons.

use fairway_api::ipam::Attachment;
use std::fmt;
use std::net::IpAddr;

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Two containers had one address at once.
    #[error("{ip} was held by {} and by {} at {at} µs", name(.a), name(.b))]
    HeldTwice {
        /// The address.
        ip: IpAddr,
        /// Who had it.
        a: Attachment,
        /// Who was given it besides.
        b: Attachment,
        /// From when on.
        at: u64,
    },
    /// A container that had addresses was given others without a DEL in between.
    #[error("{} was given addresses twice, the second time at {at} µs", name(.who))]
    GivenTwice {
        /// Who.
        who: Attachment,
        /// When.
        at: u64,
    },
    /// A freed address was given to another workload too early.
    #[error(
        "{ip} of {from} was given to {to} after {after} µs at most; it had to rest for {rest} µs"
    )]
    NotRested {
        /// The address.
        ip: IpAddr,
        /// Who had it.
        from: String,
        /// Who got it.
        to: String,
        /// The longest time that can have passed.
        after: u64,
        /// The cooldown.
        rest: u64,
    },
    /// A claim's address was given to somebody else while the claim was there.
    #[error("{ip} is claim {claim}'s and was given to {to} at {at} µs")]
    ClaimRobbed {
        /// The address.
        ip: IpAddr,
        /// Whose it is.
        claim: String,
        /// Who got it.
        to: String,
        /// When.
        at: u64,
    },
    /// A claim came back with other addresses.
    #[error("claim {claim} had {} and got {} at {at} µs", list(.had), list(.got))]
    ClaimMoved {
        /// The claim.
        claim: String,
        /// What it had.
        had: Vec<IpAddr>,
        /// What it got.
        got: Vec<IpAddr>,
        /// When.
        at: u64,
    },
    /// The answer does not hold one address of each family, or not those that were asked for.
    #[error("{} got {}, but {wanted}", name(.who), list(.got))]
    WrongAddresses {
        /// Who.
        who: Attachment,
        /// What it got.
        got: Vec<IpAddr>,
        /// What should have been.
        wanted: String,
    },
    /// A DEL freed what the container did not have.
    #[error("DEL of {} freed {} at {at} µs, which it did not have", name(.who), list(.freed))]
    FreedAnothers {
        /// Who.
        who: Attachment,
        /// What was freed besides.
        freed: Vec<IpAddr>,
        /// When.
        at: u64,
    },
    /// Numbers of givings that do not go up on a node.
    #[error("on {node}, number {later} was given after number {earlier}, at {at} µs")]
    SequenceBack {
        /// The node.
        node: String,
        /// The number that came first.
        earlier: u64,
        /// The number that came later, and is not larger.
        later: u64,
        /// When.
        at: u64,
    },
    /// An allocation that was acknowledged is gone.
    #[error("{} lost {ip}: {how}", name(.who))]
    Lost {
        /// Who.
        who: Attachment,
        /// The address.
        ip: IpAddr,
        /// How it showed.
        how: String,
    },
    /// An address is still taken by a container that went, or never was.
    #[error("{ip} is leaked: {} of it {how}", name(.who))]
    Leaked {
        /// Who is said to have it.
        who: Attachment,
        /// The address.
        ip: IpAddr,
        /// Why that cannot be.
        how: String,
    },
    /// One address stands twice in one list.
    #[error("{ip} is listed twice")]
    ListedTwice {
        /// The address.
        ip: IpAddr,
    },
}

pub(super) fn name(who: &Attachment) -> String {
    format!("{}/{}/{}", who.network, who.container, who.ifname)
}

fn list(addresses: &[IpAddr]) -> impl fmt::Display + use<> {
    let words: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
    match words.is_empty() {
        true => "nothing".to_owned(),
        false => words.join(" and "),
    }
}
