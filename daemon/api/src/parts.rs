//! Answers of any length: how they are taken apart, and put together.
//!
//! A part is of the same form as the whole, so that who gets the whole as one, since it is older than parts or the daemon
//! is, reads the same.

use std::vec::IntoIter;

/// An answer that is a list, or made of lists.
pub trait Parts: Default {
    /// What no part ends within.
    type Row;
    /// All rows, in order.
    type Rows: Iterator<Item = Self::Row>;

    /// Takes it apart.
    fn rows(self) -> Self::Rows;

    /// Puts one behind those that are there.
    fn push(&mut self, row: Self::Row);
}

impl<T> Parts for Vec<T> {
    type Row = T;
    type Rows = IntoIter<T>;

    fn rows(self) -> IntoIter<T> {
        self.into_iter()
    }

    fn push(&mut self, row: T) {
        Vec::push(self, row);
    }
}
