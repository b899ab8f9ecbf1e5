//! Programs that nobody should trust: they read what is not theirs, allocate, fork and write without end. The run goes on.

#![cfg(target_os = "linux")]

use std::time::Duration;

use fake_backends::platform::Network;
use harness_model::history::EventKind;
use harness_platform::GroupLimits;
use harness_run::proxy_under_test::ports::PortLease;
use harness_run::proxy_under_test::{Confinement, StartProblem, Wish};

use crate::ordinary;
use crate::subject::{self, Run, eventually, order, order_of, prepare_confined, shell, try_to_prepare};

async fn confined(confinement: Confinement) -> Run {
    prepare_confined(confinement, Network::host(), Wish::BestPossible, |_| {}).await
}

fn anomaly(run: &Run, part: &str) -> bool {
    let told =
        |event: &EventKind| matches!(event, EventKind::Anomaly(anomaly) if anomaly.what.contains(part));
    run.events.lock().unwrap().iter().any(told)
}

/// The subject is this test binary, which lies in nobody's system directory: its folder is made readable.
async fn fenced_with_own_program() -> Run {
    let run = confined(Confinement::of_submission()).await;
    let own = std::env::current_exe().unwrap();
    std::fs::copy(&own, run.proxy.directory().join("program")).unwrap();
    run
}

#[tokio::test]
async fn a_submission_reads_neither_home_nor_neighbours_and_writes_its_copy_only() {
    ordinary::also("confinement::a_submission_reads_neither_home_nor_neighbours_and_writes_its_copy_only");
    let lease = PortLease::any(201).unwrap();
    let neighbour = tempfile::tempdir().unwrap();
    std::fs::write(neighbour.path().join("secret"), "of another team").unwrap();
    let mut run = fenced_with_own_program().await;
    let place = neighbour.path().display();
    let script = format!(
        "cat {place}/secret; rm -rf {place}; touch {place}/x; ls $HOME_OF_USER; echo mine > own && cat own; \
         exec ./program --exact subject::program --nocapture"
    );
    let mut start = order_of(shell(&script), "honest", lease.loopback());
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".into());
    start.launch.environment.insert("HOME_OF_USER".into(), home);
    run.proxy.start(start).await.unwrap();
    let enforced = run.proxy.enforced();
    if enforced.fenced != Some(true) {
        eprintln!("skipped: this kernel has no Landlock ({enforced})");
        return;
    }
    let printed = std::fs::read_to_string(&run.stdout).unwrap();
    assert!(printed.contains("mine") && !printed.contains("of another team"), "{printed}");
    // With folders of its own the neighbour is not even there.
    let refused = printed.matches("ermission denied").count() + printed.matches("No such file").count();
    assert!(refused >= 2, "{printed}");
    assert_eq!(std::fs::read_to_string(neighbour.path().join("secret")).unwrap(), "of another team");
}

#[tokio::test]
async fn a_program_that_allocates_without_end_is_ended_by_its_limit_and_the_record_says_so() {
    let lease = PortLease::any(202).unwrap();
    let together = GroupLimits { memory_bytes: Some(256 << 20), ..GroupLimits::default() };
    let mut run = confined(Confinement { together, ..Confinement::default() }).await;
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    if !run.proxy.enforced().not_limited.is_empty() {
        eprintln!("skipped: {}", run.proxy.enforced());
        return;
    }
    run.proxy.start(order("glutton", lease.loopback())).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), run.proxy.ended()).await.unwrap();
    eventually("the cause is recorded", || anomaly(&run, "used up the memory")).await;
}

#[tokio::test]
async fn a_program_that_fills_the_disk_is_killed() {
    ordinary::also("confinement::a_program_that_fills_the_disk_is_killed");
    let lease = PortLease::any(203).unwrap();
    let mut run = confined(Confinement { directory_bytes: Some(20 << 20), ..Confinement::default() }).await;
    run.proxy.start(order("scribbler", lease.loopback())).await.unwrap();
    tokio::time::timeout(Duration::from_secs(60), run.proxy.ended()).await.unwrap();
    assert!(anomaly(&run, "wrote more than"));
}

