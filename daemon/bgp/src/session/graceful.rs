//! Restarts of either side (RFC 4724, 8538).

use super::config::GracefulMode;
use super::{Agreed, Complete, Families, Output, Session};
use crate::{Family, Time};
use std::time::Duration;

/// The neighbour's routes of before.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Stale {
    families: Families,
    /// When they go.
    until: Option<Time>,
}

impl Stale {
    pub(super) fn families(&self) -> Families {
        self.families
    }

    pub(super) fn until(&self) -> Option<Time> {
        self.until
    }
}

/// This speaker comes back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Restarting {
    /// It went on forwarding packets of these.
    kept: Families,
    /// The neighbour's routes of these are waited for.
    waits: Families,
    /// The neighbour has to be told these.
    untold: Families,
    /// It does not wait longer (Selection_Deferral_Timer).
    pub(super) until: Time,
}

impl Session {
    /// This speaker has just restarted.
    pub(super) fn restarted(&mut self, now: Time, kept: Families) {
        let graceful = self.neighbour.settings().graceful;
        let all = self.neighbour.families();
        self.restarting = Some(Restarting {
            kept,
            waits: all,
            untold: all,
            until: now + graceful.deferral,
        });
    }

    /// What the neighbour is told of a restart: it is over once it was told all.
    pub(super) fn restarting_for(&self) -> Option<Families> {
        self.restarting.map(|restarting| restarting.kept)
    }

    /// Of a family nothing is waited for any longer.
    fn complete(&mut self, family: Family, why: Complete, out: &mut Vec<Output>) {
        let waited = self
            .restarting
            .as_mut()
            .is_some_and(|restarting| restarting.waits.remove(family));
        if waited || why == Complete::EndOfRib {
            out.push(Output::Complete(family, why));
        }
        self.restart_ends();
    }

    fn restart_ends(&mut self) {
        let ends =
            |restarting: Restarting| restarting.waits.is_empty() && restarting.untold.is_empty();
        if self.restarting.is_some_and(ends) {
            self.restarting = None;
        }
    }

    /// The neighbour was told all of a family.
    pub(super) fn restart_told(&mut self, family: Family) {
        if let Some(restarting) = &mut self.restarting {
            restarting.untold.remove(family);
        }
        self.restart_ends();
    }

    /// However far it is.
    pub(super) fn restart_over(&mut self, why: Complete, out: &mut Vec<Output>) {
        if let Some(restarting) = self.restarting.take() {
            let waits = restarting.waits.iter();
            out.extend(waits.map(|family| Output::Complete(family, why)));
        }
    }

    /// The session is down; routes of these are kept while the neighbour may be restarting.
    pub(super) fn keep(&mut self, now: Time, agreed: &Agreed, kept: Families) {
        let theirs = agreed
            .graceful
            .as_ref()
            .map_or(0, |both| both.theirs.seconds);
        let restart = Duration::from_secs(u64::from(theirs));
        self.stale = Stale {
            families: kept,
            until: (!kept.is_empty()).then(|| now + restart),
        };
    }

    /// Routes of before go.
    pub(super) fn drop_stale(&mut self, out: &mut Vec<Output>) {
        let stale = std::mem::take(&mut self.stale);
        out.extend(stale.families.iter().map(Output::DropStale));
    }

    /// The session is up: what was kept stays where the neighbour says that packets went on being forwarded.
    pub(super) fn back(&mut self, now: Time, agreed: &Agreed, out: &mut Vec<Output>) {
        let stays = self.stale.families.and(agreed.forwarding());
        let goes = self.stale.families.except(stays);
        out.extend(goes.iter().map(Output::DropStale));
        let graceful = self.neighbour.settings().graceful;
        self.stale = Stale {
            families: stays,
            until: (!stays.is_empty()).then(|| now + graceful.stale_time),
        };
        let theirs = agreed.graceful.as_ref().map(|both| &both.theirs);
        for family in self.neighbour.families().iter() {
            let spoken = agreed.families().contains(family);
            match theirs {
                Some(theirs) if spoken && !theirs.restarting => {}
                Some(_) if spoken => self.complete(family, Complete::AlsoRestarting, out),
                _ => self.complete(family, Complete::NotTold, out),
            }
            if !spoken {
                self.restart_told(family);
            }
        }
    }

    /// The neighbour has told all of a family.
    pub(super) fn end_of_rib(&mut self, family: Family, out: &mut Vec<Output>) {
        let spoken = self
            .established()
            .is_some_and(|(_, agreed)| agreed.families().contains(family));
        if !spoken {
            return;
        }
        self.heard[family].all = true;
        if self.stale.families.remove(family) {
            out.push(Output::DropStale(family));
        }
        if self.stale.families.is_empty() {
            self.stale.until = None;
        }
        self.complete(family, Complete::EndOfRib, out);
    }

    /// Whether the neighbour is told when all was told.
    pub(super) fn says_end_of_rib(&self) -> bool {
        let mode = self.neighbour.settings().graceful.mode;
        let agreed = self.established().map(|(_, agreed)| agreed);
        mode != GracefulMode::Off && agreed.is_some_and(|agreed| agreed.graceful.is_some())
    }
}
