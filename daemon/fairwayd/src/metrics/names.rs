//! Every metric, defined once: its name, what it is, its labels, and what it says. `docs/metrics.md` has the same table,
//! and a test compares the two with a scrape.
//!
//! Labels have few values, all known from the code, from the configuration of the cluster (pools) or from CNI (codes). There is
//! none for a container, an address or a neighbour: of those there are as many as a cluster likes.

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows, and begins at 0 with the daemon (or with what counts it).
    Counter,
    /// How something stands.
    Gauge,
    /// How long something took.
    Histogram,
}

impl Kind {
    /// As it is in a scrape.
    #[cfg(test)]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// A metric.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Metric {
    /// Without the `_total` that counters have in a scrape.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(
            pub(crate) const $constant: &Metric = &Metric {
                name: $name,
                kind: Kind::$kind,
                labels: &[$($label),*],
                help: $help,
            };
        )+

        /// All of them, in the order of a scrape.
        pub(crate) const ALL: &[&Metric] = &[$($constant),+];
    };
}

metrics! {
    BUILD_INFO = Gauge "fairway_build_info" ["version"] "1; the version of fairwayd";
    NODE_INFO = Gauge "fairway_node_info" ["node", "store"] "1; the node, and whether its store is redb or etcd";

    REQUESTS = Counter "fairway_requests" ["verb", "method", "code"] "Requests on the socket that were answered, by the code of the answer; 0: done. An ADD is several";
    REQUEST_SECONDS = Histogram "fairway_request_duration_seconds" ["verb", "method"] "How long requests of plugins took to answer";
    REQUESTS_NOW = Gauge "fairway_requests_in_flight" [] "Requests that are being answered";
    ABANDONED = Counter "fairway_requests_abandoned" ["verb", "method"] "Requests whose caller went before the answer";
    PLUGIN_FAILURES = Counter "fairway_plugin_failures" ["verb", "plugin", "code"] "Calls of plugins that failed, whatever for, as the plugins told";

    ATTACHMENTS = Gauge "fairway_attachments" [] "Interfaces of containers of this node that have addresses of pools";
    CUT_OFF = Gauge "fairway_attachments_cut_off" [] "Of these, interfaces whose addresses were given on to others: they are cut off";
    CUT_OFFS = Counter "fairway_cut_offs" [] "Interfaces that were cut off, since their addresses were given on";
    SWEPT = Counter "fairway_swept_attachments" [] "Interfaces that were gone without a DEL, and whose addresses were freed";
    RELEASED = Counter "fairway_released_records" [] "DELs that came while fairwayd was away, and were done later";
    NOTICES = Counter "fairway_ipam_notices" ["kind"] "What the address logic had to say to operators; the log has the words";

    POOL_SIZE = Gauge "fairway_pool_size" ["pool", "family"] "Addresses of the pool that can be given, used ones included";
    POOL_ADDRESSES = Gauge "fairway_pool_addresses" ["pool", "family", "state"] "Addresses of the pool in the whole cluster, as the store shows them";
    POOL_BLOCKS = Gauge "fairway_pool_blocks" ["pool", "family", "state"] "Blocks of the pool: of nodes that are alive, of nodes that are away, of nobody";
    POOL_CLAIMS = Gauge "fairway_pool_claims" ["pool", "state"] "Claims of the pool that a container holds, or none";
    NODE_BLOCKS = Gauge "fairway_node_blocks" ["pool", "family"] "Blocks of the pool that this node owns";
    NODE_FREE = Gauge "fairway_node_free_addresses" ["pool", "family"] "Free addresses in these";
    NODES = Gauge "fairway_nodes" ["state"] "Nodes of the cluster: alive; away, and owning blocks; drained";
    NETWORKS = Gauge "fairway_networks" [] "Networks of the cluster";

    JOURNAL_WRITABLE = Gauge "fairway_journal_writable" [] "1 where the journal can be written; 0: nothing is given or freed";
    JOURNAL_SECONDS = Histogram "fairway_journal_commit_duration_seconds" [] "How long it took to make a batch of changes durable";
    JOURNAL_FAILURES = Counter "fairway_journal_commit_failures" [] "Batches that could not be made durable";

    STORE_UP = Gauge "fairway_store_up" [] "1 where this node hears what changes in the store";
    STORE_SECONDS = Histogram "fairway_store_request_duration_seconds" ["operation"] "How long requests to the store took";
    STORE_FAILURES = Counter "fairway_store_request_failures" ["operation"] "Requests to the store without an answer, or that it refused";
    STORE_LOSSES = Counter "fairway_store_losses" [] "How often the store went away, and had to be listed anew";
    STORE_REVISION = Gauge "fairway_store_revision" [] "The revision of the store that this node has heard all up to";
    STORE_LAG = Gauge "fairway_store_revision_lag" [] "Revisions that this node knows of and has not heard yet";
    STORE_UNREADABLE = Gauge "fairway_store_unreadable_values" [] "Values in the store that cannot be read; they are left alone";
    CERTIFICATE = Gauge "fairway_store_certificate_expiry_timestamp_seconds" ["file"] "When the certificates for etcd end, by the flag that names them";

    ROUTES = Gauge "fairway_routes" ["state"] "Routes of containers and networks on this node: wanted; of ours in the kernel; to be looked at";
    ROUTE_CHANGES = Counter "fairway_route_changes" [] "Changes that were made to routes, next hops, neighbours, rules and the overlay's device";
    ROUTE_REPAIRS = Counter "fairway_route_repairs" [] "Of these, changes that put right what somebody else had changed or flushed";
    ROUTE_FAILURES = Counter "fairway_route_failures" [] "Changes that the kernel refused";
    ROUTE_LISTS = Counter "fairway_route_lists" [] "How often all of the kernel's routes were listed";
    ENDPOINTS = Gauge "fairway_endpoints" [] "Interfaces of containers of this node that are in networks";
    PROBLEMS = Gauge "fairway_problems" ["part"] "Problems as netctl status has them";

    POLICY_ENFORCED = Gauge "fairway_policy_enforced" [] "1 where policies are in force on this node";
    POLICY_ENDPOINTS = Gauge "fairway_policy_endpoints" [] "Interfaces of containers of this node that are judged";
    POLICY_ASIDE = Gauge "fairway_policy_objects_aside" [] "Objects that do not fit into the maps: what was before holds";
    POLICY_PACKETS = Counter "fairway_policy_packets" ["verdict", "reason", "number", "direction"] "Packets by their fate; numbers of reasons are never reused";
    POLICY_BYTES = Counter "fairway_policy_bytes" ["verdict", "reason", "number", "direction"] "The same in bytes, with link headers";
    MAP_ENTRIES = Gauge "fairway_policy_map_entries" ["map"] "Entries of the eBPF map";
    MAP_SIZE = Gauge "fairway_policy_map_max_entries" ["map"] "Entries that it has room for";
    EVENTS_MISSED = Counter "fairway_flow_events_missed" [] "Flows that could not be told of; they are counted as packets all the same";

    RATE_LIMITS = Gauge "fairway_rate_limits" ["scope"] "Limits that are held on this node, by who share them";
    RATE_WAYS = Gauge "fairway_rate_interfaces" ["direction", "means"] "Interfaces with limits, by what keeps them";
    RATE_PACKETS = Counter "fairway_rate_packets" ["direction"] "Packets that limits let through";
    RATE_BYTES = Counter "fairway_rate_bytes" ["direction"] "Their bytes";
    RATE_DELAYED = Counter "fairway_rate_delayed_packets" ["direction"] "Of these, packets that had to wait";
    RATE_MARKED = Counter "fairway_rate_marked_packets" ["direction"] "Of these, packets that were marked (ECN)";
    RATE_DROPPED = Counter "fairway_rate_dropped_packets" ["direction"] "Packets that limits dropped";

    BGP_SESSIONS = Gauge "fairway_bgp_sessions" ["state"] "BGP neighbours of this node, by the state of their sessions";
    BGP_PREFIXES = Gauge "fairway_bgp_prefixes" ["family", "kind"] "Prefixes that neighbours told, of them those that were accepted, and those that they were told";
    BGP_FLAPS = Counter "fairway_bgp_session_flaps" [] "How often sessions went down";

    COLLECTOR_UP = Gauge "fairway_collector_up" ["part"] "1 where the part answered in time; else what it knows is missing in this scrape";
    COLLECTION_SECONDS = Gauge "fairway_collection_duration_seconds" [] "How long it took to ask all parts";
    SCRAPES = Counter "fairway_scrapes" [] "Requests for metrics that were answered";
    SCRAPES_REFUSED = Counter "fairway_scrapes_refused" [] "Connections that were closed since there were too many, or took too long";

    PROCESS_CPU = Counter "process_cpu_seconds" [] "CPU time of fairwayd, in user and kernel";
    PROCESS_RSS = Gauge "process_resident_memory_bytes" [] "Its memory that is resident";
    PROCESS_VIRTUAL = Gauge "process_virtual_memory_bytes" [] "Its address space";
    PROCESS_FDS = Gauge "process_open_fds" [] "Its open file descriptors";
    PROCESS_MAX_FDS = Gauge "process_max_fds" [] "As many as it may have";
    PROCESS_THREADS = Gauge "process_threads" [] "Its threads";
    PROCESS_START = Gauge "process_start_time_seconds" [] "When it began, in seconds since 1970";
}

