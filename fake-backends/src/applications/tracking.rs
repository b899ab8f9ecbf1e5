//! `tracking`: deliveries in front of functions. Couriers take a token of 30 minutes and register orders, which must be
//! visible within ten seconds wherever one looks.
//!
//! Routes and statuses are those of the case; `/public/pedidos` is the list as a screen in a shop shows it, the only
//! one that a shared cache may keep. `/private/NAME/...` answers with the caching headers of a careless developer. It
//! checks no password beyond its rule and keeps nothing on disk.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::careless::Careless;
use super::dialogue::{body, field, problem, route, text, token, wall_seconds, with_field};
use super::token::Authority;
use crate::behavior::{Answer, Application, Asked, Working};

const KEY: &[u8] = b"the key of delivery tracking";
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// A function that has not answered yet on its instance.
const COLD_START: Duration = Duration::from_millis(400);
const WARM: Duration = Duration::from_millis(5);
/// Newest orders of a list; with their identities at its beginning.
const LISTED: usize = 50;
const MOST_PRODUCTS: usize = 10;
/// The other origin on which the browser front end lives.
const FRONT_END: &str = "https://entregas.example";
/// How old the public list may be. Twice that, from one cache to the next, is still within the ten seconds.
const PUBLIC_LIST: &str = "public, max-age=4";

/// Delivery tracking.
pub struct Tracking {
    authority: Authority,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    orders: Vec<Order>,
    warm: HashSet<String>,
}

struct Order {
    id: u64,
    courier: String,
    products: Vec<(String, f64)>,
}

impl Tracking {
    /// No orders yet, every function cold.
    pub fn new() -> Tracking {
        Tracking { authority: Authority::new(KEY, TOKEN_LIFETIME), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn reply(&self, asked: Asked<'_>) -> Answer {
        let is_cold = self.state().warm.insert(asked.stamp.backend.clone());
        tokio::time::sleep(if is_cold { COLD_START } else { WARM }).await;
        let (method, path) = route(&asked);
        let answer = match (method, path) {
            ("OPTIONS", _) => return preflight(&asked),
            ("POST", "/token") => self.take_token(&asked),
            ("GET", "/public/pedidos") => {
                with_field(Answer::json(200, &self.state().list(None)), "Cache-Control", PUBLIC_LIST)
            }
            _ => self.with_token(&asked, method, path),
        };
        // One cached answer for one origin of the browser (Fetch, §3.3.5): a cache must know.
        let answer = with_field(answer, "Vary", "Origin");
        match field(&asked, "origin") {
            Some(origin) if origin == FRONT_END => with_field(answer, "Access-Control-Allow-Origin", origin),
            _ => answer,
        }
    }

    fn take_token(&self, asked: &Asked<'_>) -> Answer {
        let body = body(asked).unwrap_or_default();
        let (user, password) = (text(&body, "username"), text(&body, "password"));
        match (user, password) {
            (Some(user), Some(password)) if password == format!("secret of {user}") => {
                let token = self.authority.issue(user, wall_seconds(asked));
                let expires = self.authority.lifetime().as_secs();
                let body = json!({ "access_token": token, "token_type": "bearer", "expires_in": expires });
                with_field(Answer::json(200, &body), "Cache-Control", "no-store")
            }
            _ => problem(401, "wrong name or password"),
        }
    }

    fn with_token(&self, asked: &Asked<'_>, method: &str, path: &str) -> Answer {
        let claims = token(asked).map(|token| self.authority.verify(token, wall_seconds(asked)));
        let user = match claims {
            Some(Ok(claims)) => claims.sub,
            Some(Err(bad)) => return problem(403, &bad.to_string()),
            None => return problem(403, "a token is needed"),
        };
        let for_one =
            |body: &Value| with_field(Answer::json(200, body), "Cache-Control", "private, no-cache");
        match (method, path) {
            ("GET", "/pedidos") => for_one(&self.state().list(Some(&user))),
            ("GET", "/metrics") => for_one(&self.state().metrics(&user)),
            ("POST", "/registrar_pedido_entregado") => self.register(&user, asked),
            ("GET", path) => {
                let name = path.strip_prefix("/private/").and_then(|rest| rest.split('/').next());
                name.and_then(Careless::named).map_or_else(
                    || problem(404, "no such place"),
                    |careless| {
                        let answer = Answer::json(200, &json!({ "user": user, "kind": careless.name }));
                        careless
                            .fields
                            .iter()
                            .fold(answer, |answer, (name, value)| with_field(answer, name, *value))
                    },
                )
            }
            _ => problem(404, "no such place"),
        }
    }

    fn register(&self, user: &str, asked: &Asked<'_>) -> Answer {
        let body = body(asked).unwrap_or_default();
        let products = body.get("products").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let read = |product: &Value| {
            let price = product.get("price").and_then(Value::as_f64).filter(|price| *price >= 0.0)?;
            Some((text(product, "name")?.to_owned(), price))
        };
        let products: Option<Vec<(String, f64)>> = products.iter().map(read).collect();
        match (body.get("id").and_then(Value::as_u64), products) {
            (Some(id), Some(products)) if (1..=MOST_PRODUCTS).contains(&products.len()) => {
                let mut state = self.state();
                // A repeated message is the same order.
                if !state.orders.iter().any(|order| order.id == id) {
                    state.orders.push(Order { id, courier: user.to_owned(), products });
                }
                Answer::json(200, &json!({ "user": user, "registered": id }))
            }
            _ => problem(400, "an order has an id and 1 to 10 products with name and price"),
        }
    }
}

impl State {
    /// The newest first, their identities at the beginning.
    fn list(&self, user: Option<&str>) -> Value {
        let newest = || self.orders.iter().rev().take(LISTED);
        let ids: Vec<u64> = newest().map(|order| order.id).collect();
        let orders: Vec<Value> = newest()
            .map(
                |order| json!({ "id": order.id, "courier": order.courier, "products": order.products.len() }),
            )
            .collect();
        json!({ "ids": ids, "orders": orders, "user": user })
    }

    fn metrics(&self, user: &str) -> Value {
        let mut sold: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, _) in self.orders.iter().flat_map(|order| &order.products) {
            *sold.entry(name).or_default() += 1;
        }
        let mut top: Vec<(&str, u64)> = sold.into_iter().collect();
        top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        top.truncate(3);
        let total: f64 = self.orders.iter().flat_map(|order| &order.products).map(|(_, price)| price).sum();
        let mean = if self.orders.is_empty() { 0.0 } else { total / self.orders.len() as f64 };
        let ids: Vec<u64> = self.orders.iter().rev().take(LISTED).map(|order| order.id).collect();
        json!({ "ids": ids, "top_products": top, "mean_price": mean, "sales_of_the_day": total, "user": user })
    }
}

fn preflight(asked: &Asked<'_>) -> Answer {
    let is_known = field(asked, "origin") == Some(FRONT_END);
    let mut fields = vec![("Vary".to_owned(), "Origin".to_owned())];
    if is_known {
        for (name, value) in [
            ("Access-Control-Allow-Origin", FRONT_END),
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
            ("Access-Control-Max-Age", "600"),
        ] {
            fields.push((name.to_owned(), value.to_owned()));
        }
    }
    Answer {
        status: if is_known { 204 } else { 403 },
        fields,
        body: crate::behavior::Source::Bytes(Vec::new()),
    }
}

impl Default for Tracking {
    fn default() -> Tracking {
        Tracking::new()
    }
}

impl Application for Tracking {
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Working<'a> {
        Box::pin(self.reply(asked))
    }
}
