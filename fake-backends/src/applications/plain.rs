//! `plain`: a web instance that says its name, as in the teaching case of two instances behind a balancer.
//!
//! Every path is answered alike, so that only the balancing shows. Whom it lets in is said by its script
//! (`connections: {allow: [...]}`), as a security group is no matter of the application.

use serde_json::json;

use crate::behavior::{Answer, Application, Asked, Working};

/// A plain web instance.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

impl Application for Plain {
    fn answer<'a>(&'a self, asked: Asked<'a>) -> Working<'a> {
        Box::pin(async move {
            let (method, path) = super::dialogue::route(&asked);
            let body = json!({ "instance": asked.stamp.backend, "method": method, "path": path });
            super::dialogue::with_field(Answer::json(200, &body), "Cache-Control", "no-store")
        })
    }
}
