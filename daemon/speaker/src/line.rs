//! One TCP connection: bytes in, bytes out.
//!
//! What comes in waits with whoever sent it until it is taken: nothing is read before what was read last was taken up, so
//! that who sends without end has its turn and no more, and holds up nobody. What goes out waits here, and the speaker, which sees how much that is, makes no more of it than that.

use crate::core::Bytes;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

/// Read at once: some hundred short messages. What is read waits to be taken, each neighbour's and what is in the channel.
const CHUNK: usize = 32 * 1024;
/// With less than that waiting, there is room for more. The kernel has room of its own besides.
pub(crate) const ROOM: usize = 64 * 1024;
/// What was not taken for so long is not being taken.
const STUCK: Duration = Duration::from_secs(1);
/// For what is to be said at the end, and for the other side to take it.
const LINGER: Duration = Duration::from_secs(2);

/// Of what was read: there is one at a time.
pub(crate) type Turn = OwnedSemaphorePermit;

/// What became of it.
#[derive(Debug)]
pub(crate) enum Said {
    /// Something came. More is read once its turn is dropped.
    Bytes(Vec<u8>, Turn),
    /// It ended, and not by [`Line::close`].
    Ended(String),
    /// Less than [`ROOM`] waits again.
    Room,
    /// What waits is not taken.
    Stuck,
    /// It is taken again.
    Flowing,
}

/// A connection. What is told of it bears its name.
#[derive(Debug)]
pub(crate) struct Line {
    out: mpsc::UnboundedSender<Bytes>,
    waiting: Arc<AtomicUsize>,
    task: AbortHandle,
}

impl Line {
    /// Has the connection read and written from now on. What becomes of it is told under its name.
    pub(crate) fn start<N, T>(
        stream: TcpStream,
        name: N,
        to: mpsc::Sender<T>,
        note: fn(N, Said) -> T,
    ) -> Line
    where
        N: Copy + Send + Sync + 'static,
        T: Send + 'static,
    {
        let (out, queue) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let ends = Ends {
            name,
            to,
            note,
            waiting: Arc::clone(&waiting),
        };
        let task = tokio::spawn(ends.run(stream, queue)).abort_handle();
        Line { out, waiting, task }
    }

    /// To be sent, after what waits.
    pub(crate) fn send(&self, bytes: Bytes) {
        self.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
        // Where the connection has ended, that is being told.
        let _ = self.out.send(bytes);
    }

    /// Whether there is room for more than what has to be said.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) < ROOM
    }

    /// Ends it once all is sent, or after a moment; or when that is aborted.
    pub(crate) fn close(self) -> AbortHandle {
        let Line { out, task, .. } = self;
        let over = task.clone();
        // Nothing more can be sent, so the task sends what waits, and ends.
        drop(out);
        tokio::spawn(async move {
            sleep(LINGER).await;
            task.abort();
        });
        over
    }
}

struct Ends<N, T> {
    name: N,
    to: mpsc::Sender<T>,
    note: fn(N, Said) -> T,
    waiting: Arc<AtomicUsize>,
}

impl<N: Copy, T> Ends<N, T> {
    async fn run(self, mut stream: TcpStream, mut queue: mpsc::UnboundedReceiver<Bytes>) {
        let (mut from, mut to) = stream.split();
        let ended = tokio::select! {
            ended = self.read(&mut from) => Err(ended),
            written = self.write(&mut to, &mut queue) => written,
        };
        match ended {
            Ok(()) => drop(goodbye(&mut from, &mut to).await),
            Err(error) => self.tell(Said::Ended(error.to_string())).await,
        }
    }

    /// Until it ends.
    async fn read(&self, from: &mut ReadHalf<'_>) -> io::Error {
        let turns = Arc::new(Semaphore::new(1));
        loop {
            let Ok(turn) = Arc::clone(&turns).acquire_owned().await else {
                return io::Error::other("nobody listens any more");
            };
            // Whoever says nothing has no room kept for it.
            if let Err(error) = from.readable().await {
                return error;
            }
            let mut chunk = Vec::with_capacity(CHUNK);
            match from.try_read_buf(&mut chunk) {
                Ok(0) => return io::Error::other("the neighbour closed the connection"),
                Ok(_) => {
                    chunk.shrink_to_fit();
                    self.tell(Said::Bytes(chunk, turn)).await;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return error,
            }
        }
    }

    /// Until nothing more can come, and all is written.
    async fn write(
        &self,
        to: &mut WriteHalf<'_>,
        queue: &mut mpsc::UnboundedReceiver<Bytes>,
    ) -> io::Result<()> {
        while let Some(bytes) = queue.recv().await {
            let mut writing = std::pin::pin!(to.write_all(&bytes));
            match timeout(STUCK, writing.as_mut()).await {
                Ok(written) => written?,
                Err(_) => {
                    self.tell(Said::Stuck).await;
                    writing.await?;
                    self.tell(Said::Flowing).await;
                }
            }
            let before = self.waiting.fetch_sub(bytes.len(), Ordering::Relaxed);
            if before >= ROOM && before - bytes.len() < ROOM {
                self.tell(Said::Room).await;
            }
        }
        Ok(())
    }

    async fn tell(&self, said: Said) {
        // Where nobody listens any more, there is nobody to be told.
        let _ = self.to.send((self.note)(self.name, said)).await;
    }
}

/// With bytes unread the kernel would end the connection at once, and the other side might never read the last that was
/// said.
async fn goodbye(from: &mut ReadHalf<'_>, to: &mut WriteHalf<'_>) -> io::Result<()> {
    to.shutdown().await?;
    let mut rest = [0; 4096];
    while from.read(&mut rest).await? > 0 {}
    Ok(())
}
