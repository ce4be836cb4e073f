//! The forms of names, as kube-apiserver has them: each a test and the words for what it takes.

/// A test, and what passes it.
pub type Form = (fn(&str) -> bool, &'static str);

/// RFC 1123 label: names of namespaces.
pub const LABEL: Form = (
    dns_label,
    "1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends",
);

/// RFC 1123 subdomain: names of most other objects.
pub const SUBDOMAIN: Form = (
    dns_subdomain,
    "1 to 253 of a-z, 0-9, - and ., with a letter or digit at both ends of each part",
);

/// Keys of labels and annotations.
pub const KEY: Form = (
    qualified,
    "a name of 1 to 63 of A-Z, a-z, 0-9, -, _ and ., with a letter or digit at both ends, or such a name after a DNS name and /",
);

/// Values of labels.
pub const VALUE: Form = (
    label_value,
    "empty or 1 to 63 of A-Z, a-z, 0-9, -, _ and ., with a letter or digit at both ends",
);

/// RFC 6335 service name (IANA_SVC_NAME): names of ports.
pub const PORT: Form = (
    port_name,
    "1 to 15 of a-z, 0-9 and single -, with a letter, and none of - at the ends",
);

/// All characters fit, those at both ends even more, and the length is right.
fn word(text: &str, most: usize, inner: fn(u8) -> bool, ends: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    bytes.len() <= most && ends(*first) && ends(*last) && bytes.iter().all(|byte| inner(*byte))
}

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn name(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    word(text, 63, inner, |byte| byte.is_ascii_alphanumeric())
}

fn dns_label(text: &str) -> bool {
    word(text, 63, |byte| lower(byte) || byte == b'-', lower)
}

fn dns_subdomain(text: &str) -> bool {
    // The parts have no limit of their own in Kubernetes.
    let part = |part| word(part, 253, |byte| lower(byte) || byte == b'-', lower);
    text.len() <= 253 && text.split('.').all(part)
}

fn qualified(text: &str) -> bool {
    match text.split_once('/') {
        None => name(text),
        Some((prefix, rest)) => dns_subdomain(prefix) && name(rest),
    }
}

fn label_value(text: &str) -> bool {
    text.is_empty() || name(text)
}

fn port_name(text: &str) -> bool {
    word(text, 15, |byte| lower(byte) || byte == b'-', lower)
        && text.bytes().any(|byte| byte.is_ascii_lowercase())
        && !text.contains("--")
}
