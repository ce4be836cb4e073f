//! What the store shows, in the engine's words.

use super::keys::Key;
use crate::{feed, stored};
use fairway_rates::{
    Input,
    object::{self, Parsed},
};

/// What the store has shown so far.
pub(crate) type Feed = feed::Feed<Reader>;

/// Reads objects and administrators' words.
#[derive(Debug, Default)]
pub(crate) struct Reader;

impl feed::Reader for Reader {
    type Key = Key;
    type Input = Input;

    fn key(path: &str) -> Option<Key> {
        Key::parse(path)
    }

    fn put(&mut self, key: Key, value: &[u8]) -> Result<Option<Input>, String> {
        Ok(Some(match key {
            Key::Limit(name) => {
                let limit = stored::decode::<Parsed>(value)?.limit;
                if limit.name != name {
                    return Err(format!("holds RateLimit {}", limit.name));
                }
                Input::RateLimit(limit)
            }
            Key::Override { namespace, pod } => {
                Input::Override(namespace, pod, object::decode(value)?)
            }
        }))
    }

    fn gone(&mut self, key: Key, _value: &[u8]) -> Option<Input> {
        Some(match key {
            Key::Limit(name) => Input::RateLimitGone(name),
            Key::Override { namespace, pod } => Input::OverrideGone(namespace, pod),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairway_kv::{Change, Entry, ROOT, Revision, Update};
    use fairway_rates::Override;

    fn entry(key: &str, value: &str) -> Entry {
        Entry {
            key: format!("{ROOT}{key}"),
            value: value.as_bytes().to_vec(),
            created: Revision(1),
            modified: Revision(1),
        }
    }

    fn limit(name: &str, rate: &str) -> Entry {
        let object = format!(
            r#"{{"apiVersion":"fairway.network/v1alpha1","kind":"RateLimit","metadata":{{"name":"{name}"}},"spec":{{"ingress":{{"rate":"{rate}"}}}}}}"#
        );
        let value = format!(r#"{{"version":1,"object":{object}}}"#);
        entry(&format!("ratelimits/{name}"), &value)
    }

    fn reset(entries: &[Entry]) -> Update {
        Update::Reset {
            revision: Revision(1),
            entries: entries.to_vec(),
        }
    }

    fn put(entry: Entry) -> Update {
        Update::Changes {
            revision: Revision(2),
            changes: vec![Change::Put(entry)],
        }
    }

    /// Names of limits and workloads, with a - in front where they are gone.
    fn told(inputs: Vec<Input>) -> Vec<String> {
        let name = |input| match input {
            Input::RateLimit(limit) => {
                let rate = limit.ingress.and_then(|wish| wish.allowance.rate);
                format!("{} {}", limit.name, rate.expect("a rate"))
            }
            Input::RateLimitGone(name) => format!("-{name}"),
            Input::Override(namespace, pod, _) => format!("{namespace}/{pod}"),
            Input::OverrideGone(namespace, pod) => format!("-{namespace}/{pod}"),
            other => format!("{other:?}"),
        };
        inputs.into_iter().map(name).collect()
    }

    #[test]
    fn a_list_that_is_read_anew_tells_what_differs() {
        let mut feed = Feed::default();
        assert!(!feed.seen);
        let word = entry("rates/web/a-0", r#"{"version":1,"ingress":{}}"#);
        let other = entry("nodes/n1", "{");
        let first = [limit("a", "1M"), limit("b", "1M"), word.clone(), other];
        assert_eq!(
            told(feed.take(reset(&first))),
            ["a 1Mbit", "b 1Mbit", "web/a-0"]
        );
        assert!(feed.seen);
        assert_eq!(told(feed.take(reset(&first))), [""; 0]);
        assert_eq!(told(feed.take(Update::Lost)), [""; 0]);
        let next = [limit("b", "2M"), limit("c", "1M")];
        assert_eq!(
            told(feed.take(reset(&next))),
            ["-a", "-web/a-0", "b 2Mbit", "c 1Mbit"]
        );
        assert_eq!(told(feed.take(put(word))), ["web/a-0"]);
        let gone = Update::Changes {
            revision: Revision(3),
            changes: ["rates/web/a-0", "rates/web/none", "ratelimits/c"]
                .map(|key| Change::Deleted {
                    key: format!("{ROOT}{key}"),
                    revision: Revision(3),
                })
                .to_vec(),
        };
        assert_eq!(told(feed.take(gone)), ["-web/a-0", "-c"]);
        assert_eq!(feed.problems().count(), 0);
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_was() {
        let mut feed = Feed::default();
        let word = entry("rates/web/a-0", r#"{"version":1,"egress":{}}"#);
        feed.take(reset(&[limit("a", "1M"), word]));
        let newer = entry("ratelimits/a", r#"{"version":2}"#);
        assert_eq!(told(feed.take(put(newer.clone()))), [""; 0]);
        let problems: Vec<_> = feed.problems().collect();
        let text = "/fairway/v1/ratelimits/a: version 2 is newer than 1, the newest that this program knows; \
                    it is left as it was";
        assert_eq!(problems, [text]);
        // It is there still, in whatever form.
        let word = entry("rates/web/a-0", r#"{"version":2}"#);
        assert_eq!(told(feed.take(reset(&[newer, word]))), [""; 0]);
        assert_eq!(feed.problems().count(), 2);
        // As it was.
        assert_eq!(told(feed.take(put(limit("a", "1M")))), [""; 0]);
        assert_eq!(feed.problems().count(), 1);
        assert_eq!(told(feed.take(reset(&[]))), ["-a", "-web/a-0"]);
        assert_eq!(feed.problems().count(), 0);
    }

    #[test]
    fn an_object_under_another_name_is_a_problem() {
        let mut feed = Feed::default();
        let mut wrong = limit("a", "1M");
        wrong.key = format!("{ROOT}ratelimits/b");
        assert_eq!(told(feed.take(put(wrong))), [""; 0]);
        let problems: Vec<_> = feed.problems().collect();
        assert_eq!(problems.len(), 1);
        assert!(problems[0].contains("holds RateLimit a"), "{problems:?}");
    }

    #[test]
    fn an_override_says_what_was_kept() {
        let mut feed = Feed::default();
        let word = entry(
            "rates/web/a-0",
            r#"{"version":1,"egress":{"rate":"5Mbit"},"reason":"incident 17"}"#,
        );
        let inputs = feed.take(put(word));
        let [
            Input::Override(
                _,
                _,
                Override {
                    ingress,
                    egress,
                    reason,
                },
            ),
        ] = &inputs[..]
        else {
            panic!("{inputs:?}");
        };
        assert_eq!(*ingress, None);
        let rate = egress.and_then(|wish| wish.allowance.rate);
        assert_eq!(rate, Some("5Mbit".parse().unwrap()));
        assert_eq!(reason.as_deref(), Some("incident 17"));
    }
}
