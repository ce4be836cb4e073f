//! Which rule comes first, as numbers with gaps: a rule that comes between two others takes a number between
//! theirs, and the tables of all others stay as they are.
//!
//! A priority has 2^22 numbers of its own. Where a gap is used up, all rules of that priority are spread
//! anew.

/// Bits of the numbers of one priority.
const BITS: u32 = 22;

/// Less than any number of a priority, and more than any.
pub(crate) fn bounds(priority: u16) -> (u32, u32) {
    let low = u32::from(priority) << BITS;
    (low, low + (1 << BITS))
}

/// `count` numbers between two, evenly; `None`: there is no room.
pub(crate) fn spread(low: u32, high: u32, count: usize) -> Option<Vec<u32>> {
    let count = u32::try_from(count).ok()?;
    let step = high.checked_sub(low)? / count.checked_add(1)?;
    (step > 0).then(|| (1..=count).map(|nth| low + step * nth).collect())
}

/// Rules of an old list that go on in a new one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// So many at the beginning are the same.
    pub(crate) head: usize,
    /// So many at the end are.
    pub(crate) tail: usize,
    /// Of those of the new list that are left between: which old one is it?
    pub(crate) middle: Vec<Option<usize>>,
}

/// Which rule is which after an edit. What stands where something else stood before is that, changed.
pub(crate) fn carry<T: PartialEq>(old: &[T], new: &[T]) -> Carried {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[head..], &new[head..]);
    let tail = old_rest
        .iter()
        .rev()
        .zip(new_rest.iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (old_middle, new_middle) = (
        &old_rest[..old_rest.len() - tail],
        &new_rest[..new_rest.len() - tail],
    );
    let mut taken = vec![false; old_middle.len()];
    let mut middle: Vec<Option<usize>> = vec![None; new_middle.len()];
    if old_middle.len() != new_middle.len() {
        // Both ends differ, so this is a rearrangement; where a rule looks first is where the last was found.
        let mut from = 0;
        for (rule, carried) in new_middle.iter().zip(&mut middle) {
            let at = (from..old_middle.len().min(from + 64))
                .find(|at| !taken[*at] && old_middle[*at] == *rule);
            if let Some(at) = at {
                taken[at] = true;
                *carried = Some(head + at);
                from = at + 1;
            }
        }
    } else {
        for (at, carried) in middle.iter_mut().enumerate() {
            *carried = Some(head + at);
        }
    }
    Carried { head, tail, middle }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits() {
        let of = |old: &str, new: &str| carry(old.as_bytes(), new.as_bytes());
        let is = |head, tail, middle: &[Option<usize>]| Carried {
            head,
            tail,
            middle: middle.to_vec(),
        };
        assert_eq!(of("abc", "abc"), is(3, 0, &[]));
        assert_eq!(of("abc", "axc"), is(1, 1, &[Some(1)]));
        assert_eq!(of("abc", "abxc"), is(2, 1, &[None]));
        assert_eq!(of("abcd", "abd"), is(2, 1, &[]));
        assert_eq!(of("abc", "xbya"), is(0, 0, &[None, Some(1), None, None]));
    }

    #[test]
    fn numbers_between() {
        assert_eq!(spread(0, 4, 3), Some(vec![1, 2, 3]));
        assert_eq!(spread(0, 3, 3), None);
        assert_eq!(spread(5, 5, 0), None);
        assert!(bounds(1000).1 < u32::MAX);
    }
}
