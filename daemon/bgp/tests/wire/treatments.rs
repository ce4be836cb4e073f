//! UPDATEs with one malformed attribute, and what is done about each (RFC 7606, 7).

use crate::common::{FOUR, INTERNAL, TWO, hex, igp};
use crate::malformed::{AS_PATH, NEXT_HOP, ORIGIN, announced, judged, withdrawn};
use fairway_bgp::wire::Treatment::{Discard, Withdraw};
use fairway_bgp::wire::{Coding, Fault, Field, Treatment};

/// Coding, attribute, what is wrong with it as it is shown, what that is. It stands in place of the right ORIGIN, AS_PATH
/// or NEXT_HOP, or beside them.
pub(crate) const WITHDRAWN: &str = "
# 7.1
four   | 40 01 00                                  | length 0                   | ORIGIN of 0 octets
four   | 40 01 02 0000                             | length 2                   | ORIGIN of 2
four   | 40 01 01 03                               | value is not allowed       | ORIGIN that there is not
four   | c0 01 01 00                               | flags 0xc0                 | ORIGIN that is optional
four   | 00 01 01 00                               | flags 0x00                 | ORIGIN that is not transitive
# 7.2
four   | 40 02 <05 01 0000fde9>                    | malformed segment          | a segment of another type
four   | 40 02 <00 01 0000fde9>                    | malformed segment          | a segment of type 0
four   | 40 02 <02 02 0000fde9>                    | malformed segment          | a segment that is longer than the attribute
four   | 40 02 <02 01 0000fde9 02>                 | malformed segment          | one octet after the last segment
four   | 40 02 <02 01 0000fde9 02 00>              | malformed segment          | an empty segment
four   | 40 02 <02 01 fde9>                        | malformed segment          | numbers of two octets instead of four
two    | 40 02 <02 01 0000fde9>                    | AS 0                       | numbers of four octets instead of two
four   | c0 02 <02 01 0000fde9>                    | flags 0xc0                 | AS_PATH that is optional
four   | 40 02 <02 02 0000fde9 00000000>           | AS 0                       | AS 0 (RFC 7607)
sets   | 40 02 <01 01 00000000>                    | AS 0                       | AS 0 in a set
four   | 40 02 <02 01 0000fde9 01 01 0000fdea>     | AS_SET                     | a set (RFC 9774)
four   | 40 02 <04 01 0000fdea>                    | AS_SET                     | a set of a confederation
four   | 40 02 <03 01 0000fdea>                    | segment of a confederation | a confederation one is not in (RFC 5065)
sets   | 40 02 <04 01 0000fdea>                    | segment of a confederation | likewise of a set, where sets may be
# 7.3
four   | 40 03 00                                  | length 0                   | NEXT_HOP of 0 octets
four   | 40 03 03 0a0000                           | length 3                   | NEXT_HOP of 3
four   | 40 03 10 20010db8000000000000000000000001 | length 16                  | NEXT_HOP of 16
four   | 40 03 04 00000000                         | value is not allowed       | NEXT_HOP 0.0.0.0
four   | 40 03 04 7f000001                         | value is not allowed       | NEXT_HOP 127.0.0.1
four   | 40 03 04 e0000001                         | value is not allowed       | NEXT_HOP 224.0.0.1
four   | 40 03 04 ffffffff                         | value is not allowed       | NEXT_HOP 255.255.255.255
four   | 80 03 04 0a000001                         | flags 0x80                 | NEXT_HOP that is optional
# 7.4
four   | 80 04 00                                  | length 0                   | MULTI_EXIT_DISC of 0 octets
four   | 80 04 03 000001                           | length 3                   | MULTI_EXIT_DISC of 3
four   | 80 04 05 0000000001                       | length 5                   | MULTI_EXIT_DISC of 5
four   | c0 04 04 00000001                         | flags 0xc0                 | MULTI_EXIT_DISC that is transitive
# 7.5
inside | 40 05 00                                  | length 0                   | LOCAL_PREF of 0 octets
inside | 40 05 08 0000000000000001                 | length 8                   | LOCAL_PREF of 8
inside | 80 05 04 00000001                         | flags 0x80                 | LOCAL_PREF that is optional
four   | 80 05 04 00000001                         | flags 0x80                 | the same from outside: the stronger treatment counts
# Flags are not what 7.6 and 7.7 speak of, but 3 (c).
four   | c0 06 00                                  | flags 0xc0                 | ATOMIC_AGGREGATE that is optional
four   | 40 07 08 0000fde9 0a000002                | flags 0x40                 | AGGREGATOR that is well-known
# 7.8
four   | c0 08 00                                  | length 0                   | COMMUNITIES of 0 octets
four   | c0 08 06 fde9 0001 fde9                   | length 6                   | COMMUNITIES of 6
four   | 80 08 04 fde90001                         | flags 0x80                 | COMMUNITIES that are not transitive
# 7.9
inside | 80 09 00                                  | length 0                   | ORIGINATOR_ID of 0 octets
inside | 80 09 05 0a00000100                       | length 5                   | ORIGINATOR_ID of 5
inside | 80 09 04 00000000                         | value is not allowed       | ORIGINATOR_ID 0 (RFC 6286)
inside | c0 09 04 0a000001                         | flags 0xc0                 | ORIGINATOR_ID that is transitive
# 7.10
inside | 80 0a 00                                  | length 0                   | CLUSTER_LIST of 0 octets
inside | 80 0a 06 0a0000010a00                     | length 6                   | CLUSTER_LIST of 6
inside | 80 0a 08 0a00000100000000                 | value is not allowed       | CLUSTER_LIST with 0
inside | c0 0a 04 0a000001                         | flags 0xc0                 | CLUSTER_LIST that is transitive
# 7.14
four   | c0 10 00                                  | length 0                   | EXTENDED COMMUNITIES of 0 octets
four   | c0 10 0c 0002fde9000000640002fde9         | length 12                  | EXTENDED COMMUNITIES of 12
four   | 80 10 08 0002fde900000064                 | flags 0x80                 | EXTENDED COMMUNITIES that are not transitive
# RFC 8092, 5
four   | c0 20 00                                  | length 0                   | LARGE_COMMUNITY of 0 octets
four   | c0 20 10 0000fde900000001000000020000fde9 | length 16                  | LARGE_COMMUNITY of 16
four   | 80 20 0c 0000fde90000000100000002         | flags 0x80                 | LARGE_COMMUNITY that is not transitive
# RFC 9774 speaks of this one, too; flags as for all.
two    | c0 11 <01 01 0000fde9>                    | AS_SET                     | a set in AS4_PATH
two    | 40 11 <02 01 0000fde9>                    | flags 0x40                 | AS4_PATH that is well-known
two    | 80 12 08 0000fde9 0a000002                | flags 0x80                 | AS4_AGGREGATOR that is not transitive
";

