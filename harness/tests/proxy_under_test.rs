//! Proxies that do not start, listen late, hang or print without end: each gets its own, typed answer.

#![cfg(target_os = "linux")]

use std::net::TcpListener;
use std::time::Duration;

use harness_model::history::EventKind;
use harness_platform::{Limits, Signal};
use harness_run::proxy_under_test::ports::PortLease;
use harness_run::proxy_under_test::{Answer, NoAnswer, StartProblem, Wish, put_down};

use crate::subject::{self, eventually, lives, order, order_of, prepare, shell};

#[tokio::test]
async fn an_honest_proxy_is_ready_and_every_event_is_recorded_in_order() {
    let lease = PortLease::any(1).unwrap();
    let mut run = prepare(|_| {}).await;
    let ready = run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    assert_eq!((ready.status, ready.attempts_before), (Some(200), 0));
    assert!(run.proxy.is_alive() && lives(run.proxy.pid().unwrap()));
    let used = run.proxy.resources().unwrap();
    assert!(
        used.processes >= 1 && used.threads >= 1 && used.open_files > 2 && used.resident_bytes > 100_000,
        "{used:?}"
    );
    let pid = run.proxy.pid().unwrap();
    run.proxy.kill().await;
    assert!(!lives(pid) && !run.proxy.is_alive());
    let events = run.events.lock().unwrap();
    let names: Vec<&str> = events
        .iter()
        .map(|event| match event {
            EventKind::ProxyStarting { launch: 1, .. } => "starting",
            EventKind::ProxyReady { launch: 1, .. } => "ready",
            EventKind::ProxySignalled { signal, .. } if signal == "SIGKILL" => "killed",
            EventKind::ProxyExited(exit) if exit.expected && exit.signal == Some(9) => "exited",
            _ => "something else",
        })
        .collect();
    assert_eq!(names, ["starting", "ready", "killed", "exited"]);
}

#[tokio::test]
async fn a_proxy_that_dies_at_start_is_reported_at_once_with_its_last_lines() {
    let lease = PortLease::any(2).unwrap();
    let mut run = prepare(|adapter| adapter.ready_within = Duration::from_secs(600)).await;
    let problem = run.proxy.start(order("dies", lease.loopback())).await.unwrap_err();
    let StartProblem::DiedAtStart { code: Some(3), signal: None, last_lines, .. } = problem else {
        panic!("{problem:?}");
    };
    assert!(last_lines.iter().any(|line| line == "no such backend: alpha"), "{last_lines:?}");
    let problem = run.proxy.start(order("killed", lease.loopback())).await.unwrap_err();
    assert!(matches!(problem, StartProblem::DiedAtStart { code: None, signal: Some(8), .. }), "{problem:?}");
}

#[tokio::test]
async fn a_proxy_that_never_listens_and_one_on_another_port_are_told_apart() {
    let lease = PortLease::any(3).unwrap();
    let mut run = prepare(|adapter| adapter.ready_within = Duration::from_secs(2)).await;
    let problem = run.proxy.start(order("never-listens", lease.loopback())).await.unwrap_err();
    assert!(
        matches!(&problem, StartProblem::NeverListened { listens_on, .. } if listens_on.is_empty()),
        "{problem:?}"
    );
    let problem = run.proxy.start(order("wrong-port", lease.loopback())).await.unwrap_err();
    let StartProblem::NeverListened { listens_on, expected, .. } = problem else { panic!("{problem:?}") };
    assert_eq!(expected, lease.loopback());
    assert!(listens_on.len() == 1 && listens_on[0].port() != lease.port(), "{listens_on:?}");
    assert!(!run.proxy.is_alive());
}

#[tokio::test]
async fn a_proxy_that_waits_for_a_key_to_end_lives() {
    let lease = PortLease::any(41).unwrap();
    let mut run = prepare(|_| {}).await;
    run.proxy.start(order("waits-for-a-key", lease.loopback())).await.unwrap();
    // Elapsed time is the subject: at the end of its input it would have ended long before.
    assert!(tokio::time::timeout(Duration::from_millis(300), run.proxy.ended()).await.is_err());
}

