//! The socket's logic against a scripted kernel.

use std::collections::VecDeque;
use std::io;

use nix::errno::Errno;
use nix::libc;

use super::message::{DONE, DUMP_INTERRUPTED, ERROR};
use super::*;

const OBJECT: u16 = 16;
const CAPPED: u16 = 0x100;
const ACK_TLVS: u16 = 0x200;

/// A message from the kernel; `back` counts from the last request sent.
#[derive(Clone)]
pub(crate) struct Told {
    kind: u16,
    flags: u16,
    back: u32,
    body: Vec<u8>,
}

pub(crate) fn object(body: &[u8]) -> Told {
    Told {
        kind: OBJECT,
        flags: MULTIPART,
        back: 0,
        body: body.to_vec(),
    }
}

fn code(kind: u16, errno: i32) -> Told {
    let mut body = (-errno).to_ne_bytes().to_vec();
    body.extend_from_slice(&[0; 16]);
    Told {
        kind,
        flags: CAPPED,
        back: 0,
        body,
    }
}

pub(crate) fn refused(errno: i32) -> Told {
    code(ERROR, errno)
}

/// The end of a dump that came to nothing.
pub(crate) fn broken_off(errno: i32) -> Told {
    code(DONE, errno)
}

pub(crate) fn ack() -> Told {
    code(ERROR, 0)
}

pub(crate) fn done() -> Told {
    code(DONE, 0)
}

fn explained(kind: u16, errno: i32, text: &str) -> Told {
    let mut told = code(kind, errno);
    if kind == DONE {
        told.body.truncate(4);
    }
    told.flags |= ACK_TLVS;
    let mut writer = attr::Writer::new();
    writer.put_u32(2, 7).put_str(1, text);
    told.body.extend_from_slice(&writer.finish().unwrap());
    told
}

impl Told {
    pub(crate) fn back(mut self, back: u32) -> Self {
        self.back = back;
        self
    }

    fn interrupted(mut self) -> Self {
        self.flags |= DUMP_INTERRUPTED;
        self
    }

    fn bytes(&self, last: u32) -> Vec<u8> {
        let mut bytes = (16 + self.body.len() as u32).to_ne_bytes().to_vec();
        bytes.extend_from_slice(&self.kind.to_ne_bytes());
        bytes.extend_from_slice(&self.flags.to_ne_bytes());
        bytes.extend_from_slice(&last.wrapping_sub(self.back).to_ne_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.body);
        bytes.resize(attr::aligned(bytes.len()), 0);
        bytes
    }
}

/// Plays the kernel: one list of messages for each datagram.
#[derive(Default)]
pub(crate) struct Script {
    pub(crate) sent: Vec<Vec<u8>>,
    answers: VecDeque<Vec<Told>>,
    reserved: Vec<(usize, usize)>,
}

impl Transport for Script {
    fn send(&mut self, datagram: &[u8]) -> io::Result<()> {
        self.sent.push(datagram.to_vec());
        Ok(())
    }

    fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        let last = self.last_sequence();
        let answer = self.answers.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let whole: Vec<u8> = answer.iter().flat_map(|told| told.bytes(last)).collect();
        buffer.clear();
        buffer.extend_from_slice(&whole[..whole.len().min(buffer.capacity())]);
        Ok(whole.len())
    }

    fn reserve(&mut self, send: usize, receive: usize) {
        self.reserved.push((send, receive));
    }
}

impl Script {
    /// The sequence number of the last message of the last datagram.
    fn last_sequence(&self) -> u32 {
        let sent = self.sent.last().unwrap();
        Datagram::new(sent).last().unwrap().unwrap().sequence
    }
}

pub(crate) fn socket(answers: impl IntoIterator<Item = Vec<Told>>) -> RawSocket<Script> {
    RawSocket::over(Script {
        answers: answers.into_iter().collect(),
        ..Script::default()
    })
}

