//! What is put to a thread that waits for the kernel as well: a queue, and a bell that `poll` hears.

use crate::convert::body;
use fairway_api::ErrorBody;
use fairway_cni::Code;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::{
    io::{self, Read as _, Write as _},
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::net::UnixStream,
    },
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender, error::TryRecvError, unbounded_channel},
    oneshot,
};

/// So many messages are taken at once.
pub(crate) const BATCH: usize = 4096;

enum Letter<M> {
    Message(M),
    End(oneshot::Sender<()>),
}

/// For those who have something to say; clones share it.
pub(crate) struct Outbox<M> {
    letters: UnboundedSender<Letter<M>>,
    bell: Arc<UnixStream>,
}

/// The thread's.
pub(crate) struct Inbox<M> {
    letters: UnboundedReceiver<Letter<M>>,
    /// Readable when there may be a message.
    bell: UnixStream,
}

/// What waited.
pub(crate) struct Taken<M> {
    pub(crate) messages: Vec<M>,
    /// `Some`: it ends, and whom to tell; nobody where nobody is there any more.
    pub(crate) end: Option<Option<oneshot::Sender<()>>>,
}

/// Both ends.
pub(crate) fn pair<M>() -> io::Result<(Outbox<M>, Inbox<M>)> {
    let (to, letters) = unbounded_channel();
    let (ours, bell) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    bell.set_nonblocking(true)?;
    let outbox = Outbox {
        letters: to,
        bell: Arc::new(ours),
    };
    Ok((outbox, Inbox { letters, bell }))
}

impl<M> Clone for Outbox<M> {
    fn clone(&self) -> Self {
        Outbox {
            letters: self.letters.clone(),
            bell: self.bell.clone(),
        }
    }
}

impl<M> Outbox<M> {
    pub(crate) fn tell(&self, message: M) {
        self.send(Letter::Message(message));
    }

    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// Where the thread has ended.
    pub(crate) async fn ask<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<T>) -> M,
    ) -> Result<T, ErrorBody> {
        let (to, answer) = oneshot::channel();
        self.tell(message(to));
        let gone = |_| body(Code::TRY_AGAIN, "the daemon ends");
        answer.await.map_err(gone)
    }

    /// Comes back when the thread has ended, by itself or because it was told to.
    pub(crate) async fn ended(&self) {
        self.letters.closed().await;
    }

    /// Ends the thread.
    pub(crate) async fn end(&self) {
        let (to, done) = oneshot::channel();
        self.send(Letter::End(to));
        let _gone = done.await;
    }

    fn send(&self, letter: Letter<M>) {
        // Where the thread has ended, whoever asks hears of it. A bell that is full has been rung.
        drop(self.letters.send(letter));
        drop((&*self.bell).write(&[0]));
    }
}

impl<M> Inbox<M> {
    /// Until there is a message, or one of these is readable, or it is that late.
    pub(crate) fn wait(&self, until: Instant, others: [Option<BorrowedFd<'_>>; 2]) {
        // More than one batch: the bell that rang for the rest is heard already.
        if !self.letters.is_empty() {
            return;
        }
        // Rounded up: a moment too early would be a turn for nothing.
        let left = until.saturating_duration_since(Instant::now()) + Duration::from_micros(999);
        let timeout = PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX);
        let fds = others.into_iter().flatten().chain([self.bell.as_fd()]);
        let mut fds: Vec<PollFd<'_>> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        // A signal is as good a reason to look as any.
        let _ = poll(&mut fds, timeout);
    }

    /// Takes what waits.
    pub(crate) fn take(&mut self) -> Taken<M> {
        // First the bell, or a message that comes now would have rung for nothing.
        let mut rings = [0; 256];
        while matches!(self.bell.read(&mut rings), Ok(256)) {}
        let mut messages = Vec::new();
        let end = loop {
            if messages.len() == BATCH {
                break None;
            }
            match self.letters.try_recv() {
                Ok(Letter::Message(message)) => messages.push(message),
                Ok(Letter::End(done)) => break Some(Some(done)),
                Err(TryRecvError::Empty) => break None,
                Err(TryRecvError::Disconnected) => break Some(None),
            }
        };
        Taken { messages, end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For a wait that nothing ends.
    const SHORT: Duration = Duration::from_millis(200);
    /// For one that is ended at once: how soon, on a busy machine, nobody knows.
    const LONG: Duration = Duration::from_secs(60);

    /// How long it waits where it may for so long.
    fn waits(inbox: &Inbox<u32>, at_most: Duration) -> Duration {
        let begun = Instant::now();
        inbox.wait(begun + at_most, [None, None]);
        begun.elapsed()
    }

    #[test]
    fn messages_come_in_order_and_wake() {
        let (outbox, mut inbox) = pair().unwrap();
        assert!(waits(&inbox, SHORT) >= SHORT);
        let many = u32::try_from(BATCH).unwrap() + 1;
        for number in 0..many {
            outbox.clone().tell(number);
        }
        assert!(waits(&inbox, LONG) < LONG);
        let taken = inbox.take();
        assert!(taken.messages.into_iter().eq(0..many - 1) && taken.end.is_none());
        // The bell was heard, and there is one more all the same.
        assert!(waits(&inbox, LONG) < LONG);
        assert_eq!(inbox.take().messages, [many - 1]);
        assert!(waits(&inbox, SHORT) >= SHORT);
        outbox.tell(7);
        drop(outbox);
        let taken = inbox.take();
        assert!(taken.messages == [7] && matches!(taken.end, Some(None)));
    }

    #[tokio::test]
    async fn who_asks_hears_of_the_end() {
        let (outbox, mut inbox) = pair::<oneshot::Sender<u32>>().unwrap();
        let thread = std::thread::spawn(move || {
            // The first is answered, others are not.
            let (mut answered, mut kept) = (false, Vec::new());
            loop {
                inbox.wait(Instant::now() + Duration::from_secs(10), [None, None]);
                let taken = inbox.take();
                for to in taken.messages {
                    match std::mem::replace(&mut answered, true) {
                        false => to.send(5).unwrap(),
                        true => kept.push(to),
                    }
                }
                if let Some(end) = taken.end {
                    return end.map(|done| done.send(()));
                }
            }
        });
        assert_eq!(outbox.ask(|to| to).await.unwrap(), 5);
        let second = tokio::spawn({
            let outbox = outbox.clone();
            async move { outbox.ask(|to| to).await }
        });
        outbox.end().await;
        outbox.ended().await;
        assert!(thread.join().unwrap().is_some());
        let gone = second.await.unwrap().unwrap_err();
        assert_eq!(gone.code, Code::TRY_AGAIN.number());
    }
}
