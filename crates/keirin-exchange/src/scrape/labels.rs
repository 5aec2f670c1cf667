//! The labels of a series that a target exposes: its own, the target's, and what the rules make of them.

use std::collections::BTreeMap;

use keirin_model::series::Labels;

use super::ScrapeTarget;
use crate::relabel::relabel;

/// The labels under which a series is kept; `None` where a rule leaves it out, or leaves it without a name.
pub(super) fn kept_labels(exposed: &Labels, target: &ScrapeTarget) -> Option<Labels> {
    let mut pairs: BTreeMap<String, String> = exposed
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in target.labels.iter() {
        if target.honor_labels {
            pairs.entry(name.to_owned()).or_insert_with(|| value.to_owned());
        } else if let Some(own) = pairs.insert(name.to_owned(), value.to_owned()) {
            let mut kept = format!("exported_{name}");
            while pairs.contains_key(&kept) || !target.labels.get(&kept).is_empty() {
                kept.insert_str(0, "exported_");
            }
            pairs.insert(kept, own);
        }
    }
    let labels = Labels::new(pairs).expect("a map has each name once");
    relabel(&labels, &target.relabel).filter(|labels| !labels.metric().is_empty())
}
