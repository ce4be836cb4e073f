//! Undoing in reverse.
//!
//! An ADD that fails half-way must leave nothing behind. Each change that it makes pushes the step that
//! undoes it; where the body fails, the steps run newest first, all of them, and what could not be
//! undone is told in the error's details. A process that is killed runs none: there DEL cleans up.

use crate::Failure;

type Undo<'a, C> = Box<dyn FnOnce(&mut C) -> Result<(), Failure> + 'a>;

/// The steps that undo what was done so far.
pub struct Steps<'a, C> {
    undo: Vec<(&'static str, Undo<'a, C>)>,
}

impl<'a, C> Steps<'a, C> {
    /// Runs `body`; where it fails, all that it pushed is undone, newest first.
    pub fn run<T>(
        context: &mut C,
        body: impl FnOnce(&mut C, &mut Steps<'a, C>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut steps = Steps { undo: Vec::new() };
        body(context, &mut steps).map_err(|failure| steps.unwind(context, failure))
    }

    /// Remembers how to undo what has just been done (or is about to be: undoing must be idempotent).
    pub fn push(
        &mut self,
        what: &'static str,
        undo: impl FnOnce(&mut C) -> Result<(), Failure> + 'a,
    ) {
        self.undo.push((what, Box::new(undo)));
    }

    fn unwind(self, context: &mut C, failure: Failure) -> Failure {
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
