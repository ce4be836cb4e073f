//! Words that somebody may have meant.

/// No key has more characters.
const LONGEST: usize = 64;

/// The word of `known` that is nearest to `word`, unless it is far from all of them.
pub(crate) fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let folded = word.to_ascii_lowercase();
    let length = folded.chars().count();
    if length > LONGEST {
        return None;
    }
    // A letter in three may be wrong.
    let far = (length / 3).max(1);
    let distance = |other: &str| strsim::osa_distance(&folded, &other.to_ascii_lowercase());
    let others = known.into_iter().map(|other| (distance(other), other));
    let (_, nearest) = others.filter(|(distance, _)| *distance <= far).min()?;
    Some(nearest)
}

/// `: did you mean …?`, where there is one.
pub(crate) fn did_you_mean<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    nearest(word, known).map_or_else(String::new, |near| format!(": did you mean {near:?}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_meant() {
        let known = ["isGateway", "isDefaultGateway", "ipMasq", "mtu", "ipam"];
        for (word, meant) in [
            ("isGatway", Some("isGateway")),
            ("gateway", Some("isGateway")),
            ("ipmask", Some("ipMasq")),
            ("mut", Some("mtu")),
            ("hairpin", None),
            ("", None),
            (&"m".repeat(65), None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
        assert_eq!(did_you_mean("mut", known), ": did you mean \"mtu\"?");
        assert_eq!(did_you_mean("comment", known), "");
    }
}
