//! The configuration's keys.

use fairway_cni::{FieldError, NetConf};

/// The most bytes of a link's name.
const NAME_MAX: usize = 15;

/// What is configured.
#[derive(Debug)]
pub(crate) struct Conf {
    /// `vrfname`.
    pub(crate) name: String,
    /// `table`; none: the first that is free.
    pub(crate) table: Option<u32>,
}

impl Conf {
    pub(crate) fn parse(conf: &NetConf) -> Result<Self, FieldError> {
        let root = conf.root();
        let Some(name) = root.text("vrfname")? else {
            return Err(FieldError::Missing {
                path: "vrfname".to_owned(),
            });
        };
        let sound = name.len() <= NAME_MAX
            && ![".", ".."].contains(&name)
            && !name.contains(['/', ':', '\0'])
            && !name.contains(char::is_whitespace);
        if !sound {
            let reason = "is no name that a link can have";
            return Err(root.invalid("vrfname", format_args!("{name:?}"), reason));
        }
        let table = root.integer("table", 0..=i64::from(u32::MAX))?;
        Ok(Conf {
            name: name.to_owned(),
            table: table
                .and_then(|table| u32::try_from(table).ok())
                .filter(|table| *table != 0),
        })
    }
}
