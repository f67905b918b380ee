//! What a page needs to begin: labs with their zones, kits and layouts of plates.

use crate::calls::{Call, Effect, Service};
use crate::refusal::Refusal;
use serde_json::{Value, json};
use tenfold_domain::policy::Policy;

/// The question behind it; pages get what is made of the answer, never a policy.
pub const GET_POLICY: Call = Call {
    service: Service::Intake,
    method: "GetPolicy",
    effect: Effect::Asks,
};

/// Labs, kits and layouts of the active policy; `lab` is the one this console is for, or empty.
///
/// # Errors
/// The policy cannot be read.
pub fn of(policy: &Value, lab: &str) -> Result<Value, Refusal> {
    let text = policy
        .get("content")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let policy = if text.is_empty() {
        None
    } else {
        Some(Policy::parse(text).map_err(|errors| {
            let first = errors.first().map(|error| error.message.clone());
            Refusal::internal(format!(
                "the policy cannot be read: {}",
                first.unwrap_or_default()
            ))
        })?)
    };
    let labs: Vec<Value> = policy
        .iter()
        .flat_map(|policy| &policy.labs)
        .filter(|(id, _)| lab.is_empty() || id.as_str() == lab)
        .map(|(id, one)| json!({ "id": id.as_str(), "name": one.name, "zone": one.zone }))
        .collect();
    let assays: Vec<Value> = policy
        .iter()
        .flat_map(|policy| &policy.assays)
        .map(|(id, assay)| json!({ "id": id.as_str(), "kit": assay.kit }))
        .collect();
    Ok(json!({
        "now": jiff::Timestamp::now().as_millisecond(),
        "release": env!("CARGO_PKG_VERSION"),
        "policy": policy.as_ref().map(|policy| policy.version),
        "labs": labs,
        "assays": assays,
        "layouts": policy.as_ref().map(|policy| policy.pooling.layouts.keys().map(ToString::to_string).collect::<Vec<_>>()),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_console_of_one_lab_offers_that_lab_and_its_zone() {
        let policy = json!({ "content": Policy::default_text() });
        let all = of(&policy, "").expect("a setup");
        let first = all["labs"][0]["id"].as_str().expect("a lab").to_owned();
        assert!(all["labs"][0]["zone"].is_string());
        assert!(all["assays"].as_array().is_some_and(|kits| kits.len() > 5));
        let none = of(&policy, "elsewhere").expect("a setup");
        assert_eq!(none["labs"], json!([]));
        let one = of(&policy, &first).expect("a setup");
        assert_eq!(one["labs"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn before_the_first_policy_there_are_no_labs() {
        let empty = of(&json!({}), "").expect("a setup");
        assert_eq!(empty["labs"], json!([]));
    }
}
