//! The loopback interface of the namespace that the calling thread is in: up, and with the addresses that a run needs.
//!
//! `linux::new_private` calls it in the thread that has just made the namespace. It asks the kernel by `ioctl`, so no
//! external program is needed, and it touches no interface but `lo`.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustix::ioctl::{Opcode, Setter};
use rustix::net::{AddressFamily, SocketType, socket};

// Numbers of <linux/sockios.h> and flags of <linux/if.h>; they are the same on every architecture.
const SET_FLAGS: Opcode = 0x8914;
const SET_ADDRESS: Opcode = 0x8916;
const SET_NETMASK: Opcode = 0x891c;
const UP: u16 = 0x1;
const RUNNING: u16 = 0x40;

/// The loopback interface is the first that a namespace has.
const LOOPBACK_INDEX: i32 = 1;

/// `struct ifreq`: a name, and a union of which the largest member has 24 bytes.
#[repr(C)]
struct Request {
    name: [u8; 16],
    value: [u8; 24],
}

/// `struct in6_ifreq`.
#[repr(C)]
struct Request6 {
    address: [u8; 16],
    prefix_length: u32,
    interface: i32,
}

/// Brings `lo` up; the kernel gives it 127.0.0.1/8 and ::1 by itself.
pub(super) fn bring_loopback_up() -> io::Result<()> {
    let mut request = Request { name: name_of("lo"), value: [0; 24] };
    request.value[..2].copy_from_slice(&(UP | RUNNING).to_ne_bytes());
    set::<SET_FLAGS, _>(AddressFamily::INET, request)
}

/// Adds one address to `lo`; `index` makes the name of the alias unique.
pub(super) fn add_loopback_address(index: usize, address: IpAddr) -> io::Result<()> {
    match address {
        // The whole of 127/8 and ::1 are there already.
        IpAddr::V4(address) if address.is_loopback() => Ok(()),
        IpAddr::V6(Ipv6Addr::LOCALHOST) => Ok(()),
        IpAddr::V4(address) => {
            let alias = name_of(&format!("lo:{index}"));
            set::<SET_ADDRESS, _>(
                AddressFamily::INET,
                Request { name: alias, value: socket_address(address) },
            )?;
            // Without this the kernel assumes the class of the address, and the whole of 10/8 would be local.
            let mask = socket_address(Ipv4Addr::BROADCAST);
            set::<SET_NETMASK, _>(AddressFamily::INET, Request { name: alias, value: mask })
        }
        IpAddr::V6(address) => {
            let request =
                Request6 { address: address.octets(), prefix_length: 128, interface: LOOPBACK_INDEX };
            set::<SET_ADDRESS, _>(AddressFamily::INET6, request)?;
            wait_until_usable(address)
        }
    }
}

/// The kernel takes a new IPv6 address into use from a queue of work, a moment later: a busy host needs milliseconds.
fn wait_until_usable(address: Ipv6Addr) -> io::Result<()> {
    let mut last = io::Error::from(io::ErrorKind::TimedOut);
    for _ in 0..500 {
        match std::net::UdpSocket::bind((address, 0)) {
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::AddrNotAvailable => last = error,
            Err(error) => return Err(error),
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    Err(last)
}

fn set<const CODE: Opcode, T>(family: AddressFamily, request: T) -> io::Result<()> {
    let socket = socket(family, SocketType::DGRAM, None)?;
    // SAFETY: `T` is one of the two structures above, laid out as <linux/if.h> and <linux/ipv6.h> say, which is what
    // these three codes read on a socket of that family; the kernel only reads it, and it lives until the call returns.
    unsafe { rustix::ioctl::ioctl(socket, Setter::<CODE, T>::new(request)) }?;
    Ok(())
}

fn name_of(name: &str) -> [u8; 16] {
    let mut field = [0; 16];
    // The last byte stays NUL. Names made here are shorter than that anyway.
    let length = name.len().min(15);
    field[..length].copy_from_slice(&name.as_bytes()[..length]);
    field
}

/// `struct sockaddr_in` within the union: family in the byte order of the host, port 0, address in network order.
fn socket_address(address: Ipv4Addr) -> [u8; 24] {
    let mut value = [0; 24];
    value[..2].copy_from_slice(&AddressFamily::INET.as_raw().to_ne_bytes());
    value[4..8].copy_from_slice(&address.octets());
    value
}
