//! A request from outside the driver's thread.

use super::{Failure, Message};
use fairway_ipam::{Allocated, Answer, RequestId};
use std::sync::mpsc;
use tokio::sync::mpsc::UnboundedReceiver;

/// What is said to whoever asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// What the answer will be, if the disk takes it.
    Early(Allocated),
    /// The answer; nothing follows.
    Done(Result<Answer, Failure>),
}

/// A request that is not answered yet. Dropped before that, it is cancelled: what was or would have been
/// given is freed.
#[derive(Debug)]
#[must_use = "dropping it cancels the request"]
pub struct Pending {
    id: RequestId,
    said: UnboundedReceiver<Said>,
    inbox: mpsc::Sender<Message>,
    done: bool,
}

impl Pending {
    pub(super) fn new(
        id: RequestId,
        said: UnboundedReceiver<Said>,
        inbox: mpsc::Sender<Message>,
    ) -> Pending {
        Pending {
            id,
            said,
            inbox,
            done: false,
        }
    }

    /// What is said next. May be given up and called again.
    pub async fn next(&mut self) -> Said {
        let said = self.said.recv().await;
        let said = said.unwrap_or(Said::Done(Err(Failure::Stopping)));
        self.done |= matches!(said, Said::Done(_));
        said
    }

    /// The answer.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn answer(mut self) -> Result<Answer, Failure> {
        loop {
            if let Said::Done(answer) = self.next().await {
                return answer;
            }
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        // From here on the thread sees that nobody listens; what it said before is looked at here.
        self.said.close();
        while let Ok(said) = self.said.try_recv() {
            if let Said::Done(Ok(Answer::Allocated(given))) = said
                && !given.repeated
            {
                drop(
                    self.inbox
                        .send(Message::Unheard(given.attachment, given.seq)),
                );
            }
        }
        // An error means that the thread has ended, and with it the request.
        drop(self.inbox.send(Message::Cancel(self.id)));
    }
}