/// Likewise, always beside them.
pub(crate) const LEFT_OUT: &str = "
# 7.5, 7.9, 7.10: whatever is in them
four | 40 05 04 00000064          | not expected from such a neighbour | LOCAL_PREF from outside
four | 40 05 01 00                | not expected from such a neighbour | a malformed one
four | 80 09 04 0a000001          | not expected from such a neighbour | ORIGINATOR_ID from outside
four | 80 09 00                   | not expected from such a neighbour | a malformed one
four | 80 0a 04 0a000001          | not expected from such a neighbour | CLUSTER_LIST from outside
four | 80 0a 01 00                | not expected from such a neighbour | a malformed one
# 7.6
four | 40 06 01 00                | length 1                           | ATOMIC_AGGREGATE of 1 octet
# 7.7
four | c0 07 06 fde9 0a000002     | length 6                           | AGGREGATOR of 6 octets
four | c0 07 00                   | length 0                           | AGGREGATOR of 0
two  | c0 07 08 0000fde9 0a000002 | length 8                           | AGGREGATOR of 8 instead of 6
four | c0 07 08 00000000 0a000002 | AS 0                               | AGGREGATOR of AS 0 (RFC 7607)
# RFC 6793, 4.1
four | c0 11 <02 01 0000fde9>     | not expected from such a neighbour | AS4_PATH from a speaker of four octets
four | c0 12 08 0000fde9 0a000002 | not expected from such a neighbour | AS4_AGGREGATOR from such a one
# RFC 6793, 6
two  | c0 11 00                   | length 0                           | AS4_PATH of 0 octets
two  | c0 11 01 02                | malformed segment                  | AS4_PATH of 1 octet
two  | c0 11 <02 02 0000fde9>     | malformed segment                  | a segment that is longer than AS4_PATH
two  | c0 11 <02 00>              | malformed segment                  | an empty segment of it
two  | c0 11 <09 01 0000fde9>     | malformed segment                  | a segment of it of another type
two  | c0 11 <02 01 00000000>     | AS 0                               | AS 0 in it (RFC 7607)
two  | c0 12 06 fde9 0a000002     | length 6                           | AS4_AGGREGATOR of 6 octets
two  | c0 12 08 00000000 0a000002 | AS 0                               | AS4_AGGREGATOR of AS 0 (RFC 7607)
";