#[tokio::test]
async fn all_commands_of_a_build_together_have_the_time_of_one() {
    let confinement =
        Confinement { build_within: Some(Duration::from_secs(2)), ..Confinement::of_submission() };
    let slow = |adapter: &mut harness_model::adapter::Adapter| {
        adapter.build = vec![vec!["sleep".into(), "1.5".into()]; 40];
    };
    let refused = try_to_prepare(confinement, Network::host(), Wish::BestPossible, slow).await.err();
    assert!(matches!(refused, Some(StartProblem::BuildFailed { code: None, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_build_has_a_folder_for_temporary_files_that_is_not_its_directory() {
    // Go ignores a module that lies in the folder for temporary files itself.
    let writes = |adapter: &mut harness_model::adapter::Adapter| {
        let script = "test \"$TMPDIR\" != \"$PWD\" && touch \"$TMPDIR/own\"";
        adapter.build = vec![vec!["sh".into(), "-c".into(), script.into()]];
    };
    let confinement = Confinement::of_submission();
    let run = try_to_prepare(confinement, Network::host(), Wish::BestPossible, writes).await;
    let run = run.unwrap_or_else(|problem| panic!("{problem:?}"));
    let left = std::fs::read_dir(run.proxy.directory()).unwrap().flatten();
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with(".harness")));
}

/// Ways to hold what no listing of its folder shows.
const HIDDEN: [(&str, &str); 3] = [
    (
        "files without a name",
        "import os\nkept = []\nwhile len(kept) < 60:\n    kept.append(open('f', 'wb'))\n    os.unlink('f')\n    kept[-1].write(bytes(1 << 20))\n    kept[-1].flush()\n",
    ),
    (
        "below a path of over 4,096 bytes",
        "import os\nfor _ in range(40):\n    os.mkdir('d' * 200)\n    os.chdir('d' * 200)\n\
         for n in range(60):\n    open(str(n), 'wb').write(bytes(1 << 20))\n",
    ),
    (
        "in the folder for temporary files",
        "import tempfile, os\nfor n in range(60):\n    os.write(tempfile.mkstemp()[0], bytes(1 << 20))\n",
    ),
];

#[tokio::test]
async fn what_is_hidden_on_the_disk_is_counted_too() {
    ordinary::also("confinement::what_is_hidden_on_the_disk_is_counted_too");
    // Without namespaces it has no such folder.
    let ways = if ordinary::may_have_namespaces() { 3 } else { 2 };
    for (number, (how, script)) in HIDDEN[..ways].iter().enumerate() {
        let lease = PortLease::any(206 + number as u64).unwrap();
        // The program lies in the folder too, and is as large as whoever builds it wants it to be.
        let program = std::env::current_exe().unwrap();
        let allowed = std::fs::metadata(&program).unwrap().len() + (30 << 20);
        let mut run =
            confined(Confinement { directory_bytes: Some(allowed), ..Confinement::of_submission() }).await;
        let own = run.proxy.directory();
        std::fs::copy(&program, own.join("program")).unwrap();
        std::fs::write(own.join("hides.py"), format!("{script}\nimport time\ntime.sleep(600)\n")).unwrap();
        let start = shell("python3 hides.py & exec ./program --exact subject::program --nocapture");
        run.proxy.start(order_of(start, "honest", lease.loopback())).await.unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), run.proxy.ended()).await;
        assert!(ended.is_ok() && anomaly(&run, "wrote more than"), "{how}: {}", run.proxy.enforced());
    }
}

#[tokio::test]
async fn a_fork_bomb_goes_off_inside_its_group_and_is_cleared_away() {
    let lease = PortLease::any(204).unwrap();
    let together = GroupLimits { processes: Some(60), ..GroupLimits::default() };
    let mut run = confined(Confinement { together, ..Confinement::default() }).await;
    run.proxy.start(order("honest", lease.loopback())).await.unwrap();
    if !run.proxy.enforced().not_limited.is_empty() {
        eprintln!("skipped: {}", run.proxy.enforced());
        return;
    }
    let bomb = shell("( bomb() { sleep 0.05; bomb & bomb & wait; }; bomb ) 2> /dev/null & exec SUBJECT");
    run.proxy.start(order_of(bomb, "honest", lease.loopback())).await.unwrap();
    eventually("the group is full", || run.proxy.processes().len() > 30).await;
    // A walk over processes that come and go can count one that has ended and the one in its place.
    assert!(run.proxy.processes().len() < 120);
    let all = run.proxy.processes();
    tokio::time::timeout(Duration::from_secs(20), run.proxy.kill()).await.unwrap();
    assert!(!all.iter().any(|&pid| subject::lives(pid)));
}

#[tokio::test]
async fn in_the_folder_of_a_toolchain_a_submission_has_its_own_beside_what_is_there_and_changes_nothing_of_it()
 {
    let lease = PortLease::any(209).unwrap();
    let mut run = fenced_with_own_program().await;
    let home = std::path::PathBuf::from(std::env::var("HOME").unwrap_or_else(|_| "/root".into()));
    let toolchain = home.join(".cargo");
    let Some(there) =
        std::fs::read_dir(&toolchain).into_iter().flatten().flatten().find(|it| it.path().is_dir())
    else {
        eprintln!("skipped: there is no {}", toolchain.display());
        return;
    };
    let (mine, there) = (toolchain.join(format!("mine-{}", std::process::id())), there.path());
    let script = format!(
        "{{ mkdir {mine} && echo mine > {mine}/x && cat {mine}/x; test -d {there} && echo there; touch {there}/y; }} > seen 2>&1; \
         exec ./program --exact subject::program --nocapture",
        mine = mine.display(),
        there = there.display()
    );
    run.proxy.start(order_of(shell(&script), "honest", lease.loopback())).await.unwrap();
    let enforced = run.proxy.enforced();
    let seen = std::fs::read_to_string(run.proxy.directory().join("seen")).unwrap();
    assert!(!mine.exists() && !there.join("y").exists(), "{seen}");
    if enforced.private != Some(true) {
        eprintln!("skipped: this host gives no folders of one's own ({enforced})");
        return;
    }
    assert!(seen.contains("mine\n") && seen.contains("there\n"), "{seen}");
}

#[tokio::test]
async fn a_submission_shares_no_temporary_files_no_rights_of_root_and_no_environment_with_the_host() {
    ordinary::also(
        "confinement::a_submission_shares_no_temporary_files_no_rights_of_root_and_no_environment_with_the_host",
    );
    let lease = PortLease::any(205).unwrap();
    let left = std::env::temp_dir().join(format!("trust-left-{}", std::process::id()));
    std::fs::write(&left, "of another team").unwrap();
    let mut run = fenced_with_own_program().await;
    let home = std::env::var("HOME").unwrap_or_else(|_| "/root".into());
    let mine = format!("trust-mine-{}", std::process::id());
    let script = format!(
        "{{ echo \"temporary: $(ls -A /tmp | grep -c trust-left)\"; \
         for d in /tmp /var/tmp /dev/shm {home}; do echo mine > $d/{mine} && cat $d/{mine}; done; \
         echo \"guard: $(tr '\\0' '\\n' < /proc/1/environ | wc -l)\"; \
         grep -E '^Cap(Eff|Bnd)|^NoNewPrivs' /proc/self/status; \
         echo \"secrets: $(cat /etc/shadow 2>/dev/null | wc -c)\"; \
         mknod dev c 1 3 && echo made a device; }} > seen 2>&1; \
         exec ./program --exact subject::program --nocapture"
    );
    run.proxy.start(order_of(shell(&script), "honest", lease.loopback())).await.unwrap();
    let enforced = run.proxy.enforced();
    let seen = std::fs::read_to_string(run.proxy.directory().join("seen")).unwrap();
    let directory = run.proxy.directory().to_path_buf();
    run.proxy.kill().await;
    // Whoever caches in `/tmp` finds it there after a crash, and the cache lies outside its directory all the same.
    let again = format!("cat /tmp/{mine} > again 2>&1; exec ./program --exact subject::program --nocapture");
    run.proxy.start(order_of(shell(&again), "honest", lease.loopback())).await.unwrap();
    let again = std::fs::read_to_string(run.proxy.directory().join("again")).unwrap();
    let listed = run.proxy.files();
    run.proxy.kill().await;
    drop(run);
    std::fs::remove_file(&left).unwrap();
    assert!(!directory.exists(), "nothing of it stays");
    if enforced.private != Some(true) || enforced.fenced != Some(true) {
        eprintln!("skipped: this host gives no folders of one's own ({enforced})");
        return;
    }
    assert!(seen.contains("temporary: 0\n"), "nothing of others: {seen}");
    assert_eq!(again, "mine\n");
    assert!(!listed.iter().any(|(name, _)| name.contains("trust-mine")), "{listed:?}");
    assert_eq!(seen.matches("mine\n").count(), 4, "{seen}");
    for place in ["/tmp", "/var/tmp", "/dev/shm", &home] {
        assert!(!std::path::Path::new(place).join(&mine).exists(), "left in {place}");
    }
    assert!(seen.contains("guard: 0\n") && seen.contains("secrets: 0\n"), "{seen}");
    assert!(!seen.contains("made a device"), "{seen}");
    assert!(seen.contains("NoNewPrivs:\t1"), "{seen}");
    for set in ["CapEff", "CapBnd"] {
        let line = seen.lines().find(|line| line.starts_with(set)).unwrap_or_default();
        let bits = u64::from_str_radix(line.split_whitespace().last().unwrap_or("x"), 16).unwrap();
        // An ordinary user has no rights anyhow; only what root's bounding set held could come back.
        let root = rustix::process::geteuid().is_root();
        assert!(!root || bits & !(1 << 10) == 0, "{set} keeps rights of root: {seen}");
    }
}