fn message() -> Message {
    Message::new("do", "that", 18).body(vec![1, 2, 3, 4])
}

fn dump(socket: &mut RawSocket<Script>) -> Result<Vec<Vec<u8>>> {
    socket.dump(&message(), |_, body| Some(body.to_vec()))
}

#[test]
fn a_request_is_acknowledged() {
    let mut socket = socket([vec![ack()]]);
    socket.execute(&message().flags(CREATE)).unwrap();
    let sent = &socket.transport.sent[0];
    // Length, type, REQUEST + ACK + CREATE, sequence 1, port 0, body.
    let mut expected = vec![20, 0, 0, 0, 18, 0, 0x05, 0x04, 1, 0, 0, 0, 0, 0, 0, 0];
    expected.extend_from_slice(&[1, 2, 3, 4]);
    assert_eq!(*sent, expected);
}

#[test]
fn answers_to_earlier_requests_are_skipped() {
    let stale = refused(libc::EPERM).back(1);
    let mut socket = socket([
        vec![ack()],
        vec![stale.clone()],
        vec![stale.clone(), ack()],
        vec![object(b"old.").back(1)],
        vec![object(b"new.")],
        vec![stale, object(b"one."), done().back(1)],
        vec![done()],
    ]);
    socket.execute(&message()).unwrap();
    socket.execute(&message()).unwrap();
    let got = socket.get(&message(), |_, body| Some(body.to_vec()));
    assert_eq!(got.unwrap(), b"new.");
    assert_eq!(dump(&mut socket).unwrap(), [b"one."]);
}

#[test]
fn a_refusal_has_words() {
    let mut socket = socket([vec![explained(ERROR, libc::EINVAL, "no such luck")]]);
    let error = socket.execute(&message()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "do that: EINVAL: Invalid argument (no such luck)"
    );
    assert_eq!(error.errno(), Some(Errno::EINVAL));
}

#[test]
fn words_behind_the_whole_request_are_found() {
    // A kernel that does not know NETLINK_CAP_ACK sends the request back.
    let mut told = refused(libc::EINVAL);
    told.flags = ACK_TLVS;
    told.body[4] = 16 + 6;
    told.body.extend_from_slice(&[9; 8]);
    let mut writer = attr::Writer::new();
    writer.put_str(1, "found");
    told.body.extend_from_slice(&writer.finish().unwrap());
    let error = socket([vec![told]]).execute(&message()).unwrap_err();
    assert!(error.to_string().ends_with("(found)"), "{error}");
}

#[test]
fn a_dump_ends_with_an_error_or_without() {
    let mut socket = socket([
        vec![object(b"1..."), object(b"2...")],
        vec![object(b"3..."), done()],
        vec![object(b"1..."), explained(DONE, libc::ENODEV, "gone")],
        vec![refused(libc::EOPNOTSUPP)],
    ]);
    assert_eq!(dump(&mut socket).unwrap(), [b"1...", b"2...", b"3..."]);
    let error = dump(&mut socket).unwrap_err();
    assert!(error.is_not_found() && error.to_string().ends_with("(gone)"));
    assert!(dump(&mut socket).unwrap_err().is_unsupported());
}

#[test]
fn an_interrupted_dump_is_started_anew() {
    let mut socket = socket([
        vec![object(b"old."), object(b"odd.").interrupted()],
        vec![object(b"odd.")],
        vec![done()],
        // Known only from the message that ends it.
        vec![object(b"odd."), done().interrupted()],
        vec![object(b"new."), done()],
    ]);
    assert_eq!(dump(&mut socket).unwrap(), [b"new."]);
    assert_eq!(socket.transport.sent.len(), 3);
    assert!(socket.transport.answers.is_empty(), "not read to its end");
}