#[tokio::test]
async fn a_proxy_that_listens_late_is_ready_late() {
    let lease = PortLease::any(4).unwrap();
    let mut run = prepare(|_| {}).await;
    let ready = run.proxy.start(order("late", lease.loopback())).await.unwrap();
    assert!(ready.listening_after >= Duration::from_millis(700), "{ready:?}");
    assert!(ready.answered_after.unwrap() >= ready.listening_after);
}

#[tokio::test]
async fn a_proxy_that_listens_and_does_not_answer_says_what_came_instead() {
    let lease = PortLease::any(5).unwrap();
    let mut run = prepare(|adapter| adapter.ready_within = Duration::from_secs(2)).await;
    let problem = run.proxy.start(order("silent", lease.loopback())).await.unwrap_err();
    assert!(matches!(problem, StartProblem::DoesNotAnswer { instead: NoAnswer::Silence, .. }), "{problem:?}");
    let problem = run.proxy.start(order("not-http", lease.loopback())).await.unwrap_err();
    let StartProblem::DoesNotAnswer { instead: NoAnswer::NotHttp(start), .. } = problem else {
        panic!("{problem:?}")
    };
    assert!(start.starts_with("220 mail"), "{start}");
    let mut unasked = order("silent", lease.loopback());
    unasked.answer = Answer::NotAsked;
    assert_eq!(run.proxy.start(unasked).await.unwrap().answered_after, None);
}

#[tokio::test]
async fn a_proxy_that_dies_of_a_request_is_reported_at_once_although_its_port_lingers() {
    let lease = PortLease::any(31).unwrap();
    let mut run = prepare(|adapter| adapter.rebind_within = Duration::from_secs(600)).await;
    let problem = run.proxy.start(order("dies-of-a-request", lease.loopback())).await.unwrap_err();
    assert!(matches!(problem, StartProblem::DiedOfRequest { code: Some(1), .. }), "{problem:?}");
}

#[tokio::test]
async fn a_port_in_use_is_reported_with_its_holder_and_a_restart_waits_for_it() {
    let lease = PortLease::any(6).unwrap();
    let mut run = prepare(|_| {}).await;
    let holder = TcpListener::bind(lease.loopback()).unwrap();
    let problem = run.proxy.start(order("honest", lease.loopback())).await.unwrap_err();
    let StartProblem::PortInUse { holder: Some(who), .. } = problem else { panic!("{problem:?}") };
    assert_eq!(who.pid, i32::try_from(std::process::id()).ok());
    // The second launch is a restart: it is tried until the port is free.
    let release = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(600)).await;
        drop(holder);
    });
    let ready = run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    assert!(ready.attempts_before >= 1 && ready.listening_after >= Duration::from_millis(500), "{ready:?}");
    release.await.unwrap();
}

#[tokio::test]
#[ignore = "the kernel keeps a closed connection for a minute"]
async fn a_proxy_without_reuseaddr_is_started_until_it_can_bind_again() {
    let lease = PortLease::any(7).unwrap();
    let mut run = prepare(|_| {}).await;
    run.proxy.start(order("without-reuse", lease.loopback())).await.unwrap();
    run.proxy.kill().await;
    let ready = run.proxy.start(order("without-reuse", lease.loopback())).await.unwrap();
    assert!(ready.attempts_before >= 1 && ready.listening_after > Duration::from_secs(20), "{ready:?}");
    let unexpected = |event: &EventKind| matches!(event, EventKind::ProxyExited(exit) if !exit.expected);
    assert!(!run.events.lock().unwrap().iter().any(unexpected));
}

#[tokio::test]
async fn a_restart_that_fails_for_another_reason_is_not_blamed_on_the_port() {
    let lease = PortLease::any(17).unwrap();
    let mut run = prepare(|_| {}).await;
    run.proxy.start(order("without-reuse", lease.loopback())).await.unwrap();
    run.proxy.kill().await;
    // Its readiness request leaves a connection that keeps the port for a minute.
    let again = run.proxy.start(order("dies", lease.loopback()));
    let problem = tokio::time::timeout(Duration::from_secs(30), again).await.expect("once").unwrap_err();
    let StartProblem::DiedAtStart { code, attempts_before, last_lines, .. } = problem else {
        panic!("{problem:?}")
    };
    assert_eq!((code, attempts_before), (Some(3), 0));
    assert!(last_lines.iter().any(|line| line.contains("no such backend")), "{last_lines:?}");
}

