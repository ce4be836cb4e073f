//! The prefixes of a pool, from the command line.

use crate::{
    args::{BlockSize, Cidr, Exclude, Gateway},
    cli::usage,
    error::NetctlError,
};
use clap::Args;
use fairway_api::admin::PoolRange;

/// What is said of the prefixes of the command: those of --cidr, then those of --replace.
#[derive(Debug, Args)]
pub(crate) struct RangeArgs {
    /// The prefix length of the blocks that nodes take [default: /26 and /122, or as it is]; given once for
    /// all prefixes of one family, or once for each prefix, in their order
    #[arg(long, value_name = "/LENGTH", value_delimiter = ',')]
    block_size: Vec<BlockSize>,
    /// Addresses that are not given: ADDRESS, PREFIX or FIRST-LAST, inside one of the prefixes; with
    /// --replace besides those that are excluded already, or with `none` in their place
    #[arg(long, value_name = "RANGE|none", value_delimiter = ',')]
    exclude: Vec<Exclude>,
    /// The gateway of the prefix that it is in [default: its first address, or as it is]; `none`: the others
    /// have none
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    gateway: Vec<Gateway>,
}

impl RangeArgs {
    /// Puts them together with the prefixes, of which the first `new` are to be made.
    pub(crate) fn ranges(&self, cidrs: &[Cidr], new: usize) -> Result<Vec<PoolRange>, NetctlError> {
        let given = [
            self.block_size.len(),
            self.exclude.len(),
            self.gateway.len(),
        ];
        if cidrs.is_empty() && given.iter().any(|many| *many > 0) {
            return Err(usage(
                "--block-size, --exclude and --gateway go with --cidr or --replace",
            ));
        }
        let mut ranges: Vec<PoolRange> = cidrs
            .iter()
            .zip(self.blocks(cidrs)?)
            .map(|(cidr, block)| PoolRange {
                cidr: cidr.to_string(),
                block,
                gateway: None,
                exclude: Vec::new(),
                draining: false,
            })
            .collect();
        let place = |address| cidrs.iter().position(|cidr| cidr.contains(address));
        for gateway in &self.gateway {
            let Gateway::Address(gateway) = gateway else {
                continue;
            };
            match place(*gateway).map(|at| &mut ranges[at].gateway) {
                Some(place @ None) => *place = Some(gateway.to_string()),
                Some(Some(other)) => {
                    return Err(usage(&format!(
                        "--gateway {gateway}: its prefix has {other} already"
                    )));
                }
                None => return Err(outside("--gateway", &gateway.to_string())),
            }
        }
        if self.gateway.contains(&Gateway::None) {
            for range in &mut ranges {
                range.gateway.get_or_insert_with(|| "none".to_owned());
            }
        }
        if self.exclude.contains(&Exclude::None) {
            if cidrs.len() == new {
                return Err(usage("--exclude none goes with --replace"));
            }
            for range in &mut ranges[new..] {
                range.exclude.push("none".to_owned());
            }
        }
        for exclude in &self.exclude {
            let Exclude::Span(span) = exclude else {
                continue;
            };
            match place(span.first) {
                Some(at) if cidrs[at].contains(span.last) => {
                    ranges[at].exclude.push(span.text.clone());
                }
                _ => return Err(outside("--exclude", &span.text)),
            }
        }
        Ok(ranges)
    }

    fn blocks(&self, cidrs: &[Cidr]) -> Result<Vec<Option<u8>>, NetctlError> {
        let one_family = cidrs
            .windows(2)
            .all(|two| two[0].is_ipv4() == two[1].is_ipv4());
        match self.block_size.as_slice() {
            [] => Ok(vec![None; cidrs.len()]),
            [one] if one_family => Ok(vec![Some(one.0); cidrs.len()]),
            many if many.len() == cidrs.len() => Ok(many.iter().map(|size| Some(size.0)).collect()),
            _ => Err(usage(
                "--block-size: give one for each prefix, in their order, or one where all are of one family",
            )),
        }
    }
}

fn outside(option: &str, value: &str) -> NetctlError {
    usage(&format!(
        "{option} {value}: not inside any prefix of the command"
    ))
}
