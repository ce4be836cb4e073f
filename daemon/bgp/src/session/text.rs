//! Texts that operators send each other (RFC 9003).

use std::fmt;

/// Up to 255 octets of UTF-8, as NOTIFICATIONs have them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Text(String);

impl Text {
    /// None.
    pub fn none() -> Text {
        Text::default()
    }

    /// As it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As data of a NOTIFICATION: its length and itself; nothing, where there is none.
    pub(super) fn data(&self) -> Vec<u8> {
        match u8::try_from(self.0.len()) {
            Ok(length @ 1..) => {
                let mut data = vec![length];
                data.extend_from_slice(self.0.as_bytes());
                data
            }
            _ => Vec::new(),
        }
    }

    /// Out of the data of a NOTIFICATION: what a neighbour sent, fit to be shown. None where it is no text.
    pub(super) fn of_data(data: &[u8]) -> Option<Text> {
        let (length, rest) = data.split_first()?;
        let text = rest.get(..usize::from(*length))?;
        let text = std::str::from_utf8(text).ok()?;
        let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        Some(Text::from(shown.collect::<String>().trim())).filter(|text| !text.0.is_empty())
    }
}

impl From<&str> for Text {
    /// What is longer is cut, between two characters.
    fn from(text: &str) -> Text {
        Text(text[..text.floor_char_boundary(255)].to_owned())
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let text = Text::from("back at 10:00");
        assert_eq!(text.data(), b"\x0dback at 10:00");
        assert_eq!(Text::of_data(&text.data()), Some(text));
        assert_eq!(Text::none().data(), b"");
    }

    #[test]
    fn what_is_long_is_cut_between_characters() {
        let text = Text::from("ä".repeat(200).as_str());
        assert_eq!(text.as_str().len(), 254);
        assert_eq!(text.data().len(), 255);
    }

    #[test]
    fn what_a_neighbour_sends_does_no_harm() {
        for data in [&b""[..], b"\0", b"\x05abc", b"\x02\xff\xfe", b"\x01\x1b"] {
            assert_eq!(Text::of_data(data), None, "{data:?}");
        }
        let escape = Text::of_data(b"\x06\x1b[31mx").unwrap();
        assert_eq!(escape.as_str(), "[31mx");
        // What comes after the text is not of it.
        assert_eq!(Text::of_data(b"\x01abc").unwrap().as_str(), "a");
    }
}