/// Name, coding, attribute, its type, what is wrong with it.
pub(crate) fn rows(table: &str) -> impl Iterator<Item = (&str, Coding, &str, u8, &str)> {
    let lines = table
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut cells = line.split('|').map(str::trim);
            let mut cell = || cells.next().expect(line);
            let coding = match cell() {
                "four" => FOUR,
                "two" => TWO,
                "inside" => INTERNAL,
                "sets" => Coding {
                    as_sets: true,
                    ..FOUR
                },
                other => panic!("{other}"),
            };
            let attribute = cell();
            (cell(), coding, attribute, hex(attribute)[1], cell())
        })
        .map(|(wrong, coding, attribute, code, name)| (name, coding, attribute, code, wrong))
}

/// That there is a single fault, in the attribute.
fn assert_one(faults: &[Fault], code: u8, wrong: &str, treatment: Treatment, name: &str) {
    let [fault] = faults else {
        panic!("{name}: {faults:?}");
    };
    assert_eq!(fault.field, Field::Attribute(code), "{name}");
    assert_eq!(fault.wrong.to_string(), wrong, "{name}");
    assert_eq!(fault.treatment, treatment, "{name}");
}

/// A list of attributes with it, beside or in place of what must be there.
pub(crate) fn with(coding: &Coding, code: u8, attribute: &str) -> String {
    let path = match coding.four_octets {
        true => AS_PATH,
        false => "40 02 04 02 01 fde9",
    };
    let others = [(1, ORIGIN), (2, path), (3, NEXT_HOP)];
    let others = others.into_iter().filter(|(other, _)| *other != code);
    let list = others.map(|(_, text)| text).chain([attribute]);
    list.collect::<Vec<_>>().join(" ")
}

#[test]
fn one_attribute_for_which_routes_are_withdrawn() {
    for (name, coding, attribute, code, wrong) in rows(WITHDRAWN) {
        let (update, faults) = judged(&coding, &with(&coding, code, attribute));
        assert_one(&faults, code, wrong, Withdraw, name);
        assert_eq!(update, withdrawn(), "{name}");
    }
}

#[test]
fn attributes_that_are_left_out() {
    for (name, coding, attribute, code, wrong) in rows(LEFT_OUT) {
        let (update, faults) = judged(&coding, &with(&coding, code, attribute));
        assert_one(&faults, code, wrong, Discard, name);
        assert_eq!(update, announced(igp([65001])), "{name}");
    }
}
