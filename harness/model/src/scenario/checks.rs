//! The checks of a scenario as written: a map from the name of a check to its limits, in the author's order.
//!
//! Names are looked up in `plan`, where an unknown one gets a suggestion; thresholds are parsed there before anything
//! runs.

use fake_backends::behavior::{Share, Span};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};

/// Name and limits of each check, in order.
#[derive(Clone, Debug, Default)]
pub struct CheckMap(pub Vec<(String, CheckFile)>);

/// The limits of one check.
#[derive(Clone, Debug, Default, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CheckFile {
    /// Labels of the steps it is confined to.
    pub steps: Vec<String>,
    /// Largest time tolerated: of a declared resolution (`ttl.*`), of what the check measures elsewhere.
    pub at_most: Option<Span>,
    /// Largest number tolerated: of requests lost at a death (`fleet.lost_requests`), of changes of direction in an hour
    /// (`fleet.scaled`).
    pub count: Option<u64>,
    /// Smallest figure that is enough, such as clients for each backend connection (`multiplexing.connections`).
    pub at_least: Option<f64>,
    /// Smallest share that is enough, such as `90%` (`balance.least_busy`).
    pub share: Option<Share>,
    /// Limits of the form `p(99)<50ms` (`latency.thresholds`).
    pub thresholds: Vec<String>,
    /// Tag that the thresholds concern.
    pub tag: Option<String>,
    /// Largest share of errors beside the thresholds; 1 % where nothing is said.
    pub error_rate: Option<Share>,
    /// A severity of its own, not below the catalogue's.
    pub severity: Option<Severity>,
}

/// How much a check counts in a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Decides the exit code.
    Required,
    /// Reported, never decides.
    Optimal,
    /// Worth knowing.
    Check,
}

impl<'de> Deserialize<'de> for CheckMap {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = CheckMap;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map from check names to their limits, such as `ttl.expiry: {}`")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<CheckMap, A::Error> {
                let mut checks = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    checks.push((name, map.next_value::<Option<CheckFile>>()?.unwrap_or_default()));
                }
                Ok(CheckMap(checks))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

impl schemars::JsonSchema for CheckMap {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CheckMap".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let limits = generator.subschema_for::<Option<CheckFile>>();
        let names: serde_json::Map<String, serde_json::Value> = crate::catalogue::CheckId::ALL
            .iter()
            .map(|id| (id.name().to_owned(), limits.clone().to_value()))
            .collect();
        schemars::json_schema!({ "type": "object", "properties": names, "additionalProperties": false })
    }
}