#[tokio::test]
async fn a_proxy_that_ignores_its_stop_signal_is_killed_and_reported() {
    let lease = PortLease::any(8).unwrap();
    let mut run = prepare(|adapter| adapter.stop_within = Duration::from_millis(500)).await;
    let stubborn = order_of(shell("trap '' TERM; exec SUBJECT"), "honest", lease.loopback());
    run.proxy.start(stubborn).await.unwrap();
    let pid = run.proxy.pid().unwrap();
    let outcome = run.proxy.stop().await.unwrap();
    assert!(outcome.hung && outcome.signal == Some(9) && !lives(pid), "{outcome:?}");
    let hung =
        |event: &EventKind| matches!(event, EventKind::ProxyHungAtStop { signal, .. } if signal == "SIGTERM");
    assert!(run.events.lock().unwrap().iter().any(hung));
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    let outcome = run.proxy.stop().await.unwrap();
    assert!(!outcome.hung && outcome.signal == Some(15), "{outcome:?}");
    assert_eq!(run.proxy.stop().await, None);
}

#[tokio::test]
async fn a_proxy_that_dies_in_mid_run_is_recorded_as_unexpected() {
    let lease = PortLease::any(9).unwrap();
    let mut run = prepare(|_| {}).await;
    // It dies right after the first answer, which is that of the readiness request.
    run.proxy.start(order("dies-later", lease.loopback())).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), run.proxy.ended()).await.unwrap();
    let seen = |event: &EventKind| {
        matches!(event, EventKind::ProxyExited(exit) if !exit.expected && exit.code == Some(7)
            && exit.last_lines.iter().any(|line| line.contains("enough for one life")))
    };
    eventually("its end is recorded", || run.events.lock().unwrap().iter().any(seen)).await;
    assert!(!run.proxy.is_alive());
}

#[tokio::test]
async fn a_proxy_that_prints_without_end_is_read_and_kept_within_bounds() {
    let lease = PortLease::any(10).unwrap();
    let mut run = prepare(|_| {}).await;
    run.proxy.start(order("chatter", lease.loopback())).await.unwrap();
    let length = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    eventually("the head is full", || length(&run.stdout) >= 16 << 20).await;
    run.proxy.kill().await;
    assert_eq!(length(&run.stdout), 16 << 20);
    assert!(run.proxy.last_lines().iter().any(|line| line.contains("all work")));
}

#[tokio::test]
async fn a_program_that_cannot_be_executed_is_named() {
    let lease = PortLease::any(11).unwrap();
    let mut run = prepare(|adapter| {
        adapter.files.insert("proxy".into(), String::new());
    })
    .await;
    let mut text = order_of(vec!["./proxy".into()], "honest", lease.loopback());
    text.launch.files.insert("proxy".into(), "not a program".into());
    let problem = run.proxy.start(text).await.unwrap_err();
    let StartProblem::NotExecutable { program, .. } = problem else { panic!("{problem:?}") };
    assert!(program.ends_with("/proxy"), "{program}");
}

#[tokio::test]
async fn the_working_directory_survives_a_crash_and_is_wiped_only_when_asked() {
    let lease = PortLease::any(12).unwrap();
    let mut run = prepare(|_| {}).await;
    let writes = shell("echo kept > cache/entry; exec SUBJECT");
    run.proxy.start(order_of(writes, "honest", lease.loopback())).await.unwrap();
    run.proxy.kill().await;
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    assert_eq!(run.proxy.files(), [("cache/entry".to_string(), 5)]);
    run.proxy.kill().await;
    run.proxy.wipe().unwrap();
    assert!(run.proxy.files().is_empty() && run.proxy.directory().join("cache").is_dir());
    let directory = run.proxy.directory().to_path_buf();
    drop(run);
    assert!(!directory.exists());
}

