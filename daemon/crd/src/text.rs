//! Text of a form. The patterns are those of the parsers behind the API, as far as a pattern can say it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident $constraints:tt;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        #[schemars(extend $constraints)]
        pub struct $name(pub String);

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )*};
}

/// Names of pools and networks.
pub(crate) const NAME: &str = "^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$";

texts! {
    /// The name of a pool.
    PoolName ("pattern" = NAME, "maxLength" = 63);
    /// The name of a network.
    NetworkName ("pattern" = NAME, "maxLength" = 63);
    /// The name of a namespace.
    NamespaceName ("pattern" = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "maxLength" = 63);
    /// The name of a node.
    NodeName ("pattern" = "^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$", "maxLength" = 253);
    /// The name of a node, in which `*` stands for any characters.
    NodePattern ("pattern" = "^[A-Za-z0-9*][A-Za-z0-9._*-]{0,252}$", "maxLength" = 253);
    /// An application: `KIND/NAMESPACE/NAME`.
    AppName ("pattern" = "^[A-Za-z0-9._:~#@-]+(/[A-Za-z0-9._:~#@-]+)*$", "maxLength" = 253);
    /// An IP address of either family.
    Address ("pattern" = "^[0-9a-fA-F:.]+$", "maxLength" = 45,
        "anyOf" = [{"format": "ipv4"}, {"format": "ipv6"}]);
    /// A prefix without host bits, such as `10.0.0.0/16`.
    Prefix ("pattern" = "^[0-9a-fA-F:.]+/[0-9]{1,3}$", "maxLength" = 49, "format" = "cidr");
    /// An address or a prefix.
    Place ("pattern" = "^[0-9a-fA-F:.]+(/[0-9]{1,3})?$", "maxLength" = 49);
    /// An address, a prefix, or `FIRST-LAST`.
    Span ("pattern" = "^[0-9a-fA-F:.]+(/[0-9]{1,3}|-[0-9a-fA-F:.]+)?$", "maxLength" = 91);
    /// An address, or `none`.
    Gateway ("pattern" = "^(none|[0-9a-fA-F:.]+)$", "maxLength" = 45);
    /// When addresses are given back: `on-delete`, `on-app-delete`, `on-scale-down`, `after:2h`, `never`.
    Release ("pattern" = "^(on-delete|on-app-delete|on-scale-down|never|after:[0-9]+[smhd])$");
    /// A time: a whole number with `s`, `m`, `h` or `d`.
    Duration ("pattern" = "^[0-9]+[smhd]$");
    /// An identifier in the form of an IPv4 address.
    RouterId ("pattern" = "^[0-9]{1,3}(\\.[0-9]{1,3}){3}$", "format" = "ipv4");
    /// The absolute path of a file of the node, without `.` and `..`.
    File ("pattern" = "^(/[^/\\x00-\\x1f]+)+$", "maxLength" = 4095);
    /// A name of a rule.
    RuleName ("pattern" = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "maxLength" = 63);
    /// The key of a label.
    LabelKey ("pattern" = "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$",
        "maxLength" = 317);
    /// The value of a label.
    LabelValue ("pattern" = "^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$", "maxLength" = 63);
    /// A community: `64512:100`, or one of the known names.
    Community ("pattern" = "^([0-9]+:[0-9]+|no-export|no-advertise|no-export-subconfed|graceful-shutdown|blackhole)$");
    /// A community, or all of an AS: `64512:*`.
    CommunityMatch ("pattern" = "^([0-9]+:([0-9]+|\\*)|no-export|no-advertise|no-export-subconfed|graceful-shutdown|blackhole)$");
    /// A large community: `64512:1:2`.
    LargeCommunity ("pattern" = "^[0-9]+:[0-9]+:[0-9]+$");
    /// A large community, or all of an AS: `64512:*:*`.
    LargeMatch ("pattern" = "^[0-9]+:([0-9]+:[0-9]+|\\*:\\*)$");
    /// `Self`, `Unchanged`, or an address.
    NextHop ("pattern" = "^(Self|Unchanged|[0-9a-fA-F:.]+)$", "maxLength" = 45);
}
