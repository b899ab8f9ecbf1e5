//! What a backend is told: which requests get which behaviour, and what becomes of connections.
//!
//! Scenarios hold it, `plan.json` shows it, `server` follows it; it can be exchanged while a backend runs. Requests
//! steer by their path alone, since a proxy may drop any field.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Plan;
use super::quantity::{BadQuantity, written_as_text};

/// What a backend is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Script {
    /// The first route that fits a request decides.
    pub routes: Vec<Route>,
    /// What requests get that no route fits.
    pub otherwise: Plan,
    /// What becomes of connections.
    pub connections: Connections,
}

/// Requests that get a behaviour of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Their path; `*` stands for anything.
    pub path: PathPattern,
    /// Their method, where it matters.
    #[serde(default)]
    pub method: Option<String>,
    /// What they get.
    pub plan: Plan,
}

/// What becomes of connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Connections {
    /// What happens to a connection that comes in.
    pub accept: Accept,
    /// A connection is closed after this many requests, and the last answer says so.
    pub requests_per_connection: Option<u32>,
    /// Addresses that are let in, as by a security group; everybody where it is empty. Others are reset before a byte is read.
    pub allow: Vec<IpAddr>,
    /// Whether `100 Continue` is withheld from requests that expect it.
    pub withhold_continue: bool,
}

/// What happens to a connection that comes in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Accept {
    /// It is served.
    #[default]
    Serve,
    /// It is refused: the port is taken and nobody listens.
    Refuse,
    /// It is accepted and closed.
    Close,
    /// It is accepted and reset.
    Reset,
    /// It is accepted and left alone: nothing is read, nothing is sent.
    Hang,
}

/// A pattern of paths: `/a`, `/images/*`, `*`. Where it holds a `?`, the query is compared too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(String);

impl Script {
    /// A script that does the same with every request.
    pub fn always(plan: Plan) -> Script {
        Script { otherwise: plan, ..Script::default() }
    }

    /// The plan for a request and the number of its route; the number after the last route is that of `otherwise`.
    pub fn plan_for(&self, method: &str, path_and_query: &str) -> (usize, &Plan) {
        let fits = |route: &Route| {
            route.method.as_deref().is_none_or(|wanted| wanted == method)
                && route.path.matches(path_and_query)
        };
        match self.routes.iter().position(fits) {
            Some(position) => (position, &self.routes[position].plan),
            None => (self.routes.len(), &self.otherwise),
        }
    }

    /// All plans, those inside others not.
    pub fn plans(&self) -> impl Iterator<Item = &Plan> {
        self.routes.iter().map(|route| &route.plan).chain([&self.otherwise])
    }

    /// Cuts every body down to `most` bytes; the number of those that were longer.
    pub fn keep_bodies_within(&mut self, most: u64) -> usize {
        let routes = self.routes.iter_mut().map(|route| &mut route.plan);
        routes.chain([&mut self.otherwise]).map(|plan| plan.keep_bodies_within(most)).sum()
    }

    /// Why an answer that is to break off in its body would come whole.
    pub fn never_broken_off(&self) -> Option<String> {
        self.plans().find_map(Plan::never_broken_off)
    }

    /// Whether bodies of requests must be kept whole, for an application.
    pub fn needs_whole_bodies(&self) -> bool {
        self.plans().any(|plan| plan.any(&|plan| matches!(plan, Plan::Application(_))))
    }
}

impl PathPattern {
    /// Whether a path with its query fits.
    pub fn matches(&self, path_and_query: &str) -> bool {
        let subject = if self.0.contains('?') {
            path_and_query
        } else {
            path_and_query.split('?').next().unwrap_or_default()
        };
        glob(self.0.as_bytes(), subject.as_bytes())
    }
}

impl FromStr for PathPattern {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<PathPattern, BadQuantity> {
        if text.starts_with(['/', '*']) {
            return Ok(PathPattern(text.to_owned()));
        }
        Err(BadQuantity(format!("`{text}` is not a path: it begins with `/` or `*`, such as /images/*")))
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

written_as_text!(PathPattern, "PathPattern", "/images/*");

/// Whether a subject fits a pattern in which `*` stands for any bytes. Takes the time of their product at most.
fn glob(pattern: &[u8], subject: &[u8]) -> bool {
    let (mut p, mut s) = (0, 0);
    // Where to go on when a byte does not fit: behind the last star, one byte later.
    let mut retry = None;
    while s < subject.len() {
        match pattern.get(p) {
            Some(b'*') => {
                retry = Some((p + 1, s));
                p += 1;
            }
            Some(&byte) if byte == subject[s] => {
                p += 1;
                s += 1;
            }
            _ => match retry {
                Some((after_star, from)) => {
                    retry = Some((after_star, from + 1));
                    (p, s) = (after_star, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(pattern: &str, path: &str) -> bool {
        pattern.parse::<PathPattern>().unwrap().matches(path)
    }

    #[test]
    fn patterns_fit_what_they_say() {
        assert!(fits("/a", "/a") && fits("/a", "/a?x=1") && !fits("/a", "/ab") && !fits("/a", "/"));
        assert!(fits("/a/*", "/a/") && fits("/a/*", "/a/b/c") && !fits("/a/*", "/a"));
        assert!(fits("*", "/x") && fits("*.png", "/i/x.png") && !fits("*.png", "/i/x.pngs"));
        assert!(fits("/a*b*c", "/aXbYbZc") && !fits("/a*b*c", "/aXc"));
        assert!(fits("/a?x=*", "/a?x=1") && !fits("/a?x=*", "/a?y=1"));
        assert!("a".parse::<PathPattern>().is_err());
    }

    #[test]
    fn the_first_route_that_fits_decides() {
        let text = r#"{"routes": [{"path": "/a", "method": "POST", "plan": {"echo": {}}},
                                  {"path": "/*", "plan": {"close": {}}}],
                       "otherwise": {"garbage": {}}}"#;
        let script: Script = serde_json::from_str(text).unwrap();
        assert_eq!(script.plan_for("POST", "/a").0, 0);
        assert_eq!(script.plan_for("GET", "/a").0, 1);
        assert_eq!(script.plan_for("OPTIONS", "*").0, 2);
        assert!(!script.needs_whole_bodies());
    }

    #[test]
    fn a_script_survives_json_and_refuses_unknown_keys() {
        let text = r#"{"routes": [{"path": "/s/*", "plan": {"slow": {"delay": "lognormal(20ms, 0.5)",
            "then": {"error": {"status": 503, "probability": "10%"}}}}}], "connections": {"accept": "hang"}}"#;
        let script: Script = serde_json::from_str(text).unwrap();
        let again: Script = serde_json::from_str(&serde_json::to_string(&script).unwrap()).unwrap();
        assert_eq!(again, script);
        assert!(serde_json::from_str::<Script>(r#"{"rotes": []}"#).is_err());
        assert!(serde_json::from_str::<Script>(r#"{"otherwise": {"explode": {}}}"#).is_err());
    }
}
