use super::*;
use tokio::io::AsyncWriteExt;

/// A connection whose other side said a last word and went, before or after we wrote.
struct Gone {
    /// So many polls pass before what was said can be read.
    late: usize,
    word: Option<rustls::Error>,
}

impl AsyncRead for Gone {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.late > 0 {
            self.late -= 1;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let word = self.word.take().map(io::Error::other);
        Poll::Ready(word.map_or(Ok(()), Err))
    }
}

impl AsyncWrite for Gone {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn written(late: usize, word: Option<rustls::Error>, flush: bool) -> (io::Error, io::Error) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(async {
        let ending = Ending::default();
        let mut wire = Wire {
            stream: Box::new(Gone { late, word }),
            ending: ending.clone(),
            broken: None,
        };
        let done = match flush {
            true => wire.flush().await,
            false => wire.write_all(b"PRI").await,
        };
        let error = done.expect_err("the other side is gone");
        (error, ending.take().expect("something ended it"))
    })
}

#[test]
fn the_last_word_is_read_where_a_write_breaks() {
    let alert = rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA);
    for (late, flush) in [(0, false), (3, false), (0, true), (3, true)] {
        let (error, ending) = written(late, Some(alert.clone()), flush);
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
        let inner = ending.get_ref().and_then(|inner| inner.downcast_ref());
        assert_eq!(inner, Some(&alert), "{late} polls, flush {flush}");
    }
}

#[test]
fn a_broken_write_is_the_ending_where_nothing_was_said() {
    let (error, ending) = written(1, None, false);
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert_eq!(ending.kind(), io::ErrorKind::BrokenPipe);
}
