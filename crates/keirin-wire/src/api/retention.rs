//! How long what flows leave is kept.

use jiff::Timestamp;
use keirin_model::retention::{EffectiveRetention, ProjectRetentionRules, RetentionRules};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the server says about retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ServerRetention {
    /// What has been set.
    pub rules: RetentionRules,
    /// What holds for projects that say nothing.
    pub effective: EffectiveRetention,
    /// What it inherits where it says nothing. What would be kept longer than its flow goes with it.
    pub inherited: EffectiveRetention,
}

/// What a project says about retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProjectRetention {
    /// What has been set.
    pub rules: ProjectRetentionRules,
    /// What holds for branches and tags that no rule of their own fits.
    pub effective: EffectiveRetention,
    /// What the project inherits from the server where it says nothing. What would be kept longer than its flow goes with it.
    pub inherited: EffectiveRetention,
    /// What holds for the branches of each rule about branches, in their order.
    pub branches: Vec<EffectiveRetention>,
}

/// What of a flow stays, and what has gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FlowRetention {
    /// Whether it stays, with all that it left, until somebody says otherwise.
    pub pinned: bool,
    /// When its logs were removed because they had been kept long enough. Later ones are there.
    #[schema(required)]
    pub logs_removed_at: Option<Timestamp>,
    /// When its artifacts were removed.
    #[schema(required)]
    pub artifacts_removed_at: Option<Timestamp>,
    /// When its test results were removed; their counts stay.
    #[schema(required)]
    pub test_results_removed_at: Option<Timestamp>,
}