impl Metric {
    /// Its name in a scrape; histograms have `_bucket`, `_sum` and `_count` behind it.
    #[cfg(test)]
    pub(crate) fn shown(&self) -> String {
        match self.kind {
            Kind::Counter => format!("{}_total", self.name),
            Kind::Gauge | Kind::Histogram => self.name.to_owned(),
        }
    }

    /// The metric of a name.
    pub(crate) fn named(name: &str) -> Option<&'static Metric> {
        ALL.iter().copied().find(|metric| metric.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const PAGE: &str = include_str!("../../../../docs/metrics.md");

    #[test]
    fn names_are_as_prometheus_has_them() {
        let names: BTreeSet<&str> = ALL.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), ALL.len());
        for metric in ALL {
            let name = metric.name;
            let legal = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(name.starts_with("fairway_") || name.starts_with("process_"));
            assert!(name.chars().all(legal), "{name}");
            for suffix in [
                "_total",
                "_count",
                "_sum",
                "_bucket",
                "_milliseconds",
                "_ms",
            ] {
                assert!(!name.ends_with(suffix), "{name}");
            }
            assert!(
                metric.kind != Kind::Histogram || name.ends_with("_seconds"),
                "{name}"
            );
            assert!(
                metric.help.len() > 5 && !metric.help.contains(['\n', '\\', '"']),
                "{name}"
            );
            for label in metric.labels {
                assert!(
                    !["container", "address", "peer", "le"].contains(label),
                    "{name}"
                );
            }
        }
    }

    #[test]
    fn the_page_has_each_of_them_as_it_is() {
        let row = |metric: &&Metric| {
            let labels: Vec<String> = metric
                .labels
                .iter()
                .map(|label| format!("`{label}`"))
                .collect();
            let (name, kind) = (metric.shown(), metric.kind.name());
            format!("| `{name}` | {kind} | {} | ", labels.join(", "))
        };
        let wanted: Vec<String> = ALL.iter().map(row).collect();
        let rows = PAGE
            .lines()
            .filter(|line| line.starts_with("| `fairway_") || line.starts_with("| `process_"));
        let rows: Vec<&str> = rows.collect();
        for row in &wanted {
            let found = rows
                .iter()
                .filter(|line| line.starts_with(row.as_str()))
                .count();
            assert_eq!(found, 1, "docs/metrics.md: {row}");
        }
        assert_eq!(
            rows.len(),
            wanted.len(),
            "docs/metrics.md has rows of no metric"
        );
    }
}
