//! What a run makes of proxies with odd habits: one fault is one finding, and everything else is asked all the same.

#![cfg(target_os = "linux")]

use crate::odd;

const ROUND: &str = r#"
name: asked
title: {en: "Asked", es: "Preguntado"}
covers: [REQ-5, REQ-9]
proxy: {ttl: 60s}
backends:
  count: 3
  script:
    routes: [{path: "/kept-open", plan: {respond: {body: 2KiB, persistence: stay_open}}}]
    otherwise: {respond: {body: 1KiB}}
steps:
  - exchange: {asks: forward.once, path: "/plain/{n}", times: 3, within: 2s}
  - exchange: {asks: forward.kept_open, path: "/kept-open", within: 2s}
  - serial: {requests: 12, path: "/each/{n}", connections: one}
checks:
  forward.once:
  forward.kept_open:
  rr.serial_cycle:
"#;

#[test]
fn a_proxy_that_waits_for_the_end_of_its_backend_fails_where_keeping_is_asked_and_nowhere_else() {
    for (habit, seen) in [("answers-at-eof", "answer_waited"), ("relays-until-eof", "connection_waited")] {
        let run = odd::run(habit, ROUND);
        assert!(run.events("look")[0]["kept_open"]["seen"][seen].is_object(), "{:?}", run.events("look"));
        let adapted = run.events("adapted");
        assert_eq!((adapted.len(), &adapted[0]["adaptation"]), (1, &"backends_close".into()), "{habit}");
        assert!(run.printed.contains("waits for its backends to close"), "{}", run.printed);
        assert_eq!(run.outcome("forward.kept_open"), "fail", "{habit}: {}", run.printed);
        for check in ["forward.once", "rr.serial_cycle"] {
            assert_eq!(run.outcome(check), "pass", "{habit}: {}", run.printed);
        }
    }
}

#[test]
fn an_honest_proxy_changes_nothing() {
    let run = odd::run("honest", ROUND);
    assert_eq!(run.events("look").len(), 2);
    assert!(run.events("adapted").is_empty());
    assert_eq!(run.exit, 0, "{}", run.printed);
}

#[test]
fn a_proxy_that_takes_bodies_for_text_is_asked_for_text_and_what_bytes_do_to_it_is_told() {
    for (habit, seen) in [("decodes", "unanswered"), ("dies-of-bytes", "died")] {
        let run = odd::run(habit, ROUND);
        let look = &run.events("look")[1]["binary_body"]["seen"][seen];
        assert!(look.is_object(), "{habit}: {:?}\n{}", run.events("look"), run.printed);
        assert_eq!(run.events("adapted")[0]["adaptation"], "text_bodies");
        assert_eq!(run.outcome("forward.once"), "pass", "{habit}: {}", run.printed);
        assert_eq!(run.outcome("rr.serial_cycle"), "pass", "{habit}: {}", run.printed);
    }
}

#[test]
fn workers_that_one_step_has_parked_are_back_before_the_next() {
    let hard = r#"steps:
  - exchange: {asks: forward.target, path: "/parks/one", within: 1s}
  - overlap: {requests: 2, path: "/meet/{n}", within: 2s}
  - exchange: {asks: forward.target, path: "/parks/{n}", times: 2, within: 1s}"#;
    let meet = "routes: [{path: \"/meet/*\", plan: {barrier: {count: 2, deadline: 2s, then: {respond: {body: 1KiB}}}}}, {path";
    let scenario = ROUND.replace("steps:", hard).replace("routes: [{path", meet);
    let scenario = scenario.replace("checks:", "checks:\n  concurrency.overlap:");
    let run = odd::run("two-workers", &scenario.replace("forward.kept_open", "forward.target"));
    let how: Vec<_> = run.events("let_go").iter().map(|event| event["how"].clone()).collect();
    let because = |place: usize| &how[place]["restarted"]["because"];
    // One worker of two would have answered.
    assert!(how.len() == 2 && because(0)["holds"]["connections"] == 1, "{how:?}\n{}", run.printed);
    assert!(
        because(1) == "silent" && run.printed.contains("was started again 2 times"),
        "{how:?}\n{}",
        run.printed
    );
    assert_eq!(run.outcome("forward.target"), "fail", "{}", run.printed);
    for check in ["forward.once", "rr.serial_cycle", "concurrency.overlap"] {
        assert_eq!(run.outcome(check), "pass", "{}", run.printed);
    }
}

