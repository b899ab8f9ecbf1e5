//! The applications through their door, without a socket: routes, statuses and rules of the cases.

use serde_json::{Value, json};

use super::*;
use crate::behavior::{Answer, Application, Asked, Received, Source};
use crate::clock::RunClock;
use crate::content::Secret;
use crate::stamp::Stamp;
use crate::wire::{RequestEvent, RequestReader};

fn ask(
    application: &dyn Application,
    method: &str,
    target: &str,
    token: Option<&str>,
    body: &Value,
) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let token = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let text = format!(
        "{method} {target} HTTP/1.1\r\nHost: x\r\nOrigin: https://entregas.example\r\n{token}Content-Length: {}\r\n\r\n",
        body.len()
    );
    let mut input = text.as_bytes();
    let Some(RequestEvent::Head(head)) = RequestReader::new(10_000).next(&mut input).unwrap() else {
        panic!("the head is complete")
    };
    let request = Received {
        head: *head,
        body_bytes: body.len() as u64,
        body_hash: 0,
        body_start: Default::default(),
        body: Some(body.into_bytes()),
        trailers: Vec::new(),
    };
    let stamp = Stamp { backend: "b1".into(), number: 1 };
    let asked = Asked { request: &request, stamp: &stamp, clock: RunClock::start(), secret: Secret::NONE };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(application.answer(asked))
}

fn json_of(answer: &Answer) -> Value {
    let Source::Bytes(bytes) = &answer.body else { panic!("a body of bytes") };
    serde_json::from_slice(bytes).unwrap()
}

fn field<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.fields.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

fn token(application: &dyn Application, path: &str, user: &str, password: &str) -> String {
    let answer = ask(application, "POST", path, None, &json!({ "username": user, "password": password }));
    assert_eq!(answer.status, 200, "{answer:?}");
    json_of(&answer)["access_token"].as_str().unwrap().to_owned()
}

#[test]
fn one_user_has_one_vote_per_video() {
    let voting = Voting::new();
    let who = json!({ "username": "ana", "password": "abcdef" });
    assert_eq!(ask(&voting, "POST", "/api/auth/signup", None, &who).status, 201);
    assert_eq!(ask(&voting, "POST", "/api/auth/signup", None, &who).status, 400);
    assert_eq!(ask(&voting, "GET", "/api/auth/profile", None, &Value::Null).status, 401);
    let wrong = json!({ "username": "ana", "password": "abcdeg" });
    assert_eq!(ask(&voting, "POST", "/api/auth/login", None, &wrong).status, 401);
    let token = token(&voting, "/api/auth/login", "ana", "abcdef");
    let uploaded = ask(&voting, "POST", "/api/videos/upload?city=Bogot%C3%A1", Some(&token), &json!("video"));
    assert_eq!(uploaded.status, 201);
    let id = json_of(&uploaded)["id"].as_str().unwrap().to_owned();
    let vote = format!("/api/public/videos/{id}/vote");
    let votes = [Some(token.as_str()), Some(&token), None]
        .map(|token| ask(&voting, "POST", &vote, token, &Value::Null).status);
    assert_eq!(votes, [200, 409, 401]);
    let ranking = ask(&voting, "GET", "/api/public/rankings?limit=50&city=Bogot%C3%A1", None, &Value::Null);
    assert_eq!(json_of(&ranking), json!([{ "id": id, "votes": 1 }]));
    assert_eq!(field(&ranking, "cache-control"), Some("public, max-age=5"));
    // The worker takes two seconds for the first video, so nobody sees it yet.
    assert_eq!(ask(&voting, "GET", &format!("/store/{id}"), None, &Value::Null).status, 404);
    let profile = ask(&voting, "GET", "/api/auth/profile", Some(&token), &Value::Null);
    assert_eq!(field(&profile, "cache-control"), Some("private, no-store"));
}

