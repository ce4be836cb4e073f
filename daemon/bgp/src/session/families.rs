//! Sets of families.

use crate::Family;
use std::fmt;

/// Some of the families, each once.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Families(u8);

impl Families {
    /// None of them.
    pub const NONE: Families = Families(0);

    fn bit(family: Family) -> u8 {
        1 << index(family)
    }

    /// Whether the family is one of them.
    pub fn contains(self, family: Family) -> bool {
        self.0 & Families::bit(family) != 0
    }

    /// Whether there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Families) -> Families {
        Families(self.0 & other.0)
    }

    /// Those that the other has not.
    #[must_use]
    pub fn except(self, other: Families) -> Families {
        Families(self.0 & !other.0)
    }

    /// One more of them.
    pub fn insert(&mut self, family: Family) {
        self.0 |= Families::bit(family);
    }

    /// One less of them; whether it was one.
    pub fn remove(&mut self, family: Family) -> bool {
        let had = self.contains(family);
        self.0 &= !Families::bit(family);
        had
    }

    /// Each of them, IPv4 first.
    pub fn iter(self) -> impl Iterator<Item = Family> {
        let all = Family::ALL.into_iter();
        all.filter(move |family| self.contains(*family))
    }
}

impl FromIterator<Family> for Families {
    fn from_iter<I: IntoIterator<Item = Family>>(families: I) -> Families {
        let mut all = Families::NONE;
        families.into_iter().for_each(|family| all.insert(family));
        all
    }
}

impl fmt::Display for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, family) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{family}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Families {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Something for each family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct PerFamily<T>([T; Family::ALL.len()]);

const fn index(family: Family) -> usize {
    match family {
        Family::Ipv4 => 0,
        Family::Ipv6 => 1,
    }
}

impl<T> std::ops::Index<Family> for PerFamily<T> {
    type Output = T;

    fn index(&self, family: Family) -> &T {
        &self.0[index(family)]
    }
}

impl<T> std::ops::IndexMut<Family> for PerFamily<T> {
    fn index_mut(&mut self, family: Family) -> &mut T {
        &mut self.0[index(family)]
    }
}