#[tokio::test]
async fn a_proxy_gets_a_path_and_a_home_and_nothing_else_of_ours_and_reads_its_script() {
    let lease = PortLease::any(13).unwrap();
    let mut run = prepare(|_| {}).await;
    let script =
        "read choice; echo \"chose $choice\"; env | cut -d= -f1 | sort | tr '\\n' ' '; echo; exec SUBJECT";
    let mut menu = order_of(shell(script), "honest", lease.loopback());
    menu.launch.stdin = Some("2\n".into());
    run.proxy.start(menu).await.unwrap();
    let lines = run.proxy.last_lines();
    assert!(lines.iter().any(|line| line == "chose 2"), "{lines:?}");
    assert!(
        lines.iter().any(|line| line.trim() == "HOME PATH PORT PWD SUBJECT"
            || line.trim() == "HOME PATH PORT PWD SHLVL SUBJECT _"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn a_paused_proxy_goes_on_and_limits_reach_it() {
    let lease = PortLease::any(14).unwrap();
    let mut run = prepare(|_| {}).await;
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    let pid = run.proxy.pid().unwrap();
    let state = move || {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(") ").next().and_then(|rest| rest.chars().next())
    };
    run.proxy.signal(Signal::STOP).unwrap();
    eventually("it is stopped", || state() == Some('T')).await;
    run.proxy.signal(Signal::CONTINUE).unwrap();
    eventually("it goes on", || state() != Some('T')).await;
    let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"));
    assert_eq!(Limits::default().cpu_seconds, None);
}

#[tokio::test]
async fn a_program_in_the_background_counts_as_running_and_is_killed_with_the_rest() {
    let lease = PortLease::any(15).unwrap();
    let mut run = prepare(|_| {}).await;
    let daemon = shell("setsid SUBJECT & sleep 0.1; exit 0");
    run.proxy.start(order_of(daemon, "honest", lease.loopback())).await.unwrap();
    eventually("its starter has ended", || run.proxy.pid().is_none()).await;
    assert!(run.proxy.is_alive());
    let processes = run.proxy.processes();
    assert!(!processes.is_empty());
    run.proxy.kill().await;
    assert!(!processes.iter().any(|&pid| lives(pid)));
    let unexpected = |event: &EventKind| matches!(event, EventKind::ProxyExited(exit) if !exit.expected);
    assert!(!run.events.lock().unwrap().iter().any(unexpected));
}

#[tokio::test]
async fn a_crash_comes_at_its_instant_and_a_restart_keeps_to_its_downtime() {
    let lease = PortLease::any(16).unwrap();
    let mut run = prepare(|_| {}).await;
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    assert!(
        harness_run::proxy_under_test::crash_after(&mut run.proxy, Duration::from_millis(50)).await.unwrap()
    );
    assert!(!harness_run::proxy_under_test::crash_after(&mut run.proxy, Duration::ZERO).await.unwrap());
    let downtime = Duration::from_millis(300);
    let step = harness_model::plan::Restart { stop_first: false, wipe: true, settings: None, downtime };
    let stopped = put_down(&mut run.proxy, &step).await.unwrap();
    let ready = run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    assert!(stopped.is_none() && ready.status == Some(200));
    assert!(run.proxy.down_for().unwrap() >= downtime);
    let step = harness_model::plan::Restart { stop_first: true, ..step };
    let stopped = put_down(&mut run.proxy, &step).await.unwrap();
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    assert!(!stopped.unwrap().hung);
    assert_eq!(run.proxy.launches(), 3);
}

#[tokio::test]
async fn in_a_network_of_its_own_a_proxy_may_have_any_port_and_nobody_else_sees_it() {
    let private = match fake_backends::platform::Network::new_private(&[]) {
        Ok(network) => network,
        Err(error) => {
            eprintln!("skipped: {error}");
            return;
        }
    };
    let listen = "127.0.0.1:80".parse().unwrap();
    let mut run = subject::prepare_in(private.clone(), Wish::BestPossible, |_| {}).await;
    run.proxy.start(order("honest", listen)).await.unwrap();
    let pid = run.proxy.pid().unwrap();
    let network_of = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).unwrap();
    assert_ne!(network_of(&pid.to_string()), network_of("self"));
    private.connect(listen, Duration::from_secs(5)).unwrap();
    // A holder inside the private network is found there, although this thread is outside.
    let mut other = subject::prepare_in(private, Wish::BestPossible, |_| {}).await;
    let problem = other.proxy.start(order("honest", listen)).await.unwrap_err();
    let StartProblem::PortInUse { holder: Some(holder), .. } = problem else { panic!("{problem:?}") };
    assert_eq!(holder.pid, Some(pid));
}
