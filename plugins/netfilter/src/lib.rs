//! Masquerading and MAC spoof checks in nftables and iptables.
