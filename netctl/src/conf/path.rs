//! Paths of fields, as errors write them: `ipam.ranges[0][1].rangeStart`.

use serde_json::{Map, Value};

/// One below another.
pub(crate) fn join(parent: &str, path: &str) -> String {
    match (parent, path) {
        ("", path) => path.to_owned(),
        (parent, "") => parent.to_owned(),
        (parent, path) if path.starts_with('[') => format!("{parent}{path}"),
        (parent, path) => format!("{parent}.{path}"),
    }
}

/// The field that an error names, and what it says of it. None where it names no single one.
pub(crate) fn named(message: &str) -> (&str, &str) {
    match message.split_once(": ") {
        Some((path, rest)) if !path.is_empty() && !path.contains(char::is_whitespace) => {
            (path, rest)
        }
        _ => ("", message),
    }
}

/// The object that holds the field and its key there; none for what is not there, or is an element of an array.
pub(crate) fn holder<'v>(
    object: &'v mut Map<String, Value>,
    path: &str,
) -> Option<(&'v mut Map<String, Value>, String)> {
    // Keys may have dots themselves.
    let starts = |key: &str| {
        path.get(..key.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(key))
            && matches!(path[key.len()..].chars().next(), None | Some('.' | '['))
    };
    let key = object
        .keys()
        .filter(|key| starts(key))
        .max_by_key(|key| key.len());
    let key = key?.clone();
    match &path[key.len()..] {
        "" => Some((object, key)),
        rest => within(object.get_mut(&key)?, rest),
    }
}

fn within<'v>(value: &'v mut Value, rest: &str) -> Option<(&'v mut Map<String, Value>, String)> {
    if let Some(path) = rest.strip_prefix('.') {
        return holder(value.as_object_mut()?, path);
    }
    let (index, rest) = rest.strip_prefix('[')?.split_once(']')?;
    let item = value
        .as_array_mut()?
        .get_mut(index.parse::<usize>().ok()?)?;
    within(item, rest)
}

/// The object at `path` itself.
pub(crate) fn object_at<'v>(
    object: &'v mut Map<String, Value>,
    path: &str,
) -> Option<&'v mut Map<String, Value>> {
    if path.is_empty() {
        return Some(object);
    }
    // Its place in arrays, however deep.
    let end = match path.ends_with(']') {
        true => path.rfind('.').map_or(0, |dot| dot + 1),
        false => path.len(),
    };
    let open = path[end..].find('[').map_or(path.len(), |open| end + open);
    let (held, key) = holder(object, &path[..open])?;
    let indices = path[open..]
        .split(['[', ']'])
        .filter(|index| !index.is_empty());
    let value = indices
        .into_iter()
        .try_fold(held.get_mut(&key)?, |value, index| {
            value.as_array_mut()?.get_mut(index.parse::<usize>().ok()?)
        });
    value?.as_object_mut()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn whole() -> Map<String, Value> {
        let whole = json!({"ipam": {"ranges": [[{"Subnet": 1}]], "type": "x"}, "a.b": {"c": 1}, "list": [{"k": 1}]});
        whole.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn fields_are_found_by_their_paths() {
        for (path, key) in [
            ("ipam", Some("ipam")),
            ("IPAM.type", Some("type")),
            ("ipam.ranges[0][0].subnet", Some("Subnet")),
            ("a.b.c", Some("c")),
            ("ipam.ranges[0][1].subnet", None),
            ("ipam.ranges[0]", None),
            ("ipam.pool", None),
            ("", None),
            ("a..", None),
            ("ipam.ranges[x].y", None),
        ] {
            let mut whole = whole();
            let found = holder(&mut whole, path).map(|(_, key)| key);
            assert_eq!(found.as_deref(), key, "{path}");
        }
    }

    #[test]
    fn objects_are_found_by_their_paths() {
        let mut whole = whole();
        for (path, found) in [
            ("", true),
            ("ipam", true),
            ("list[0]", true),
            ("ipam.ranges[0][0]", true),
            ("ipam.ranges[0]", false),
            ("list[1]", false),
            ("ipam.type", false),
        ] {
            assert_eq!(object_at(&mut whole, path).is_some(), found, "{path}");
        }
    }

    #[test]
    fn errors_name_fields() {
        assert_eq!(named("mtu: 3: must be more"), ("mtu", "3: must be more"));
        assert_eq!(
            named("device, hwaddr or x: missing"),
            ("", "device, hwaddr or x: missing")
        );
        assert_eq!(named("no colon"), ("", "no colon"));
        assert_eq!(join("plugins[0]", "ipam"), "plugins[0].ipam");
        assert_eq!(join("", "ipam"), "ipam");
        assert_eq!(join("ranges", "[0]"), "ranges[0]");
    }
}
