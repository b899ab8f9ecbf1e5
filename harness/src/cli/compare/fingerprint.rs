//! By what baselines and shards tell whether they are of the same question: fingerprints of a load and of a proxy.
//!
//! Both are of what was resolved, not of files as written, so that a comment changes nothing.

use sha2::{Digest, Sha256};

use super::sides::{Contender, DIRECT};
use harness_model::plan::Plan;

/// What the load is: a comment or a threshold of the scenario may change without making figures worthless.
pub(super) fn load_of(plan: &Plan) -> String {
    let steps: Vec<_> = plan.steps.iter().map(|step| &step.kind).collect();
    let text = serde_json::to_string(&(&plan.proxy, &plan.backends, steps)).unwrap_or_default();
    fingerprint(&text)
}

fn fingerprint(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

/// Which proxy a side is, wherever its program lies: two sides of one name may be different ones.
pub(super) fn proxy_of(side: &Contender) -> String {
    if side.direct {
        return DIRECT.to_owned();
    }
    let mut adapter = serde_json::to_value(&side.plan.adapter).unwrap_or_default();
    if let Some(fields) = adapter.as_object_mut() {
        for path in ["program", "origin", "copy_from", "limits"] {
            fields.remove(path);
        }
    }
    fingerprint(&adapter.to_string())
}
