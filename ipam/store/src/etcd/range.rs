//! Many keys, page by page, all as of the revision of the first page.

use super::EtcdStore;
use super::call::Again;
use super::convert::{entry, range_end, revision};
use crate::{Range, StoreError};
use etcd_client::{Client, GetOptions, KeyValue};
use fairway_kv::Revision;

/// Entries that are asked for at once.
pub(super) const PAGE: i64 = 500;
/// Bytes of a response to a read.
const RESPONSE: usize = 16 << 20;

impl EtcdStore {
    /// One page: the entries, the revision, whether there is more.
    async fn page(
        &self,
        from: &[u8],
        end: &[u8],
        limit: i64,
        at: Option<Revision>,
    ) -> Result<(Revision, Vec<KeyValue>, bool), StoreError> {
        let options = GetOptions::new().with_range(end).with_limit(limit);
        let options = match at {
            Some(at) => options.with_revision(i64::try_from(at.0).unwrap_or(i64::MAX)),
            None => options,
        };
        let get = |client: Client| {
            let mut kv = client.kv_client().max_decoding_message_size(RESPONSE);
            let (from, options) = (from.to_owned(), options.clone());
            async move { kv.get(from, Some(options)).await }
        };
        let (mut got, _) = self.call(Again::Yes, get).await?;
        let now = got.header().map_or(0, |header| header.revision());
        Ok((revision(now), got.take_kvs(), got.more()))
    }

    pub(super) async fn whole(&self, prefix: &str, limit: &mut i64) -> Result<Range, StoreError> {
        let end = range_end(prefix.as_bytes());
        let mut from = prefix.as_bytes().to_owned();
        if from.is_empty() {
            from.push(0);
        }
        let (mut at, mut entries) = (None, Vec::new());
        loop {
            let (now, found, more) = match self.page(&from, &end, *limit, at).await {
                Err(StoreError::Protocol { .. }) if *limit > 1 => {
                    *limit = (*limit / 4).max(1);
                    continue;
                }
                other => other?,
            };
            at.get_or_insert(now);
            entries.extend(found.iter().map(entry));
            match found.last() {
                Some(last) if more => {
                    from = last.key().to_owned();
                    from.push(0);
                }
                _ => {
                    let revision = at.unwrap_or(now);
                    return Ok(Range { revision, entries });
                }
            }
        }
    }
}
