//! Routes are told, and told once more (RFC 2918, 7313).

use super::{Agreed, Event, Output, RefreshAbility, Session};
use crate::message::{Message, Refresh, RefreshKind, Update};
use crate::{Family, Time};

/// What the table is doing about a family for the neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Telling {
    what: What,
    /// The neighbour asked meanwhile.
    again: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum What {
    /// Only what changes.
    #[default]
    Changes,
    /// All, since the session is new.
    All,
    /// All once more.
    Again,
}

/// What the neighbour is doing about a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Heard {
    /// It told all.
    pub(super) all: bool,
    /// It is telling it once more; what it has not told by then is gone.
    pub(super) again_until: Option<Time>,
}

impl Session {
    pub(super) fn telling_begins(&mut self, agreed: &Agreed) {
        for family in agreed.families().iter() {
            self.telling[family] = Telling {
                what: What::All,
                again: false,
            };
        }
    }

    /// The session is down.
    pub(super) fn forget(&mut self) {
        for family in Family::ALL {
            self.telling[family] = Telling::default();
            self.heard[family] = Heard::default();
            self.prefixes[family] = 0;
            self.near.remove(family);
        }
    }

    fn ability(&self, family: Family) -> RefreshAbility {
        match self.established() {
            Some((_, agreed)) if agreed.families().contains(family) => agreed.refresh,
            _ => RefreshAbility::None,
        }
    }

    fn say(&mut self, now: Time, family: Family, kind: RefreshKind, out: &mut Vec<Output>) {
        self.tell(now, Message::Refresh(Refresh { family, kind }), out);
    }

    /// The table has told all.
    pub(super) fn told(&mut self, now: Time, family: Family, out: &mut Vec<Output>) {
        if self.established().is_none() {
            return;
        }
        let telling = std::mem::take(&mut self.telling[family]);
        match telling.what {
            What::Changes => return,
            What::All => {
                if self.says_end_of_rib() {
                    let end = Update {
                        end_of_rib: Some(family),
                        ..Update::default()
                    };
                    self.tell(now, Message::Update(end), out);
                }
                self.restart_told(family);
            }
            What::Again if self.ability(family) == RefreshAbility::Enhanced => {
                self.say(now, family, RefreshKind::End, out);
            }
            What::Again => {}
        }
        if telling.again {
            self.refresh_wanted(now, family, out);
        }
    }

    /// The neighbour wants all routes. Not before it has been told all for the first time (RFC 7313, 4), and not
    /// while it is being told them once more: that comes after.
    pub(super) fn refresh_wanted(&mut self, now: Time, family: Family, out: &mut Vec<Output>) {
        let ability = self.ability(family);
        if ability == RefreshAbility::None {
            return;
        }
        if self.telling[family].what != What::Changes {
            self.telling[family].again = true;
            return;
        }
        self.telling[family].what = What::Again;
        if ability == RefreshAbility::Enhanced {
            self.say(now, family, RefreshKind::Begin, out);
        }
        out.push(Output::RefreshWanted(family));
    }

    /// The neighbour begins to tell all. One that says when it has told all for the first time has to do so before
    /// (RFC 7313, 4).
    pub(super) fn refresh_begins(&mut self, now: Time, family: Family, out: &mut Vec<Output>) {
        let graceful = self.says_end_of_rib();
        if self.ability(family) != RefreshAbility::Enhanced || graceful && !self.heard[family].all {
            return;
        }
        let stale_time = self.neighbour.settings().graceful.stale_time;
        self.heard[family].again_until = Some(now + stale_time);
        out.push(Output::MarkStale(family));
    }

    /// It has told all. An end without a beginning is none.
    pub(super) fn refresh_ends(&mut self, family: Family, out: &mut Vec<Output>) {
        if self.heard[family].again_until.take().is_some() {
            out.push(Output::DropStale(family));
        }
    }

    /// The neighbour is asked.
    pub(super) fn refresh(&mut self, now: Time, family: Family, out: &mut Vec<Output>) {
        match self.ability(family) {
            RefreshAbility::None => out.push(Output::Event(Event::NoRefresh(family))),
            _ => self.say(now, family, RefreshKind::Wanted, out),
        }
    }
}
