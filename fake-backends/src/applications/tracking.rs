//! `tracking`: deliveries in front of functions. Couriers take a token of 30 minutes and register orders, which must be
//! visible within ten seconds wherever one looks.
//!
//! Routes, names of fields and statuses are those of the case, so that its own client need not be changed; `/public/pedidos` is the
//! list as a screen in a shop shows it, the only one that a shared cache may keep. `/private/NAME/...` answers with the caching headers of a careless developer. It
//! checks no password beyond its rule and keeps nothing on disk.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::careless::Careless;
use super::dialogue::{body, field, problem, route, text, token, wall_seconds, with_field};
use super::token::{Authority, Claims};
use crate::behavior::{Answer, Application, Asked, Working};

const KEY: &[u8] = b"the key of delivery tracking";
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 60);
const BAD_LOGIN: &str = "Incorrect username or password";
const BAD_TOKEN: &str = "Token inválido o expirado";
/// A function that has not answered yet on its instance.
const COLD_START: Duration = Duration::from_millis(400);
const WARM: Duration = Duration::from_millis(5);
/// Newest orders of a list.
const LISTED: usize = 50;
const MOST_PRODUCTS: usize = 10;
/// The other origins on which the browser front ends live, of those who wait and of those who deliver.
const FRONT_ENDS: [&str; 2] = ["https://entregas.example", "https://repartidores.example"];
/// How old the public list may be. Twice that, from one cache to the next, is still within the ten seconds.
const PUBLIC_LIST: &str = "public, max-age=4";

/// Delivery tracking.
pub struct Tracking {
    authority: Authority,
    /// What the two lists answer to a token that is not believed.
    refusal_of_lists: u16,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    orders: Vec<Order>,
    warm: HashSet<String>,
}

struct Order {
    id: String,
    courier: String,
    products: Vec<(String, f64)>,
    timestamp: Value,
}

impl Tracking {
    /// No orders yet, every function cold.
    pub fn new() -> Tracking {
        Tracking {
            authority: Authority::new(KEY, TOKEN_LIFETIME),
            refusal_of_lists: 403,
            state: Mutex::default(),
        }
    }

    /// As the original was: its two lists made a 500 of the 403 for a bad token. Tokens last so many times less.
    pub fn original(times: u32) -> Tracking {
        let authority = Authority::new(KEY, TOKEN_LIFETIME / times.max(1));
        Tracking { authority, refusal_of_lists: 500, ..Tracking::new() }
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
                with_field(Answer::json(200, &self.state().list()), "Cache-Control", PUBLIC_LIST)
            }
            _ => self.with_token(&asked, method, path),
        };
        // One cached answer for one origin of the browser (Fetch, §3.3.5): a cache must know.
        let answer = with_field(answer, "Vary", "Origin");
        match field(&asked, "origin") {
            Some(origin) if FRONT_ENDS.contains(&origin) => {
                with_field(answer, "Access-Control-Allow-Origin", origin)
            }
            _ => answer,
        }
    }

    fn take_token(&self, asked: &Asked<'_>) -> Answer {
        let body = body(asked).unwrap_or_default();
        let (user, password) = (text(&body, "username"), text(&body, "password"));
        match (user, password) {
            (Some(user), Some(password)) if password == format!("secret of {user}") => {
                let token = self.authority.issue(user, wall_seconds(asked));
                let body = json!({ "access_token": token, "token_type": "bearer" });
                with_field(Answer::json(200, &body), "Cache-Control", "no-store")
            }
            _ => problem(401, BAD_LOGIN),
        }
    }

    fn with_token(&self, asked: &Asked<'_>, method: &str, path: &str) -> Answer {
        let claims = token(asked).map(|token| self.authority.verify(token, wall_seconds(asked)));
        let is_list = method == "GET" && matches!(path, "/pedidos" | "/metrics");
        let Some(Ok(Claims { sub: user, .. })) = claims else {
            return problem(if is_list { self.refusal_of_lists } else { 403 }, BAD_TOKEN);
        };
        let for_one =
            |body: &Value| with_field(Answer::json(200, body), "Cache-Control", "private, no-cache");
        match (method, path) {
            ("GET", "/pedidos") => for_one(&self.state().list()),
            ("GET", "/metrics") => for_one(&self.state().metrics()),
            ("POST", "/registrar_pedido_entregado") => self.register(asked),
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

    fn register(&self, asked: &Asked<'_>) -> Answer {
        let body = body(asked).unwrap_or_default();
        let products = body.get("productos").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let read = |product: &Value| {
            let price = product.get("precio")?;
            // A number, or a decimal number as text.
            let price =
                price.as_f64().or_else(|| price.as_str()?.parse().ok()).filter(|price| *price >= 0.0)?;
            Some((text(product, "producto")?.to_owned(), price))
        };
        let products: Option<Vec<(String, f64)>> = products.iter().map(read).collect();
        match (text(&body, "pedido_id"), text(&body, "repartidor"), products) {
            (Some(id), Some(courier), Some(products)) if (1..=MOST_PRODUCTS).contains(&products.len()) => {
                let (id, courier) = (id.to_owned(), courier.to_owned());
                let answer = Answer::json(200, &json!({ "pedido_id": id }));
                let timestamp = body.get("timestamp").cloned().unwrap_or_default();
                let mut state = self.state();
                // A repeated message is the same order.
                if !state.orders.iter().any(|order| order.id == id) {
                    state.orders.push(Order { id, courier, products, timestamp });
                }
                answer
            }
            _ => problem(
                400,
                "an order has pedido_id, repartidor and 1 to 10 productos with producto and precio",
            ),
        }
    }
}

impl State {
    /// The newest first.
    fn list(&self) -> Value {
        let product = |(name, price): &(String, f64)| json!({ "producto": name, "precio": price });
        let order = |order: &Order| {
            let products: Vec<Value> = order.products.iter().map(product).collect();
            json!({
                "pedido_id": order.id, "repartidor": order.courier, "productos": products, "timestamp": order.timestamp,
            })
        };
        let orders: Vec<Value> = self.orders.iter().rev().take(LISTED).map(order).collect();
        json!({ "pedidos": orders })
    }

    fn metrics(&self) -> Value {
        let mut sold: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, _) in self.orders.iter().flat_map(|order| &order.products) {
            *sold.entry(name).or_default() += 1;
        }
        let mut top: Vec<(&str, u64)> = sold.into_iter().collect();
        top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        top.truncate(3);
        let total: f64 = self.orders.iter().flat_map(|order| &order.products).map(|(_, price)| price).sum();
        let mean = if self.orders.is_empty() { 0.0 } else { total / self.orders.len() as f64 };
        json!({ "top_3_productos": top, "precio_promedio_por_pedido": mean, "acumulado_ventas_dia": total })
    }
}

fn preflight(asked: &Asked<'_>) -> Answer {
    let origin = field(asked, "origin").filter(|origin| FRONT_ENDS.contains(origin));
    let mut fields = vec![("Vary".to_owned(), "Origin".to_owned())];
    if let Some(origin) = origin {
        for (name, value) in [
            ("Access-Control-Allow-Origin", origin),
            ("Access-Control-Allow-Methods", "GET, POST"),
            ("Access-Control-Allow-Headers", "Authorization, Content-Type"),
            ("Access-Control-Max-Age", "600"),
        ] {
            fields.push((name.to_owned(), value.to_owned()));
        }
    }
    Answer {
        status: if origin.is_some() { 204 } else { 403 },
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