/// The first look asks for an answer with a length, and sees nothing amiss.
#[test]
fn what_the_first_look_did_not_see_is_seen_after_a_time_out_and_the_run_goes_on_otherwise() {
    let chunked = "routes: [{path: \"/chunked/*\", plan: {respond: {body: text 1KiB, framing: {chunked: 200B}}}}, {path";
    let steps = "- exchange: {asks: forward.chunked_answer, path: \"/chunked/one\", within: 2s}\n  - exchange: {asks: forward.kept_open";
    let run = odd::run(
        "knows-lengths-alone",
        &ROUND
            .replace("routes: [{path", chunked)
            .replace("- exchange: {asks: forward.kept_open", steps)
            .replace("path: \"/each/{n}\"", "path: \"/chunked/{n}\"")
            .replace("checks:", "checks:\n  forward.chunked_answer:"),
    );
    let adapted = run.events("adapted");
    assert_eq!((adapted.len(), &adapted[0]["adaptation"]), (1, &"backends_close".into()), "{}", run.printed);
    // A busy host gives a request so much time that its answer comes with the end of the idle connection.
    let because = &adapted[0]["because"];
    assert!(because["timed_out"].is_object() || because["answered_at_close"].is_object(), "{adapted:?}");
    assert!(run.printed.contains("waits for its backends to close"), "{}", run.printed);
    for check in ["forward.once", "forward.kept_open", "rr.serial_cycle"] {
        assert_eq!(run.outcome(check), "pass", "{check}: {}", run.printed);
    }
}

/// What the judge ends for its own sake and cannot bring back counts against nothing that was still to be asked.
#[test]
fn a_proxy_that_does_not_come_back_when_it_is_let_go_is_told_so_and_loses_no_row_by_it() {
    let hard = r#"steps:
  - exchange: {asks: forward.target, path: "/parks/one", within: 1s}
  - exchange: {asks: forward.target, path: "/parks/two", within: 1s}"#;
    let run = odd::run(
        "left-its-mark",
        &ROUND.replace("steps:", hard).replace("forward.kept_open", "forward.target"),
    );
    assert!(run.events("let_go").last().is_some_and(|last| last["how"]["not_back"].is_object()));
    assert!(run.printed.contains("started again, it did not get ready"), "{}", run.printed);
    assert_eq!(run.outcome("forward.target"), "fail", "{}", run.printed);
    for check in ["forward.once", "rr.serial_cycle"] {
        assert_eq!(run.outcome(check), "inconclusive", "{check}: {}", run.printed);
    }
}

#[test]
fn who_stores_after_the_answer_is_given_a_moment_for_it() {
    let scenario =
        ROUND.replace("steps:", "steps:\n  - fill: {keys: 2, path: \"/hit/{key}\", confirm: 2, vus: 1}");
    let run = odd::run("stores-late", &scenario.replace("checks:", "checks:\n  cache.hit:"));
    assert_eq!(run.outcome("cache.hit"), "pass", "{}", run.printed);
}

#[test]
fn who_says_that_it_is_not_ready_yet_is_waited_for() {
    let run = odd::run("warms-up", ROUND);
    assert_eq!(run.exit, 0, "{}", run.printed);
}

#[test]
fn a_step_ends_with_its_second_time_out_of_a_kind() {
    let hard = r#"steps:
  - exchange: {asks: forward.target, path: "/parks/{n}", times: 8, within: 1s}"#;
    let run =
        odd::run("parks", &ROUND.replace("steps:", hard).replace("forward.kept_open", "forward.target"));
    let left_out = &run.events("not_asked")[0];
    assert_eq!(left_out["because"]["timed_out"]["in_a_row"], 2, "{}", run.printed);
    assert_eq!(left_out["left_out"], 6);
    assert_eq!(run.outcome("forward.once"), "pass", "{}", run.printed);
}

