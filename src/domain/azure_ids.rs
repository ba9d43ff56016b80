//! Ids of Azure resources as far as decisions need them: to compare and to show.

use std::fmt;
use std::hash::{Hash, Hasher};

/// The id of an Azure resource. Azure does not tell ids apart by case; the text keeps the case it came in.
#[derive(Clone, Debug)]
pub struct AzureId(String);

impl AzureId {
    /// The id in this text, which is a whole Azure Resource Manager id.
    pub fn new(text: impl Into<String>) -> AzureId {
        AzureId(text.into())
    }

    /// The text, in the case it came in.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of the resource: the last segment.
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

/// Whether two texts are ids of the same resource.
pub fn are_same_ids(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

impl PartialEq for AzureId {
    fn eq(&self, other: &AzureId) -> bool {
        are_same_ids(&self.0, &other.0)
    }
}

impl Eq for AzureId {}

impl Hash for AzureId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_lowercase().hash(state);
    }
}

impl fmt::Display for AzureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
