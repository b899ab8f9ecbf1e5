//! Defects of who may come in, and how often.

use std::net::{IpAddr, Ipv4Addr};

use super::Defect;

/// Whether the list of addresses is read and never looked at.
pub fn lets_everybody_in(defect: Defect) -> bool {
    defect == Defect::LetsEverybodyIn
}

/// The address whose bucket a client's requests are taken from: its own, or one for all of them.
pub fn bucket_of(defect: Defect, address: IpAddr) -> IpAddr {
    if defect == Defect::OneBucketForAll { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { address }
}
