//! Undoing in reverse.
//!
//! An ADD that fails half-way must leave nothing behind. Each change that it makes pushes the step that
//! undoes it; where the body fails, the steps run newest first, all of them, and what could not be
//! undone is told in the error's details. What the body used before it was final is waited for last, and
//! undone like the rest where it does not come true. A process that is killed runs none: there DEL cleans up.

use crate::{Confirmation, Failure};

type Undo<'a, C> = Box<dyn FnOnce(&mut C) -> Result<(), Failure> + 'a>;

/// The steps that undo what was done so far, and what must still come true.
pub struct Steps<'a, C> {
    undo: Vec<(&'static str, Undo<'a, C>)>,
    confirmations: Vec<Confirmation>,
}

impl<'a, C> Steps<'a, C> {
    /// Runs `body`, then waits for what is to be confirmed; where either fails, all that was pushed is
    /// undone, newest first.
    pub fn run<T>(
        context: &mut C,
        body: impl FnOnce(&mut C, &mut Steps<'a, C>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut steps = Steps {
            undo: Vec::new(),
            confirmations: Vec::new(),
        };
        body(context, &mut steps)
            .and_then(|value| steps.confirmed().map(|()| value))
            .map_err(|failure| steps.unwind(context, failure))
    }

    /// Remembers how to undo what has just been done (or is about to be: undoing must be idempotent).
    pub fn push(
        &mut self,
        what: &'static str,
        undo: impl FnOnce(&mut C) -> Result<(), Failure> + 'a,
    ) {
        self.undo.push((what, Box::new(undo)));
    }

    /// Something that the body used already must come true, or all is undone. Where the body fails, it is
    /// dropped before that.
    pub fn confirm_last(&mut self, confirmation: Confirmation) {
        self.confirmations.push(confirmation);
    }

    fn confirmed(&mut self) -> Result<(), Failure> {
        let mut confirmations = self.confirmations.drain(..);
        confirmations.try_for_each(Confirmation::wait)
    }

    fn unwind(self, context: &mut C, failure: Failure) -> Failure {
        drop(self.confirmations);
        self.undo
            .into_iter()
            .rev()
            .fold(failure, |failure, (what, undo)| match undo(context) {
                Ok(()) => failure,
                Err(error) => failure.with_detail(format!("left behind: {what}: {error}")),
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    fn failing() -> Failure {
        Failure::new(Code::INTERNAL, "no")
    }

    #[test]
    fn undoes_in_reverse_and_tells_what_stays() {
        let mut log = Vec::new();
        let error = Steps::run(&mut log, |_, steps| {
            steps.push("a", |log: &mut Vec<_>| {
                log.push("a");
                Ok(())
            });
            steps.push("b", |_| Err(failing()));
            steps.push("c", |log| {
                log.push("c");
                Ok(())
            });
            Err::<(), _>(failing())
        })
        .unwrap_err();
        assert_eq!(log, ["c", "a"]);
        assert_eq!(error.details, "left behind: b: no (code 999)");
    }

    #[test]
    fn what_is_not_confirmed_is_undone() {
        let ran = |confirmed: bool| {
            let mut log = Vec::new();
            let value = Steps::run(&mut log, |log, steps| {
                log.push("done");
                steps.push("a", |log: &mut Vec<_>| {
                    log.push("undone");
                    Ok(())
                });
                steps.confirm_last(Confirmation::none());
                steps.confirm_last(Confirmation::after(move || match confirmed {
                    true => Ok(()),
                    false => Err(failing()),
                }));
                Ok(7)
            });
            (value, log)
        };
        assert_eq!(ran(true), (Ok(7), vec!["done"]));
        assert_eq!(ran(false), (Err(failing()), vec!["done", "undone"]));
    }

    #[test]
    fn a_body_that_fails_waits_for_nothing() {
        let error = Steps::run(&mut (), |(), steps| {
            steps.confirm_last(Confirmation::after(|| panic!("waited for")));
            Err::<(), _>(failing())
        });
        assert_eq!(error, Err(failing()));
    }

    #[test]
    fn success_undoes_nothing() {
        let mut log = Vec::new();
        let value = Steps::run(&mut log, |_, steps| {
            steps.push("a", |log: &mut Vec<_>| {
                log.push("a");
                Ok(())
            });
            Ok(7)
        });
        assert_eq!(value, Ok(7));
        assert!(log.is_empty());
    }
}
