//! The program itself against a daemon that is none: what each verb asks, what it makes of the answer.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot set itself up has failed"
)]

mod answers;
mod answers_bgp;
mod answers_policy;
mod answers_rate;
mod apply;
mod attach;
mod bgp;
mod bgp_object;
mod cni_result;
mod conf_check;
mod conf_report;
mod exits;
mod fake;
mod flows;
mod output;
mod parts;
mod policy;
mod rate;
mod real;
mod real_networks;
mod real_policy;
mod requests;
mod schemas;
mod top;
mod two_pools;
mod watch;
