//! Programs that try to get out, as root and as an ordinary user: none of the ways of `proxies/escapes.py` leads anywhere.
//!
//! What they would reach is made by the test, outside: a file, a socket with a name and one without, shared memory, a key, and the
//! process of the test itself.

#![cfg(target_os = "linux")]

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::path::{Path, PathBuf};

use fake_backends::platform::Network;
use harness_model::adapter::Adapter;
use harness_run::proxy_under_test::ports::PortLease;
use harness_run::proxy_under_test::{Confinement, Wish};

use crate::ordinary;
use crate::subject::{Run, order_of, prepare_confined, shell};

async fn run() -> Run {
    let network = Network::new_private(&[]).unwrap_or_else(|_| Network::host());
    prepare_confined(Confinement::of_submission(), network, Wish::BestPossible, |_| {}).await
}

#[tokio::test]
async fn no_way_leads_out() {
    ordinary::also("escapes::no_way_leads_out");
    if !ordinary::may_have_namespaces() {
        return;
    }
    let lease = PortLease::any(301).unwrap();
    let mut run = run().await;
    let own = run.proxy.directory().to_path_buf();
    std::fs::copy(std::env::current_exe().unwrap(), own.join("program")).unwrap();
    std::fs::write(own.join("escapes.py"), include_str!("proxies/escapes.py")).unwrap();
    let outside = tempfile::tempdir().unwrap();
    let neighbour = outside.path().join("secret");
    std::fs::write(&neighbour, "of another team").unwrap();
    let named = place_for_a_socket(outside.path());
    let _named = UnixListener::bind(&named).unwrap();
    let abstractly = format!("harness-test-{}", std::process::id());
    let _abstractly = UnixListener::bind_addr(&SocketAddr::from_abstract_name(&abstractly).unwrap()).unwrap();
    let segment = Segment::new();
    // In the keyring of the session that the guard is started in.
    let (kind, name, session) = (c"user", c"harness-test", -3);
    // SAFETY: two strings and one byte, which are only read.
    unsafe {
        libc::syscall(libc::SYS_add_key, kind.as_ptr(), name.as_ptr(), c"x".as_ptr(), 1_usize, session)
    };
    let script = format!(
        "python3 escapes.py {} {} {} {abstractly} {} > seen 2>&1; exec ./program --exact subject::program --nocapture",
        neighbour.display(),
        std::process::id(),
        named.display(),
        segment.0
    );
    let started = run.proxy.start(order_of(shell(&script), "honest", lease.loopback())).await;
    let seen = std::fs::read_to_string(own.join("seen")).unwrap_or_default();
    let enforced = run.proxy.enforced();
    let _ = std::fs::remove_file(&named);
    started.unwrap_or_else(|problem| panic!("{problem:?} ({enforced}): {seen}"));
    assert!(seen.contains("all ways tried"), "{enforced}: {seen}");
    let out: Vec<&str> = seen.lines().filter(|line| line.contains("got out")).collect();
    assert!(out.is_empty(), "{enforced}: {out:#?}\n{seen}");
    assert!(seen.lines().filter(|line| line.contains(": held")).count() > 30, "{seen}");
    assert_eq!(std::fs::read_to_string(&neighbour).unwrap(), "of another team");
    run.proxy.kill().await;
}

#[tokio::test]
async fn what_honest_programs_do_they_still_do() {
    ordinary::also("escapes::what_honest_programs_do_they_still_do");
    let lease = PortLease::any(302).unwrap();
    let (network, private) = match Network::new_private(&[]) {
        Ok(network) => (network, true),
        Err(_) => (Network::host(), false),
    };
    let change = |adapter: &mut Adapter| adapter.touch = vec!["touched.log".into()];
    let mut run = prepare_confined(Confinement::of_submission(), network, Wish::BestPossible, change).await;
    let own = run.proxy.directory().to_path_buf();
    std::fs::copy(std::env::current_exe().unwrap(), own.join("program")).unwrap();
    std::fs::write(own.join("lawful.py"), include_str!("proxies/lawful.py")).unwrap();
    // Through a file: how it is started must not matter to what it finds.
    let script = "python3 lawful.py; exec ./program --exact subject::program --nocapture";
    let mut start = order_of(shell(script), "honest", lease.loopback());
    start.launch.files.insert("settings.conf".into(), "port 1\n".into());
    let started = run.proxy.start(start).await;
    let said = std::fs::read_to_string(&run.stdout).unwrap_or_default();
    let enforced = run.proxy.enforced();
    started.unwrap_or_else(|problem| panic!("{problem:?} ({enforced}): {said}"));
    assert!(said.contains("all tried"), "{enforced}: {said}");
    let in_vain: Vec<&str> = said
        .lines()
        .filter(|line| line.contains(": in vain"))
        // Without mounts or a network of its own it has less, which its record says.
        .filter(|line| private || !line.starts_with("binds_a_low_port"))
        .filter(|line| enforced.private == Some(true) || !line.starts_with("has_temporary_files"))
        // Nobody, as whom the test runs again, has none.
        .filter(|line| ordinary::is_root() || !line.starts_with("has_a_home"))
        .collect();
    assert!(in_vain.is_empty(), "{enforced}: {in_vain:#?}");
    if ordinary::is_root() {
        use std::os::unix::fs::MetadataExt as _;
        assert_eq!(enforced.user, Some(true), "{enforced}");
        let owner = std::fs::metadata(own.join("cache/two")).unwrap().uid();
        assert!(owner > 60_000, "what it writes belongs to user {owner}");
    }
    run.proxy.kill().await;
}

/// Where services of the host have theirs, and where a temporary one lies.
fn place_for_a_socket(outside: &Path) -> PathBuf {
    let name = format!("harness-test-{}.socket", std::process::id());
    let place = if ordinary::is_root() { Path::new("/run") } else { outside };
    place.join(name)
}

/// Shared memory of the test's own, by its number.
struct Segment(i32);

impl Segment {
    fn new() -> Segment {
        // SAFETY: shmget(2) makes a segment and touches no memory of this process.
        Segment(unsafe { libc::shmget(libc::IPC_PRIVATE, 4096, libc::IPC_CREAT | 0o666) })
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        // SAFETY: IPC_RMID reads no structure.
        unsafe { libc::shmctl(self.0, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}
