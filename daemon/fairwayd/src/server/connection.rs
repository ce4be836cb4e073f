//! One connection: requests one after the other, and a watch on whether the caller is still there.

use super::{Asked, Limits, Service};
use fairway_api::{
    Body, ErrorBody, Parts, Progress, Reply, VERSION,
    frame::{self, FrameError, HEADER, MAX_REPLY, MAX_REQUEST, PART},
};
use serde::Serialize;
use std::{
    future::{Future, pending},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    time::timeout,
};

/// The caller is not there any more, or takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// The way back to the caller.
#[derive(Debug)]
pub struct Replies {
    writer: OwnedWriteHalf,
    patience: Duration,
    refused: Option<ErrorBody>,
    /// Whoever asks takes lists in parts.
    parts: bool,
}

impl Replies {
    /// How far it is.
    ///
    /// # Errors
    /// Where the caller is gone.
    pub async fn progress(&mut self, progress: Progress) -> Result<(), Gone> {
        self.send(Body::<()>::Progress(progress)).await
    }

    /// An answer before it is durable.
    ///
    /// # Errors
    /// Where the caller is gone.
    pub async fn early(&mut self, answer: &impl Serialize) -> Result<(), Gone> {
        match encoded(Body::Early(answer)) {
            Ok(frame) => self.write(&frame).await,
            // The real answer will say the same, as an error.
            Err(_) => Ok(()),
        }
    }

    /// The answer.
    ///
    /// # Errors
    /// Where the caller is gone.
    pub async fn answer(&mut self, answer: Result<impl Serialize, ErrorBody>) -> Result<(), Gone> {
        self.refused = answer.as_ref().err().cloned();
        self.send(match answer {
            Ok(answer) => Body::Ok(answer),
            Err(error) => Body::Error(error),
        })
        .await
    }

    /// The answer where it is a list, or made of lists: in parts, if the caller takes them. No more than one of them is there in
    /// the form in which it is sent, and its rows are gone by then.
    ///
    /// # Errors
    /// Where the caller is gone.
    pub async fn list<T>(&mut self, whole: Result<T, ErrorBody>) -> Result<(), Gone>
    where
        T: Parts<Row: Serialize> + Serialize,
    {
        let whole = match whole {
            Ok(whole) if self.parts => whole,
            whole => return self.answer(whole).await,
        };
        let (mut part, mut bytes) = (T::default(), 0);
        for row in whole.rows() {
            bytes += frame::size(&row);
            part.push(row);
            if bytes >= PART {
                self.part(std::mem::take(&mut part)).await?;
                bytes = 0;
            }
        }
        self.answer(Ok(part)).await
    }

    /// Does whoever asks take lists in parts?
    pub fn in_parts(&self) -> bool {
        self.parts
    }

    /// A part of a list that is not the last, for callers that take parts.
    ///
    /// # Errors
    /// Where the caller is gone.
    pub async fn part<T: Parts + Serialize>(&mut self, part: T) -> Result<(), Gone> {
        self.send(Body::Part(part)).await
    }

    /// The error that the last request was answered with, once.
    pub fn refused(&mut self) -> Option<ErrorBody> {
        self.refused.take()
    }

    async fn send<T: Serialize>(&mut self, body: Body<T>) -> Result<(), Gone> {
        // The body is gone before its frame is sent: a caller may take its time.
        let frame = encoded(body).or_else(|error| encoded(Body::<()>::Error(unwritable(&error))));
        match frame {
            Ok(frame) => self.write(&frame).await,
            Err(_) => Err(Gone),
        }
    }

    async fn write(&mut self, frame: &[u8]) -> Result<(), Gone> {
        match timeout(self.patience, self.writer.write_all(frame)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(Gone),
        }
    }
}

fn encoded<T: Serialize>(body: Body<T>) -> Result<Vec<u8>, FrameError> {
    frame::encode(&Reply { v: VERSION, body }, MAX_REPLY)
}

fn unwritable(error: &FrameError) -> ErrorBody {
    ErrorBody {
        code: 999,
        message: format!("the answer cannot be sent: {error}"),
        details: String::new(),
    }
}

/// What comes in.
struct Requests {
    reader: OwnedReadHalf,
    bytes: Vec<u8>,
}

impl Requests {
    /// The next request; none at the end.
    async fn next(&mut self, limits: Limits) -> Option<Asked> {
        if self.bytes.is_empty() && !timeout(limits.idle, self.more()).await.unwrap_or(false) {
            return None;
        }
        let whole = async {
            loop {
                match frame::split(&self.bytes, MAX_REQUEST) {
                    Ok(Some(body)) => {
                        let end = HEADER + body.len();
                        let asked = frame::request(body);
                        self.bytes.drain(..end);
                        return Some(asked);
                    }
                    Ok(None) => {}
                    Err(error) => return Some(Err(error)),
                }
                if !self.more().await {
                    return None;
                }
            }
        };
        timeout(limits.receive, whole).await.unwrap_or(None)
    }

    /// Reads what there is; false at the end. May be given up without loss.
    async fn more(&mut self) -> bool {
        let room = HEADER + MAX_REQUEST - self.bytes.len().min(MAX_REQUEST);
        self.bytes.reserve(room.min(4096));
        matches!(self.reader.read_buf(&mut self.bytes).await, Ok(1..))
    }

    /// Comes back when the caller has gone.
    async fn gone(&mut self) {
        while self.more().await {
            if self.bytes.len() > HEADER + MAX_REQUEST {
                // It sends without waiting for answers; that it goes is seen when one is written.
                pending::<()>().await;
            }
        }
    }
}

pub(super) async fn run<S: Service>(
    stream: UnixStream,
    service: &S,
    limits: Limits,
    mut stop: watch::Receiver<bool>,
) {
    let (reader, writer) = stream.into_split();
    let mut replies = Replies {
        writer,
        patience: limits.send,
        refused: None,
        parts: false,
    };
    let mut requests = Requests {
        reader,
        bytes: Vec::new(),
    };
    loop {
        let asked = tokio::select! {
            asked = requests.next(limits) => asked,
            _ = stop.wait_for(|stop| *stop) => return,
        };
        let answered = match asked {
            None => return,
            Some(Err(error)) => {
                // What follows may be out of step.
                let error: Result<(), _> = Err(error.to_error_body());
                let _gone = replies.answer(error).await;
                return;
            }
            Some(Ok(request)) => {
                replies.parts = request.parts;
                while_there(&mut requests, service.call(request, &mut replies)).await
            }
        };
        if answered.is_err() {
            return;
        }
    }
}

async fn while_there(
    requests: &mut Requests,
    call: impl Future<Output = Result<(), Gone>>,
) -> Result<(), Gone> {
    tokio::select! {
        // An answer that is there is written first: a caller may close as soon as it has asked.
        biased;
        answered = call => answered,
        () = requests.gone() => Err(Gone),
    }
}