const OTHER_PORT: &str = r#"
name: asked
title: {en: "Asked", es: "Preguntado"}
covers: [REQ-5, REQ-10]
proxy: {ttl: 60s}
backends: {count: 3, script: {otherwise: {respond: {body: 1KiB}}}}
steps:
  - exchange: {asks: forward.once, path: "/plain/{n}", times: 3, within: 2s}
  - crash: {vus: 2, path: "/write/{n}", after: {least: 50ms, most: 100ms}}
  - restart: {}
  - serial: {requests: 9, path: "/again/{n}", connections: each}
  - restart: {stop: true, proxy: {port: another}}
  - serial: {requests: 3, path: "/other-port/{n}"}
checks:
  forward.once:
  rr.serial_cycle:
  config.port:
  persistence.rebind:
"#;

#[test]
fn a_proxy_is_judged_where_it_listens() {
    let run = odd::run("own-port", OTHER_PORT);
    assert_eq!(run.events("listens_elsewhere")[0]["found"], "127.0.0.1:8080", "{}", run.printed);
    assert_eq!(run.outcome("config.port"), "fail", "{}", run.printed);
    let run6 = odd::run("ipv6", OTHER_PORT);
    let fixed = odd::run("fixed-address", OTHER_PORT);
    assert!(fixed.printed.contains("listens on 127.0.0.77:"), "{}", fixed.printed);
    assert!(run6.printed.contains("listens on [::1]:"), "{}", run6.printed);
    for (run, check) in [
        (&run, "forward.once"),
        (&run, "rr.serial_cycle"),
        (&run6, "forward.once"),
        (&run6, "config.port"),
        (&fixed, "forward.once"),
        (&fixed, "rr.serial_cycle"),
    ] {
        assert_eq!(run.outcome(check), "pass", "{check}: {}", run.printed);
    }
}

#[test]
fn a_port_that_cannot_be_bound_again_is_one_finding_and_the_run_goes_on_at_another() {
    let run = odd::run("no-reuse", OTHER_PORT);
    let given_up = &run.events("port_given_up")[0];
    assert!(given_up["attempts"].as_u64() > Some(0), "{given_up}\n{}", run.printed);
    assert_eq!(run.outcome("persistence.rebind"), "fail", "{}", run.printed);
    for check in ["forward.once", "rr.serial_cycle", "config.port"] {
        assert_eq!(run.outcome(check), "pass", "{check}: {}", run.printed);
    }
}

#[test]
fn a_run_that_is_cut_says_so_on_top_and_passes_nothing_that_it_did_not_ask() {
    let scenario = ROUND
        .replace("  - serial:", "  - wait: 120s\n  - serial:")
        .replace("  rr.serial_cycle:", "  rr.serial_cycle:\n  integrity.bodies:\n  proxy.alive:");
    let run = odd::run_told("honest", &scenario, &["--max-duration", "5s", "--lang", "es"]);
    assert_eq!(run.exit, 5, "{}", run.printed);
    let (cut, first) = ("LA EJECUCIÓN SE CORTÓ (se agotó el tiempo permitido)", "rr.serial_cycle");
    assert!(run.printed.find(cut) < run.printed.find(first) && run.printed.contains(cut), "{}", run.printed);
    assert_eq!(run.outcome("forward.once"), "pass");
    for check in ["integrity.bodies", "proxy.alive", "rr.serial_cycle"] {
        assert_eq!(run.outcome(check), "inconclusive", "{check}: {}", run.printed);
    }
}

#[test]
fn a_proxy_that_answers_nothing_is_not_asked_to_the_end() {
    let many =
        (0..30).map(|n| format!("\n  - exchange: {{asks: forward.target, path: \"/t/{n}\", within: 1s}}"));
    let scenario = ROUND
        .replace("forward.kept_open", "forward.target")
        .replace("steps:", &format!("steps:{}", many.collect::<String>()));
    let run = odd::run("hangs", &scenario);
    let not_asked = run.events("not_asked");
    assert!(not_asked.iter().filter(|it| it["because"] == "nothing_forwarded").count() > 20, "{not_asked:?}");
    assert_eq!(run.outcome("forward.target"), "fail", "{}", run.printed);
    assert_eq!(run.exit, 1, "{}", run.printed);
}
