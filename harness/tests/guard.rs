//! Nothing of a proxy outlives the harness, whatever the proxy does: `kill -9` of the harness in mid-run.
//!
//! The harness of these tests is the test binary, executed again as a *victim* that starts a proxy, names its processes and
//! waits to be killed.

#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness_model::adapter::Launch;
use harness_run::proxy_under_test::guard::Isolation;
use harness_run::proxy_under_test::ports::PortLease;
use harness_run::proxy_under_test::{Answer, StartOrder, Wish};

use crate::subject::{self, eventually, lives, order, order_of, prepare_kept, shell};

/// Not a test: a harness in mid-run, to be killed.
#[tokio::test]
async fn victim() {
    let Ok(kind) = std::env::var("VICTIM") else { return };
    let wish = if std::env::var_os("PLAIN").is_some() { Wish::WithoutNamespace } else { Wish::BestPossible };
    let lease = PortLease::any(u64::from(std::process::id())).unwrap();
    let mut run = prepare_kept(wish, |_| {}).await;
    let start = match kind.as_str() {
        "daemon" => {
            // Forks, leads a session of its own, forks again and leaves its parents: what daemon(3) does.
            let twice = "setsid /bin/sh -c 'SUBJECT & sleep 0.2; exit 0' & sleep 0.4; exit 0";
            order_of(shell_without_quotes(twice), "honest", lease.loopback())
        }
        "nginx" => nginx(lease.loopback()),
        _ => order("honest", lease.loopback()),
    };
    run.proxy.start(start).await.unwrap();
    let wanted = if kind == "nginx" { 3 } else { 1 };
    eventually("all its processes run", || run.proxy.processes().len() >= wanted).await;
    let pids: Vec<String> = run.proxy.processes().iter().map(i32::to_string).collect();
    println!("\nPROCESSES {:?} {}", run.proxy.isolation().unwrap(), pids.join(" "));
    tokio::time::sleep(Duration::from_secs(600)).await;
}

/// Single quotes already enclose the inner script.
fn shell_without_quotes(script: &str) -> Vec<String> {
    let mut command = shell(script);
    command[2] = script.replace("SUBJECT", &subject::command().join(" "));
    command
}

fn nginx(listen: std::net::SocketAddr) -> StartOrder {
    let configuration = format!(
        "daemon off; master_process on; worker_processes 2; pid nginx.pid; error_log stderr;\n\
         events {{ worker_connections 64; }}\n\
         http {{ access_log off; server {{ listen {listen}; location / {{ return 200 \"yes\"; }} }} }}\n"
    );
    let argv = ["nginx", "-p", ".", "-c", "nginx.conf"].map(str::to_string).to_vec();
    let files = BTreeMap::from([("nginx.conf".to_string(), configuration)]);
    let launch = Launch { argv, files, ..Launch::default() };
    let rebind_within = std::time::Duration::from_secs(90);
    StartOrder { launch, told: listen, listen, rebind_within, ttl: None, answer: Answer::Required }
}

/// A victim in mid-run, its way of keeping the proxy and the proxy's processes.
fn start_victim(kind: &str, plain: bool) -> (Child, String, Vec<i32>) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "guard::victim", "--nocapture"]).env("VICTIM", kind).stdout(Stdio::piped());
    if plain {
        command.env("PLAIN", "1");
    }
    let mut victim = command.spawn().unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let line =
        lines.map_while(Result::ok).find_map(|line| line.strip_prefix("PROCESSES ").map(str::to_string));
    let line = line.expect("the victim starts its proxy");
    let mut words = line.split(' ');
    let isolation = words.next().unwrap().to_string();
    (victim, isolation, words.map(|pid| pid.parse().unwrap()).collect())
}

async fn nothing_outlives(kind: &str, plain: bool) {
    let (mut victim, isolation, pids) = start_victim(kind, plain);
    let victim_pid = i32::try_from(victim.id()).unwrap();
    let mut all = harness_platform::beneath(victim_pid);
    all.extend(&pids);
    // The parents that a daemon leaves end by themselves.
    assert!(pids.iter().any(|&pid| lives(pid)), "{pids:?}");
    if plain {
        assert_eq!(isolation, format!("{:?}", Isolation::Subreaper));
    }
    victim.kill().unwrap();
    victim.wait().unwrap();
    eventually("proxy and guards are gone", || !all.iter().any(|&pid| lives(pid))).await;
}

#[tokio::test]
async fn an_ordinary_proxy_dies_with_the_harness() {
    nothing_outlives("honest", false).await;
    nothing_outlives("honest", true).await;
}

#[tokio::test]
async fn a_daemon_that_forks_twice_and_leads_its_own_session_dies_with_the_harness() {
    nothing_outlives("daemon", false).await;
    nothing_outlives("daemon", true).await;
}

#[tokio::test]
async fn nginx_with_its_workers_dies_with_the_harness() {
    if !["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/sbin/nginx"]
        .iter()
        .any(|path| std::path::Path::new(path).exists())
    {
        eprintln!("skipped: nginx is not installed");
        return;
    }
    nothing_outlives("nginx", false).await;
    nothing_outlives("nginx", true).await;
}

#[tokio::test]
async fn everything_dies_also_when_the_guard_itself_is_killed() {
    let lease = PortLease::any(77).unwrap();
    let mut run = prepare_kept(Wish::BestPossible, |_| {}).await;
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    if run.proxy.isolation() != Some(Isolation::ProcessNamespace) {
        eprintln!("skipped: this host allows no process namespace");
        return;
    }
    let pids = run.proxy.processes();
    let me = i32::try_from(std::process::id()).unwrap();
    let guard = parent_of(parent_of(pids[0]));
    assert_eq!(parent_of(guard), me);
    harness_platform::send_signal(guard, harness_platform::Signal::KILL).unwrap();
    eventually("the proxy is gone", || !pids.iter().any(|&pid| lives(pid))).await;
    tokio::time::timeout(Duration::from_secs(10), run.proxy.ended()).await.unwrap();
    assert!(!run.proxy.is_alive());
}

fn parent_of(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}
