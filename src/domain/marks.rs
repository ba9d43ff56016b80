//! Marks: how an object in Azure says for whom this provider made it.
//!
//! A route table of ours carries one tag with a hash of the SE subnet's id. After an interrupted run it tells our own
//! remnant from a table that somebody else made under the same name. What a Terraform state holds is ours with or
//! without the mark.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// Tags of an Azure resource. Azure keeps the case of a name but does not tell names apart by it.
pub type Tags = BTreeMap<String, String>;

/// The name of the tag that holds the mark.
pub const MARK_KEY: &str = "ako-cluster-subnet";

/// The mark of one SE subnet on its route table, with the cluster that the subnet serves.
///
/// As text: 16 hexadecimal digits, then `:` and the cluster name where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    se_subnet_hash: String,
    cluster_name: Option<String>,
}

impl Mark {
    /// The mark for the SE subnet with this id, in any case, and its cluster.
    pub fn new(se_subnet_id: &str, cluster_name: Option<&str>) -> Mark {
        let digest = Sha256::digest(se_subnet_id.to_lowercase());
        Mark {
            se_subnet_hash: digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            cluster_name: cluster_name.map(str::to_owned),
        }
    }

    /// The mark among these tags, if there is one that can be read.
    pub fn find_in(tags: &Tags) -> Option<Mark> {
        let (_, text) = tags.iter().find(|(name, _)| is_mark_key(name))?;
        let (hash, cluster_name) = match text.split_once(':') {
            Some((hash, cluster_name)) => (hash, Some(cluster_name.to_owned())),
            None => (text.as_str(), None),
        };
        let is_hash = hash.len() == 16 && hash.chars().all(|c| c.is_ascii_hexdigit());
        is_hash.then(|| Mark {
            se_subnet_hash: hash.to_ascii_lowercase(),
            cluster_name,
        })
    }

    /// Whether this is the mark of the SE subnet with that id.
    pub fn is_of(&self, se_subnet_id: &str) -> bool {
        self.se_subnet_hash == Mark::new(se_subnet_id, None).se_subnet_hash
    }

    /// The cluster that the mark names.
    pub fn cluster_name(&self) -> Option<&str> {
        self.cluster_name.as_deref()
    }
}

/// As it stands in the tag.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster_name {
            Some(cluster_name) => write!(f, "{}:{cluster_name}", self.se_subnet_hash),
            None => f.write_str(&self.se_subnet_hash),
        }
    }
}

/// The tags without any mark: what the user may see and set.
pub fn tags_without_mark(tags: &Tags) -> Tags {
    tags.iter()
        .filter(|(name, _)| !is_mark_key(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The tags that a table of ours should carry: exactly the managed ones, or, where none are managed, whatever
/// others have set; and the mark.
pub fn desired_tags(managed: Option<&Tags>, actual: &Tags, mark: &Mark) -> Tags {
    let mut tags = match managed {
        Some(managed) => managed.clone(),
        None => tags_without_mark(actual),
    };
    tags.insert(MARK_KEY.to_owned(), mark.to_string());
    tags
}

/// Whether Azure would take both for the same tags: names without case, values exactly.
pub fn are_same_tags(one: &Tags, other: &Tags) -> bool {
    let folded = |tags: &Tags| -> Tags {
        tags.iter()
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .collect()
    };
    folded(one) == folded(other)
}

fn is_mark_key(name: &str) -> bool {
    name.eq_ignore_ascii_case(MARK_KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SE_SUBNET: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/se";

    fn tags(pairs: &[(&str, &str)]) -> Tags {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_mark_reads_back_from_its_own_text() {
        for cluster_name in [None, Some("cluster-1"), Some("a:b"), Some("")] {
            let mark = Mark::new(SE_SUBNET, cluster_name);
            let found = Mark::find_in(&tags(&[(MARK_KEY, &mark.to_string())]));
            assert_eq!(found, Some(mark), "{cluster_name:?}");
        }
    }

    #[test]
    fn a_mark_is_of_its_se_subnet_in_any_case_and_of_no_other() {
        let mark = Mark::new(SE_SUBNET, Some("cluster-1"));
        assert!(mark.is_of(&SE_SUBNET.to_uppercase()));
        assert!(!mark.is_of(&format!("{SE_SUBNET}2")));
    }

    #[test]
    fn the_text_of_a_mark_never_changes_between_versions() {
        // Tables in users' subscriptions carry it: another text would make every one of them a stranger's.
        let mark = Mark::new(SE_SUBNET, Some("cluster-1"));
        assert_eq!(mark.to_string(), "a8d92c3a22288af3:cluster-1");
    }

    #[test]
    fn a_tag_that_is_no_mark_is_not_taken_for_one() {
        for text in [
            "",
            "yes",
            "0123456789abcde",
            "0123456789abcdeg",
            "x:cluster-1",
        ] {
            assert_eq!(Mark::find_in(&tags(&[(MARK_KEY, text)])), None, "{text:?}");
        }
        let upper = tags(&[("AKO-Cluster-Subnet", "0123456789ABCDEF")]);
        assert!(
            Mark::find_in(&upper).is_some(),
            "Azure may change the case of a name"
        );
    }

    #[test]
    fn unmanaged_tags_of_others_stay_and_managed_ones_are_exactly_those_beside_the_mark() {
        let mark = Mark::new(SE_SUBNET, None);
        let actual = tags(&[("owner", "net"), ("AKO-CLUSTER-SUBNET", "old")]);
        let text = mark.to_string();
        assert_eq!(
            desired_tags(None, &actual, &mark),
            tags(&[("owner", "net"), (MARK_KEY, &text)])
        );
        let managed = tags(&[("env", "prod")]);
        assert_eq!(
            desired_tags(Some(&managed), &actual, &mark),
            tags(&[("env", "prod"), (MARK_KEY, &text)])
        );
    }

    #[test]
    fn tags_are_the_same_whatever_the_case_of_their_names() {
        assert!(are_same_tags(
            &tags(&[("Env", "a")]),
            &tags(&[("env", "a")])
        ));
        assert!(!are_same_tags(
            &tags(&[("env", "A")]),
            &tags(&[("env", "a")])
        ));
    }
}
