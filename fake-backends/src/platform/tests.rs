//! The sockets of a run, tried on real ones.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Network;

const SOON: Duration = Duration::from_secs(5);

fn any_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

#[test]
fn a_socket_that_is_bound_but_does_not_listen_refuses() {
    let network = Network::host();
    let down = network.bind_without_listening(any_port()).unwrap();
    let address = down.local_addr().unwrap().as_socket().unwrap();
    let error = network.connect(address, SOON).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    down.listen(8).unwrap();
    network.connect(address, SOON).unwrap();
}

#[test]
fn a_private_network_is_apart_from_the_host_and_has_the_addresses_asked_for() {
    let wanted: IpAddr = Ipv4Addr::new(172, 31, 90, 7).into();
    let private = match Network::new_private(&[wanted, IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, 7])]) {
        Ok(network) => network,
        Err(error) => {
            // What the host does not allow is skipped, with the reason.
            eprintln!("skipped: {error}");
            return;
        }
    };
    assert!(private.is_private() && private.file().is_some());
    for address in
        [SocketAddr::new(wanted, 80), "[fd00::7]:80".parse().unwrap(), "127.0.0.9:80".parse().unwrap()]
    {
        let listener = private.listen(address, 8).unwrap();
        let mut client = private.connect(address, SOON).unwrap();
        client.write_all(b"hello").unwrap();
        drop(client);
        let mut heard = String::new();
        listener.accept().unwrap().0.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "hello");
    }
    // The same thread goes back and forth, and each side sees its own port only.
    let inside = private.listen(any_port(), 8).unwrap().local_addr().unwrap();
    let host = Network::host();
    let outside = host.listen(any_port(), 8).unwrap();
    assert!(
        private.connect(outside.local_addr().unwrap(), SOON).is_err()
            || outside.local_addr().unwrap() == inside
    );
    host.connect(outside.local_addr().unwrap(), SOON).unwrap();
    assert!(
        host.listen(SocketAddr::new(wanted, 0), 8).is_err(),
        "the address exists in the private network only"
    );
}

#[test]
#[cfg(target_os = "linux")]
fn a_thread_that_was_started_in_a_private_network_finds_its_way_to_the_host() {
    let own_network = || std::fs::read_link("/proc/thread-self/ns/net").unwrap();
    let Ok(private) = Network::new_private(&[]) else {
        eprintln!("skipped: this host allows no private network");
        return;
    };
    Network::host().enter().unwrap();
    let outside = own_network();
    let in_private = move || {
        private.enter().unwrap();
        let child = std::thread::spawn(move || {
            let inherited = own_network();
            Network::host().enter().unwrap();
            (inherited, own_network())
        });
        (own_network(), child.join().unwrap())
    };
    let (inside, (inherited, back)) = std::thread::spawn(in_private).join().unwrap();
    assert_ne!(inside, outside);
    assert_eq!(inherited, inside);
    assert_eq!(back, outside);
}