#[test]
fn a_dump_is_not_started_for_ever() {
    let always = vec![object(b"odd.").interrupted(), done()];
    let mut socket = socket(vec![always; 100]);
    let error = dump(&mut socket).unwrap_err();
    assert!(matches!(
        error,
        Error::Interrupted {
            tries: DUMP_TRIES,
            ..
        }
    ));
    assert_eq!(socket.transport.sent.len(), DUMP_TRIES as usize);
}

#[test]
fn what_does_not_fit_is_asked_for_again() {
    let big = vec![7; 100_000];
    let mut socket = socket([
        vec![object(&big)],
        vec![object(&big)],
        vec![object(&[8; 200_000])],
        vec![done()],
        vec![object(&[8; 200_000])],
        vec![done()],
    ]);
    let got = socket.get(&message(), |_, body| Some(body.to_vec()));
    assert_eq!(got.unwrap(), big);
    assert_eq!(dump(&mut socket).unwrap(), [[8; 200_000]]);
}

#[test]
fn silence_is_a_timeout() {
    let error = socket([]).execute(&message()).unwrap_err();
    assert!(matches!(error, Error::Timeout { .. }));
    assert_eq!(
        error.to_string(),
        "do that: no answer from the kernel within 10 s"
    );
}

#[test]
fn nonsense_is_an_error() {
    let mut short = object(b"");
    short.kind = ERROR;
    for told in [short, Told { kind: 4, ..ack() }] {
        let error = socket([vec![told]]).execute(&message()).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. }), "{error}");
    }
    let result = socket([vec![object(b"")]]).get(&message(), |_, _| None::<()>);
    assert!(matches!(result, Err(Error::Malformed { .. })));
    let result = socket([vec![ack()]]).get(&message(), |_, _| Some(()));
    assert!(matches!(result, Err(Error::Malformed { .. })));
}

fn batch_of(flags: &[u16]) -> Vec<Message> {
    let one = |(position, flags): (usize, &u16)| {
        Message::new("do", position.to_string(), 18).flags(*flags)
    };
    flags.iter().enumerate().map(one).collect()
}

#[test]
fn a_batch_goes_out_as_one_and_ends_with_the_last_answer() {
    let mut socket = socket([
        vec![object(b"echo").back(2)],
        vec![ack().back(2)],
        vec![ack().back(1)],
    ]);
    let replies = socket.batch(&batch_of(&[0, ACK | ECHO, ACK, 0])).unwrap();
    assert_eq!(socket.transport.sent.len(), 1);
    assert_eq!(Datagram::new(&socket.transport.sent[0]).count(), 4);
    let echo = Reply {
        request: 1,
        kind: OBJECT,
        body: b"echo".to_vec(),
    };
    assert_eq!(replies, [echo]);
    assert!(socket.transport.reserved.is_empty());
}

#[test]
fn the_first_error_of_a_batch_wins() {
    let mut socket = socket([vec![
        ack().back(4),
        explained(ERROR, libc::EEXIST, "twice").back(3),
        refused(libc::ENOENT).back(2),
        ack().back(1),
    ]]);
    let error = socket.batch(&batch_of(&[0, ACK, 0, 0, ACK, 0]));
    assert_eq!(
        error.unwrap_err().to_string(),
        "do 2: EEXIST: File exists (twice)"
    );
}

#[test]
fn a_batch_whose_opening_is_refused_has_no_other_answers() {
    let mut socket = socket([vec![refused(libc::EPERM).back(2)]]);
    let error = socket.batch(&batch_of(&[0, ACK, 0])).unwrap_err();
    assert_eq!(error.errno(), Some(Errno::EPERM));
}

#[test]
fn a_long_batch_gets_room() {
    let mut socket = socket([vec![ack()]]);
    let long = vec![ACK; 1000];
    socket.batch(&batch_of(&long)).unwrap();
    let (send, receive) = socket.transport.reserved[0];
    assert!(send >= socket.transport.sent[0].len() && receive >= 1000 * 1024);
    assert_eq!(socket.batch(&[]).unwrap(), []);
    assert!(socket.batch(&batch_of(&[0])).is_err());
}
