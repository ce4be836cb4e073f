//! What lasts is logged when it begins, and again after a while: a store that is away for a night, or a kernel that
//! refuses something at each try, would else fill the log, and hide what led to it.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// What was said is not said again for so long.
const AGAIN: Duration = Duration::from_secs(300);
/// So many different things are remembered.
const MANY: usize = 256;

/// What was said a short while ago.
#[derive(Debug, Default)]
pub(crate) struct News(HashMap<String, Instant>);

impl News {
    /// Is it to be said? Whoever asks says it then.
    pub(crate) fn is_new(&mut self, text: &str, now: Instant) -> bool {
        let told = self.0.get(text).copied();
        if told.is_some_and(|at| now.saturating_duration_since(at) < AGAIN) {
            return false;
        }
        if self.0.len() >= MANY {
            self.0
                .retain(|_, at| now.saturating_duration_since(*at) < AGAIN);
        }
        // Whoever says that many different things says something new with each.
        if self.0.len() >= MANY {
            self.0.clear();
        }
        self.0.insert(text.to_owned(), now);
        true
    }

    /// Those of them that are to be said. What is none of them has ended, and is news should it come back.
    pub(crate) fn of<'a>(&mut self, all: &'a [String], now: Instant) -> Vec<&'a String> {
        self.0.retain(|text, _| all.contains(text));
        all.iter().filter(|text| self.is_new(text, now)).collect()
    }
}

/// Is a line to be logged, from wherever in this process?
pub(crate) fn is_new(text: &str) -> bool {
    static SAID: Mutex<Option<News>> = Mutex::new(None);
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    said.get_or_insert_default().is_new(text, Instant::now())
}

/// Logs at a level what may come again and again, unless it was said a short while ago. Of an error `code = …` stands
/// first, see [`crate::code`].
macro_rules! news {
    ($level:ident, code = $code:expr, $($text:tt)+) => {{
        let text = format!($($text)+);
        if $crate::news::is_new(&text) {
            tracing::$level!(code = $code, "{text}");
        }
    }};
    ($level:ident, $($text:tt)+) => {{
        let text = format!($($text)+);
        if $crate::news::is_new(&text) {
            tracing::$level!("{text}");
        }
    }};
}
pub(crate) use news;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lasts_is_said_when_it_begins_and_again_after_a_while() {
        let (mut news, begin) = (News::default(), Instant::now());
        let mut said =
            |text: &str, after: u64| news.is_new(text, begin + Duration::from_secs(after));
        assert!(said("away", 0) && !said("away", 1) && !said("away", 299));
        assert!(said("full", 1), "something else");
        assert!(said("away", 300) && !said("away", 301) && !said("full", 300));
        // Whatever is told, what is remembered stays small, and what was said long ago goes first.
        assert!(said("stays", 600));
        for number in 0..MANY {
            assert!(said(&number.to_string(), 601));
        }
        assert!(news.0.len() <= MANY);
    }

    #[test]
    fn what_has_ended_is_news_when_it_comes_back() {
        let (mut news, now) = (News::default(), Instant::now());
        let (a, b) = ("a".to_owned(), "b".to_owned());
        let both = [a.clone(), b.clone()];
        assert_eq!(news.of(&both, now), [&a, &b]);
        assert!(news.of(&both, now).is_empty());
        assert!(news.of(std::slice::from_ref(&a), now).is_empty());
        assert_eq!(news.of(&both, now), [&b]);
    }
}
