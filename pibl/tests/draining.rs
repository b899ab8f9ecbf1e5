//! The orderly end: whoever was there before it is served.

use crate::testkit::{Backend, Client, Proxy, status};

#[test]
fn whoever_has_connected_before_the_end_is_served_although_nobody_accepted_him_yet() {
    let backend = Backend::echo();
    for round in 0..10 {
        let mut proxy = Proxy::start(&[backend.address], "[cache]\nenabled = false");
        // The kernel says that these are connected; most are still in its queue when the program is told
        // to end, some are accepted but their task has not run yet.
        let mut clients: Vec<Client> = (0..40).map(|_| proxy.connect()).collect();
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
        }
        proxy.stop();
        for (number, client) in clients.iter_mut().enumerate() {
            let response = client.read_to_end();
            assert_eq!(status(&response), 200, "round {round}, client {number}: {response:?}");
        }
    }
}

#[test]
fn whoever_has_connected_and_says_nothing_delays_the_end_by_a_moment_only() {
    let backend = Backend::echo();
    let mut proxy = Proxy::start(&[backend.address], "[timeouts]\nrequest_head = \"60s\"\ndrain = \"60s\"");
    let mut silent = proxy.connect();
    let start = tokio::time::Instant::now();
    proxy.stop();
    // A second for the first byte, one tick of the deadlines, and a wide margin for a busy machine.
    assert!(start.elapsed() < std::time::Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!(silent.read_to_end(), "");
}
