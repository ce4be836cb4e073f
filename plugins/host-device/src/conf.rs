//! Which device a configuration names: one key, or several that agree.

use fairway_cni::{Context, Field, FieldError, Object};
use fairway_netlink::MacAddr;

/// One way to name a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `device`: its name, or an alternative one.
    Name(String),
    /// `hwaddr`: its hardware address.
    Mac(MacAddr),
    /// `kernelpath`: its folder below `/sys/devices`.
    Path(String),
    /// `pciBusID`, or `runtimeConfig.deviceID`: an address on the PCI bus.
    Pci(String),
    /// `runtimeConfig.deviceID`: PCI, or a name on the auxiliary bus; which of them the node knows.
    Id(String),
}

/// A selector, and the field that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The field: `device`, `runtimeConfig.deviceID`.
    pub field: String,
    /// Its value, as it came.
    pub value: String,
    /// What it selects.
    pub selector: Selector,
}

impl Named {
    /// An error that names the field and its value.
    pub fn invalid(&self, reason: impl std::fmt::Display) -> FieldError {
        FieldError::Value {
            path: self.field.clone(),
            value: format!("{:?}", self.value),
            reason: reason.to_string(),
        }
    }
}

/// All that the configuration says of the device; one at least.
///
/// `runtimeConfig.deviceID` is what a device plugin has allotted, and counts in place of `pciBusID`.
///
/// # Errors
/// Names the field.
pub fn parse(context: &Context<'_>) -> Result<Vec<Named>, FieldError> {
    let root = context.conf.root();
    let runtime = context.conf.runtime_config()?;
    let id = runtime.as_ref().map(|runtime| some(runtime, "deviceID"));
    let id = id.transpose()?.flatten();
    let mut named = Vec::new();
    if let Some(field) = some(&root, "device")? {
        named.push(name(&field, |text| Ok(Selector::Name(text.to_owned())))?);
    }
    if let Some(field) = some(&root, "hwaddr")? {
        named.push(name(&field, |_| Ok(Selector::Mac(field.parse()?)))?);
    }
    if let Some(field) = some(&root, "kernelpath")? {
        named.push(name(&field, |text| {
            let below = text.strip_prefix("/sys/devices/");
            let plain = |path: &str| path.split('/').all(|part| part != "..");
            match below.is_some_and(plain) {
                true => Ok(Selector::Path(text.to_owned())),
                false => Err(field.invalid("must be a folder below /sys/devices/")),
            }
        })?);
    }
    match (id, some(&root, "pciBusID")?) {
        (Some(field), _) => {
            named.push(name(&field, |text| Ok(Selector::Id(part(&field, text)?)))?);
        }
        (None, Some(field)) => {
            named.push(name(&field, |text| Ok(Selector::Pci(part(&field, text)?)))?);
        }
        (None, None) => {}
    }
    match named.is_empty() {
        true => Err(FieldError::Missing {
            path: "device, hwaddr, kernelpath, pciBusID or runtimeConfig.deviceID".to_owned(),
        }),
        false => Ok(named),
    }
}

/// A text that is not empty.
fn some<'a>(object: &Object<'a>, key: &str) -> Result<Option<Field<'a>>, FieldError> {
    Ok(object.text(key)?.and_then(|_| object.get(key)))
}

fn name(
    field: &Field<'_>,
    select: impl FnOnce(&str) -> Result<Selector, FieldError>,
) -> Result<Named, FieldError> {
    let text = field.text()?;
    Ok(Named {
        field: field.path().to_owned(),
        value: text.to_owned(),
        selector: select(text)?,
    })
}

/// What is one folder's name, and no way out of the one above.
fn part(field: &Field<'_>, text: &str) -> Result<String, FieldError> {
    match text.contains(['/', '\0']) || text == "." || text == ".." {
        true => Err(field.invalid("is no device's name on a bus, such as 0000:3b:00.1")),
        false => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
