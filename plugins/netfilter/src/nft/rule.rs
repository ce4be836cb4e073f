//! Rules: what we want in a chain, and what the kernel lists.
//!
//! Beside the expressions a rule carries user data that the kernel only keeps.
//! `nft` shows the comment in it; we add a tag of our own, which `nft` and
//! iptables pass over, because the names that the reference plugins chose do
//! not say everything that cleaning up must know: its iptables rules do not
//! name the interface, its MAC checks do not name the network. The tag is the
//! instance hash that the reference itself puts into its nftables comments.

use fairway_netlink::raw::attr::{Attrs, Writer};

use super::address::canonical;
use super::expr::{self, Expr, Verdict};

const TABLE: u16 = 1;
const CHAIN: u16 = 2;
const HANDLE: u16 = 3;
const EXPRESSIONS: u16 = 4;
const COMPAT: u16 = 5;
const USERDATA: u16 = 7;

/// Type of a comment among the user data of rules, chains and tables.
const UDATA_COMMENT: u8 = 0;
/// Type of our tag among the user data of a rule; high, to stay clear of what
/// `nft` may come to use.
const UDATA_TAG: u8 = 0xfa;

/// A rule as it ought to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) exprs: Vec<Expr>,
    /// For `nft`; iptables' comments are expressions.
    pub(crate) comment: Option<String>,
    /// Which attachment it belongs to.
    pub(crate) tag: Option<String>,
    /// Of rules in iptables' way (with matches and targets): the protocol that they are
    /// for, 0 for any. Some matches and targets are only to be had for one.
    pub(crate) compat: Option<u8>,
}

impl Rule {
    /// Writes the attributes of a request for a new rule.
    pub(crate) fn write(&self, table: &str, chain: &str, attrs: &mut Writer) {
        attrs.put_str(TABLE, table);
        attrs.put_str(CHAIN, chain);
        attrs.nest(EXPRESSIONS, |list| {
            for expr in &self.exprs {
                expr.write(list);
            }
        });
        if let Some(protocol) = self.compat {
            attrs.nest(COMPAT, |compat| {
                compat.put_u32_be(1, protocol.into());
                compat.put_u32_be(2, 0); // no flags
            });
        }
        let mut userdata = Vec::new();
        for (kind, text) in [(UDATA_COMMENT, &self.comment), (UDATA_TAG, &self.tag)] {
            if let Some(text) = text {
                push_text(&mut userdata, kind, text);
            }
        }
        if !userdata.is_empty() {
            attrs.put(USERDATA, &userdata);
        }
    }
}

/// A comment as user data of a table or a chain.
pub(crate) fn comment_userdata(comment: &str) -> Vec<u8> {
    let mut userdata = Vec::new();
    push_text(&mut userdata, UDATA_COMMENT, comment);
    userdata
}

fn push_text(userdata: &mut Vec<u8>, kind: u8, text: &str) {
    // Comments are at most 128 bytes and tags 33; longer ones would be cut.
    let text = &text.as_bytes()[..text.len().min(254)];
    userdata.push(kind);
    userdata.push(u8::try_from(text.len() + 1).unwrap_or(u8::MAX));
    userdata.extend_from_slice(text);
    userdata.push(0);
}

fn texts(mut userdata: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let (&[kind, len], rest) = userdata.split_first_chunk()?;
        let (text, rest) = rest.split_at_checked(usize::from(len))?;
        userdata = rest;
        Some((kind, text.strip_suffix(&[0]).unwrap_or(text)))
    })
}

/// A rule as the kernel lists it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ListedRule {
    pub(crate) chain: String,
    pub(crate) handle: u64,
    pub(crate) exprs: Vec<Expr>,
    /// By `nft`'s means or by iptables' match.
    pub(crate) comment: Option<String>,
    pub(crate) tag: Option<String>,
}

/// A listed rule not taken apart yet: on a node with many containers most are
/// somebody else's, and a glance tells.
#[derive(Debug, Clone)]
pub(crate) struct Glance<'a>(Attrs<'a>);

impl<'a> Glance<'a> {
    /// At the attributes of a listed rule.
    pub(crate) const fn new(attrs: Attrs<'a>) -> Self {
        Self(attrs)
    }

    /// Whether `nft` would show a comment that begins so.
    pub(crate) fn comment_begins(&self, start: &str) -> bool {
        let userdata = self.0.clone().find_kind(USERDATA);
        userdata.is_some_and(|attr| {
            texts(attr.value)
                .any(|(kind, text)| kind == UDATA_COMMENT && text.starts_with(start.as_bytes()))
        })
    }

    /// Whether it jumps or goes to the chain.
    pub(crate) fn leads_to(&self, chain: &str) -> bool {
        let exprs = self.0.clone().find_kind(EXPRESSIONS);
        exprs.is_some_and(|list| {
            list.nested()
                .any(|element| expr::target_of(&element) == Some(chain.as_bytes()))
        })
    }

    /// Takes it apart.
    pub(crate) fn read(self) -> ListedRule {
        ListedRule::read(self.0)
    }
}

impl ListedRule {
    /// Reads the attributes of a listed rule.
    fn read(attrs: Attrs<'_>) -> Self {
        let mut rule = Self::default();
        for attr in attrs {
            match attr.kind {
                CHAIN => rule.chain = attr.text(),
                HANDLE => rule.handle = attr.u64_be().unwrap_or_default(),
                EXPRESSIONS => {
                    rule.exprs = attr.nested().map(|element| Expr::read(&element)).collect();
                }
                USERDATA => {
                    for (kind, text) in texts(attr.value) {
                        let text = String::from_utf8_lossy(text).into_owned();
                        match kind {
                            UDATA_COMMENT => rule.comment = Some(text),
                            UDATA_TAG => rule.tag = Some(text),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if let Some(text) = rule.exprs.iter().find_map(|expr| match expr {
            Expr::XtComment(text) => Some(text.clone()),
            _ => None,
        }) {
            rule.comment = Some(text);
        }
        rule
    }

    /// The chain that it jumps or goes to.
    pub(crate) fn target(&self) -> Option<&str> {
        self.exprs.iter().find_map(|expr| match expr {
            Expr::Verdict(Verdict::Jump(chain) | Verdict::Goto(chain)) => Some(chain.as_str()),
            _ => None,
        })
    }

    /// Whether it does what `rule` does, in whatever words.
    pub(crate) fn does(&self, rule: &Rule) -> bool {
        canonical(&self.exprs) == canonical(&rule.exprs)
    }

    /// Whether it does what `rule` does, and says so in the same words.
    pub(crate) fn is(&self, rule: &Rule) -> bool {
        let xt_comment = rule.exprs.iter().find_map(|expr| match expr {
            Expr::XtComment(text) => Some(text),
            _ => None,
        });
        self.comment.as_ref() == xt_comment.or(rule.comment.as_ref()) && self.does(rule)
    }
}

/// Whether a chain's rules do what these do, in the same order and words.
pub(crate) fn same(listed: &[ListedRule], wanted: &[Rule]) -> bool {
    listed.len() == wanted.len() && listed.iter().zip(wanted).all(|(l, w)| l.is(w))
}