#[test]
fn a_registered_order_is_in_every_list_at_once() {
    let tracking = Tracking::new();
    let bad = ask(&tracking, "POST", "/token", None, &json!({ "username": "ana", "password": "no" }));
    assert_eq!((bad.status, json_of(&bad)), (401, json!({ "detail": "Incorrect username or password" })));
    let token = token(&tracking, "/token", "ana", "secret of ana");
    let order = json!({
        "pedido_id": "7f9c24e8-3b12-4fef-91e0-56a2d5a1c7d0", "repartidor": "Ana", "timestamp": "2026-11-30T10:00:00",
        "productos": [{ "producto": "pan", "precio": 2.5 }, { "producto": "pan", "precio": "1.5" }],
    });
    let register = "/registrar_pedido_entregado";
    assert_eq!(ask(&tracking, "POST", register, None, &order).status, 403);
    assert_eq!(ask(&tracking, "POST", register, Some(&token), &order).status, 200);
    assert_eq!(
        ask(&tracking, "POST", register, Some(&token), &json!({ "pedido_id": "8", "productos": [] })).status,
        400
    );
    for path in ["/pedidos", "/public/pedidos"] {
        let answer = ask(&tracking, "GET", path, Some(&token), &Value::Null);
        let mut listed = order.clone();
        listed["productos"][1]["precio"] = json!(1.5);
        assert_eq!(json_of(&answer), json!({ "pedidos": [listed] }), "{path}");
        assert_eq!(field(&answer, "vary"), Some("Origin"));
    }
    let metrics = json_of(&ask(&tracking, "GET", "/metrics", Some(&token), &Value::Null));
    let expected = json!({
        "top_3_productos": [["pan", 2]], "precio_promedio_por_pedido": 4.0, "acumulado_ventas_dia": 4.0,
    });
    assert_eq!(metrics, expected);
    let preflight = ask(&tracking, "OPTIONS", "/pedidos", None, &Value::Null);
    assert_eq!((preflight.status, field(&preflight, "access-control-max-age")), (204, Some("600")));
}

#[test]
fn a_bad_token_is_refused_as_the_original_did_or_as_it_should_have() {
    let statuses = |tracking: &Tracking| {
        [("GET", "/pedidos"), ("GET", "/metrics"), ("POST", "/registrar_pedido_entregado")].map(
            |(method, path)| {
                let answer = ask(tracking, method, path, Some("a.b.c"), &Value::Null);
                assert_eq!(json_of(&answer), json!({ "detail": "Token inválido o expirado" }));
                answer.status
            },
        )
    };
    assert_eq!(statuses(&Tracking::new()), [403, 403, 403]);
    assert_eq!(statuses(&Tracking::original(360)), [500, 500, 403]);
}

#[test]
fn careless_answers_name_their_user_and_carry_their_fields() {
    let tracking = Tracking::new();
    let token = token(&tracking, "/token", "ana", "secret of ana");
    for careless in CARELESS {
        let answer =
            ask(&tracking, "GET", &format!("/private/{}/1", careless.name), Some(&token), &Value::Null);
        assert_eq!(json_of(&answer), json!({ "user": "ana", "kind": careless.name }));
        for (name, value) in careless.fields {
            assert_eq!(field(&answer, name), Some(*value));
        }
    }
    let permissions = |wanted| CARELESS.iter().filter(|careless| careless.permission == wanted).count();
    assert_eq!(
        (
            permissions(Permission::MayShare),
            permissions(Permission::MustAsk),
            permissions(Permission::MustNot)
        ),
        (3, 3, 12)
    );
}

#[test]
fn a_plain_instance_names_itself() {
    assert_eq!(json_of(&ask(&Plain, "GET", "/x", None, &Value::Null))["instance"], "b1");
}

#[test]
fn every_name_is_known() {
    let applications = all();
    assert!(NAMES.iter().all(|(name, _)| applications.find(name).is_some()));
}
