//! Marks on a controller: how an object there says that this provider made it, and under which name.
//!
//! A cloud or an SE group of ours carries one entry among its `markers`, whose value is a hash of its kind and of its
//! name at creation. After an interrupted run it tells our own remnant from an object that somebody else made under
//! the same name. What a Terraform state holds is ours with or without the entry.
//!
//! Markers also take part in the controller's granular access control: a role may be limited to objects with certain
//! markers. Entries of others therefore stay as they are, and the user may do without ours.

use sha2::{Digest, Sha256};

/// The key of the entry that holds the mark.
pub const MARKER_KEY: &str = "ako-terraform";

/// One entry among an object's `markers`, ours or somebody else's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkerEntry {
    /// What the entry is about.
    pub key: String,
    /// What it says.
    pub values: Vec<String>,
}

/// The mark of one object: 16 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker(String);

/// The objects that can carry a mark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkedKind {
    /// A cloud.
    Cloud,
    /// An SE group.
    SeGroup,
}

impl MarkedKind {
    /// Whether a controller of this version takes `markers` on such objects: the versions that introduced them stand
    /// in Avi's object models. What does not read as a version is taken for an old one.
    pub fn is_markable(self, controller_version: &str) -> bool {
        let since = match self {
            MarkedKind::Cloud => [22, 1, 1],
            MarkedKind::SeGroup => [20, 1, 7],
        };
        parse_version(controller_version).is_some_and(|version| version >= since)
    }
}

impl Marker {
    /// The mark of the cloud that was created under this name. Case counts, as it does for the controller (assumed).
    pub fn of_cloud(name: &str) -> Marker {
        Marker::hash(&format!("cloud:{name}"))
    }

    /// The mark of the SE group that was created under this name in the cloud with this uuid.
    pub fn of_se_group(cloud_uuid: &str, name: &str) -> Marker {
        Marker::hash(&format!("se-group:{cloud_uuid}/{name}"))
    }

    /// The mark among these entries, if there is one that can be read.
    pub fn find_in(entries: &[MarkerEntry]) -> Option<Marker> {
        let entry = entries.iter().find(|entry| is_mark(entry))?;
        let [value] = entry.values.as_slice() else {
            return None;
        };
        let is_hash = value.len() == 16 && value.chars().all(|c| c.is_ascii_hexdigit());
        is_hash.then(|| Marker(value.to_ascii_lowercase()))
    }

    /// Whether these entries hold this very mark.
    pub fn is_in(&self, entries: &[MarkerEntry]) -> bool {
        Marker::find_in(entries).as_ref() == Some(self)
    }

    /// The entry that holds it.
    pub fn entry(&self) -> MarkerEntry {
        MarkerEntry {
            key: MARKER_KEY.to_owned(),
            values: vec![self.0.clone()],
        }
    }

    /// These entries with this mark in place of any other of ours.
    pub fn added_to(&self, entries: &[MarkerEntry]) -> Vec<MarkerEntry> {
        let mut entries = entries_without_mark(entries);
        entries.push(self.entry());
        entries
    }

    fn hash(text: &str) -> Marker {
        let digest = Sha256::digest(text);
        Marker(
            digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

/// The entries of others: what the user may see.
pub fn entries_without_mark(entries: &[MarkerEntry]) -> Vec<MarkerEntry> {
    let others = entries.iter().filter(|entry| !is_mark(entry));
    others.cloned().collect()
}

fn is_mark(entry: &MarkerEntry) -> bool {
    entry.key == MARKER_KEY
}

/// The first three numbers of a version such as `22.1.3` or `22.1.3-2p1`.
fn parse_version(text: &str) -> Option<[u32; 3]> {
    let text = text.split('-').next().unwrap_or_default();
    let mut numbers = text.split('.').map(|part| part.parse().ok());
    let mut next = || numbers.next().flatten();
    Some([next()?, next()?, next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOUD: &str = "cloud-6f1f0b4e-93d3-4a0c-8a1e-2f0a5f9e2b11";

    fn theirs() -> MarkerEntry {
        MarkerEntry {
            key: "team".to_owned(),
            values: vec!["network".to_owned(), "platform".to_owned()],
        }
    }

    #[test]
    fn a_mark_reads_back_from_its_own_entry_among_those_of_others() {
        let mark = Marker::of_se_group(CLOUD, "seg-1");
        let entries = mark.added_to(&[theirs()]);
        assert_eq!(entries, [theirs(), mark.entry()]);
        assert!(mark.is_in(&entries));
        assert_eq!(entries_without_mark(&entries), [theirs()]);
    }

    #[test]
    fn a_mark_is_of_its_object_and_of_no_other() {
        let mark = Marker::of_se_group(CLOUD, "seg-1");
        for other in [
            Marker::of_se_group(CLOUD, "seg-2"),
            Marker::of_se_group(CLOUD, "SEG-1"),
            Marker::of_se_group("cloud-2", "seg-1"),
            Marker::of_cloud("seg-1"),
            Marker::of_cloud(&format!("{CLOUD}/seg-1")),
        ] {
            assert!(!mark.is_in(&[other.entry()]), "{other:?}");
        }
    }

    #[test]
    fn the_text_of_a_mark_never_changes_between_versions() {
        // Objects on users' controllers carry it: another text would make every one of them a stranger's.
        let text = |mark: Marker| mark.entry().values.join(",");
        assert_eq!(text(Marker::of_cloud("azure-prod")), "dac2891458881e31");
        assert_eq!(
            text(Marker::of_se_group("cloud-1", "seg-1")),
            "9e9de079a484125d"
        );
    }

    #[test]
    fn an_entry_that_is_no_mark_is_not_taken_for_one() {
        let entry = |key: &str, values: &[&str]| MarkerEntry {
            key: key.to_owned(),
            values: values.iter().map(|&value| value.to_owned()).collect(),
        };
        for wrong in [
            entry(MARKER_KEY, &[]),
            entry(MARKER_KEY, &["yes"]),
            entry(MARKER_KEY, &["0123456789abcdeg"]),
            entry(MARKER_KEY, &["0123456789abcdef", "0123456789abcdef"]),
            entry("team", &["0123456789abcdef"]),
        ] {
            assert_eq!(
                Marker::find_in(std::slice::from_ref(&wrong)),
                None,
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn another_mark_of_ours_is_replaced_when_one_is_added() {
        let (old, new) = (Marker::of_cloud("a"), Marker::of_cloud("b"));
        assert_eq!(
            new.added_to(&[old.entry(), theirs()]),
            [theirs(), new.entry()]
        );
    }

    #[test]
    fn a_controller_takes_marks_from_the_version_on_that_introduced_them() {
        for (version, cloud, se_group) in [
            ("18.2.9", false, false),
            ("20.1.6", false, false),
            ("20.1.7", false, true),
            ("20.1.10", false, true),
            ("21.1.3-2p1", false, true),
            ("22.1.1", true, true),
            ("30.2.1", true, true),
            ("", false, false),
            ("30", false, false),
        ] {
            assert_eq!(MarkedKind::Cloud.is_markable(version), cloud, "{version}");
            assert_eq!(
                MarkedKind::SeGroup.is_markable(version),
                se_group,
                "{version}"
            );
        }
    }
}
