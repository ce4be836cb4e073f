//! NOTIFICATION (RFC 4271, 4.5).

use super::{Coding, frame};
use crate::message::{Kind, Notification, Reason};

/// The body's length was judged with the header; a subcode that is not there is 0.
pub(super) fn read(body: &[u8]) -> Notification {
    let (code, subcode, data) = match body {
        [code, subcode, data @ ..] => (*code, *subcode, data),
        [code] => (*code, 0, &[][..]),
        [] => (0, 0, &[][..]),
    };
    Notification::of(Reason::of(code, subcode), data)
}

/// Data that is longer than a message is cut.
pub(super) fn write(notification: &Notification, coding: &Coding, out: &mut Vec<u8>) {
    let start = frame::begin(Kind::Notification, out);
    let (code, subcode) = notification.reason.codes();
    out.extend_from_slice(&[code, subcode]);
    let room = coding.longest(Kind::Notification) - (out.len() - start);
    out.extend(notification.data.iter().take(room));
    frame::end(start, out);
}
