//! What is kept beside an SE group: what the configuration set when it was last written, and whose label was put on.

use super::schema::SIZING;
use crate::framework::plan::Config;

/// What the last write was about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    /// The sizing settings that were configured: one that is taken out later goes back to the controller's default.
    pub(super) sizing: Vec<&'static str>,
    /// The cluster whose label was put on by this resource, and by nobody else.
    pub(super) own_label: Option<String>,
}

/// What the cluster's name follows; no setting begins so, and a cluster's name has no comma.
const LABEL: &str = "label:";

impl Kept {
    /// What is to be kept after a write of this configuration.
    pub(super) fn of(config: &Config<'_>, own_label: Option<String>) -> Kept {
        let sizing = SIZING.iter().filter(|name| !config.get(name).is_null());
        Kept {
            sizing: sizing.copied().collect(),
            own_label,
        }
    }

    /// Reads what was kept; what another version has written counts as far as it can be read.
    pub(super) fn from_bytes(bytes: &[u8]) -> Kept {
        let text = String::from_utf8_lossy(bytes);
        let parts: Vec<_> = text.split(',').collect();
        let sizing = SIZING.iter().filter(|name| parts.contains(*name));
        let label = parts.iter().find_map(|part| part.strip_prefix(LABEL));
        Kept {
            sizing: sizing.copied().collect(),
            own_label: label.map(str::to_owned),
        }
    }

    /// As it is kept.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut parts: Vec<_> = self.sizing.iter().map(|&name| name.to_owned()).collect();
        let label = self.own_label.iter();
        parts.extend(label.map(|cluster| format!("{LABEL}{cluster}")));
        parts.join(",").into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framework::value::Value;

    #[test]
    fn what_was_configured_and_whose_label_it_is_reads_back() {
        let names = ["max_se", "ha_mode", "name"];
        let config = Value::object(names.map(|name| (name, Value::from("set"))));
        let kept = Kept::of(&Config::new(&config), Some("max_se".to_owned()));
        assert_eq!(kept.sizing, ["max_se", "ha_mode"]);
        assert_eq!(Kept::from_bytes(&kept.to_bytes()), kept);
        assert_eq!(Kept::from_bytes(b""), Kept::default());
        assert_eq!(Kept::from_bytes(b"of,another,version"), Kept::default());
    }
}
