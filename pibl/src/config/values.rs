//! The small languages inside values: durations, sizes, backend addresses, networks.
//!
//! `resolved` reads flags and file through the same functions, so that both speak alike.
//! They never touch the network: names are resolved when a backend is connected to.

use std::net::IpAddr;
use std::time::Duration;

/// A network in CIDR notation (RFC 4632), or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl std::fmt::Display for Network {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}/{}", self.address, self.prefix)
    }
}

impl serde::Serialize for Network {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Network {
    /// Whether the address lies in the network; IPv4 addresses mapped into IPv6 are IPv4 here.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix);
                u32::from(network).checked_shr(shift) == u32::from(address).checked_shr(shift)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix);
                u128::from(network).checked_shr(shift) == u128::from(address).checked_shr(shift)
            }
            _ => false,
        }
    }
}

/// `1500ms`, `2s`, `5min`; the unit is not optional.
pub fn duration(text: &str) -> Result<Duration, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(format!("`{text}` has no unit; write for example `{text}s` or `{text}ms`"));
    }
    humantime::parse_duration(text).map_err(|error| format!("`{text}` is not a duration: {error}"))
}

/// `64KiB`, `1GB`, `512B`; the unit is not optional.
pub fn size(text: &str) -> Result<u64, String> {
    if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(format!("`{text}` has no unit; write for example `{text}KiB` or `{text}B`"));
    }
    text.parse::<bytesize::ByteSize>()
        .map(|size| size.0)
        .map_err(|_| format!("`{text}` is not a size; write for example `64KiB`, `10MB` or `1GiB`"))
}

/// `HOST:PORT`, an IPv6 address in brackets.
pub fn backend_address(text: &str) -> Result<String, String> {
    let (host, port) = text
        .rsplit_once(':')
        .ok_or_else(|| format!("`{text}` has no port; write `HOST:PORT`, for example `{text}:80`"))?;
    match port.parse::<u16>() {
        Ok(port) if port > 0 => {}
        _ => return Err(format!("`{port}` is not a port between 1 and 65535")),
    }
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    let is_valid = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
        }
    };
    if text.starts_with("http://") || text.starts_with("https://") {
        return Err(format!("`{text}` is a URL; write only `HOST:PORT`"));
    }
    if !is_bracketed && host.contains(':') {
        return Err(format!("`{text}` looks like an IPv6 address; write it as `[ADDRESS]:PORT`"));
    }
    if is_valid { Ok(text.to_owned()) } else { Err(format!("`{host}` is not a host name or address")) }
}

/// `10.0.0.0/8`, `::1`.
pub fn network(text: &str) -> Result<Network, String> {
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let address: IpAddr =
        address.parse().map_err(|_| format!("`{text}` is not an address or network such as `10.0.0.0/8`"))?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => longest,
        Some(prefix) => prefix
            .parse()
            .ok()
            .filter(|prefix| *prefix <= longest)
            .ok_or_else(|| format!("`/{prefix}` is not a prefix length between 0 and {longest}"))?,
    };
    Ok(Network { address, prefix })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_need_a_unit() {
        assert_eq!(duration("1500ms"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(duration("60").unwrap_err().contains("no unit"));
        assert!(duration("").is_err() && duration("-1s").is_err() && duration("abc").is_err());
        assert_eq!(size("64KiB"), Ok(65_536));
        assert!(size("64").unwrap_err().contains("no unit"));
    }

    #[test]
    fn backend_addresses_are_host_and_port() {
        for valid in ["a:80", "10.0.0.1:8080", "[::1]:80", "my_host.example-x:1"] {
            assert!(backend_address(valid).is_ok(), "{valid}");
        }
        for invalid in ["a", "a:0", "a:70000", ":80", "::1:80", "http://a:80", "a b:80", "[::g]:80"] {
            assert!(backend_address(invalid).is_err(), "{invalid}");
        }
    }

    #[test]
    fn networks_contain_their_addresses() {
        let contains = |text, address: &str| network(text).unwrap().contains(address.parse().unwrap());
        assert!(contains("10.0.0.0/8", "10.200.3.4") && !contains("10.0.0.0/8", "11.0.0.1"));
        assert!(contains("127.0.0.1", "127.0.0.1") && !contains("127.0.0.1", "127.0.0.2"));
        assert!(contains("0.0.0.0/0", "1.2.3.4") && !contains("0.0.0.0/0", "::1"));
        assert!(contains("fd00::/8", "fd12::1") && contains("10.0.0.0/8", "::ffff:10.1.1.1"));
        assert!(network("10.0.0.0/33").is_err() && network("x").is_err());
    }
}
