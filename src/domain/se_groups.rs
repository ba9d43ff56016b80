//! Decisions about SE groups: whose label one carries, which subnet its Service Engines use, what becomes of either
//! when it is let go.

use super::azure_ids::are_same_ids;
use super::route_names::check_ako_name;
use std::fmt;

/// The key of the label that AKO looks for on an SE group (recorded: AKO 2.2.1).
pub const CLUSTER_LABEL: &str = "clustername";

/// A label of an SE group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Its key.
    pub key: String,
    /// Its value; AKO always writes one.
    pub value: Option<String>,
}

/// What is to be done about the label of an SE group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelStep {
    /// It is none of our business, or as wanted.
    Leave,
    /// There is none, and ours is to be added.
    Add,
    /// There is one that we have put on ourselves, for a cluster that was wanted before.
    Replace,
}

/// Somebody else's label, which is never overwritten: AKO of that cluster would not start again, and the controller
/// would program that cluster's routes nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForeignLabel {
    /// The cluster that is wanted.
    pub wanted: String,
    /// The label that is there.
    pub found: Label,
}

impl Label {
    /// The label by which AKO and the controller know the SE group as this cluster's.
    pub fn of_cluster(cluster_name: &str) -> Label {
        Label {
            key: CLUSTER_LABEL.to_owned(),
            value: Some(cluster_name.to_owned()),
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value.as_deref().unwrap_or_default();
        write!(f, "{}={value}", self.key)
    }
}

/// The cluster that these labels name.
pub fn cluster_of(labels: &[Label]) -> Option<&str> {
    let label = labels.iter().find(|label| label.key == CLUSTER_LABEL)?;
    label.value.as_deref()
}

/// What to do so that the SE group is the wanted cluster's; without one any label is left alone. `own` is the cluster
/// whose label we have put on ourselves: that one alone gives way to another.
///
/// AKO is content if the right label is among several; so are we.
pub fn plan_label(
    wanted: Option<&str>,
    own: Option<&str>,
    actual: &[Label],
) -> Result<LabelStep, ForeignLabel> {
    let Some(wanted) = wanted else {
        return Ok(LabelStep::Leave);
    };
    if actual.contains(&Label::of_cluster(wanted)) {
        return Ok(LabelStep::Leave);
    }
    match actual {
        [] => Ok(LabelStep::Add),
        [found] if own.map(Label::of_cluster).as_ref() == Some(found) => Ok(LabelStep::Replace),
        [found, ..] => Err(ForeignLabel {
            wanted: wanted.to_owned(),
            found: found.clone(),
        }),
    }
}

/// Whether AKO takes the text for `clusterName`.
pub fn check_cluster_name(text: &str) -> Result<(), String> {
    check_ako_name(text).map_err(|error| error.to_string())
}

/// The subnet of an SE group's data interfaces, as `data_network_id` says it: by its name, or by its Azure id.
///
/// Avi's own documents show names; public examples show ids as well. What is sent is the name.
#[derive(Clone, Debug)]
pub struct DataNetwork {
    name: String,
    virtual_network: Option<String>,
}

/// The Azure id of a subnet in another virtual network than the cloud's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideCloud {
    /// The virtual network of the subnet.
    pub virtual_network: String,
    /// The virtual network of the cloud; none where the cloud is not in Azure.
    pub of_cloud: Option<String>,
}

impl DataNetwork {
    /// Reads a name or an id.
    pub fn parse(text: &str) -> Result<DataNetwork, String> {
        if !text.contains('/') {
            return match text.is_empty() {
                true => {
                    Err("must not be empty: leave it out for the subnet of the cloud".to_owned())
                }
                false => Ok(DataNetwork {
                    name: text.to_owned(),
                    virtual_network: None,
                }),
            };
        }
        let wrong = || {
            format!(
                "must be the name of a subnet or its Azure id, which ends in virtualNetworks/<name>/subnets/<name>, not {text:?}"
            )
        };
        let parts: Vec<_> = text.split('/').collect();
        let is = |index: usize, word: &str| {
            parts
                .get(index)
                .is_some_and(|part| part.eq_ignore_ascii_case(word))
        };
        let sound = parts.len() == 11
            && parts[1..].iter().all(|part| !part.is_empty())
            && is(0, "")
            && is(1, "subscriptions")
            && is(3, "resourceGroups")
            && is(5, "providers")
            && is(7, "virtualNetworks")
            && is(9, "subnets");
        match sound {
            true => Ok(DataNetwork {
                name: parts[10].to_owned(),
                virtual_network: Some(parts[..9].join("/")),
            }),
            false => Err(wrong()),
        }
    }

    /// The name of the subnet, which is what the controller is told.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Azure id of its virtual network, where an id was given.
    pub fn virtual_network(&self) -> Option<&str> {
        self.virtual_network.as_deref()
    }

    /// Refuses an id in another virtual network than the cloud's: under its name the controller would take another
    /// subnet, or none.
    pub fn check_inside(&self, cloud_network: Option<&str>) -> Result<(), OutsideCloud> {
        match (&self.virtual_network, cloud_network) {
            (None, _) => Ok(()),
            (Some(own), Some(cloud)) if are_same_ids(own, cloud) => Ok(()),
            (Some(own), cloud) => Err(OutsideCloud {
                virtual_network: own.clone(),
                of_cloud: cloud.map(str::to_owned),
            }),
        }
    }
}

/// Whether two values of `data_network_id` mean the same subnet of one cloud. Azure does not tell names apart by case,
/// and the controller may give back either form.
pub fn are_same_data_networks(one: &str, other: &str) -> bool {
    match (DataNetwork::parse(one), DataNetwork::parse(other)) {
        (Ok(one), Ok(other)) => {
            let same_network = match (&one.virtual_network, &other.virtual_network) {
                (Some(one), Some(other)) => are_same_ids(one, other),
                _ => true,
            };
            same_network && are_same_ids(&one.name, &other.name)
        }
        _ => are_same_ids(one, other),
    }
}

/// What a destroyed override does to the SE group's `data_network_id`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDestroy {
    /// It puts back what was there.
    Restore,
    /// It takes the value out, so that the cloud's subnet counts.
    Clear,
    /// It leaves the value.
    Keep,
}

/// What becomes of `data_network_id` when an override is destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// It is put back to this.
    Set(String),
    /// It is taken out.
    Clear,
    /// It stays as it is.
    Keep(Kept),
}

/// Why `data_network_id` stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The user wants it so.
    Wanted,
    /// It is what it is to be already.
    Done,
    /// Somebody else has changed it since.
    Changed,
    /// What was there before is not known.
    PreviousUnknown,
}

impl OnDestroy {
    /// The words of the configuration.
    pub const WORDS: [&str; 3] = ["restore", "clear", "keep"];

    /// What the word means; anything else restores, which is the default.
    pub fn of_word(word: &str) -> OnDestroy {
        match word {
            "clear" => OnDestroy::Clear,
            "keep" => OnDestroy::Keep,
            _ => OnDestroy::Restore,
        }
    }
}

/// What to do at the end of an override that had set `ours`. Only a value that is still ours is touched. `previous` is
/// what was there before: empty text for nothing, none where it is not known.
pub fn plan_farewell(
    on_destroy: OnDestroy,
    ours: &str,
    actual: Option<&str>,
    previous: Option<&str>,
) -> Farewell {
    let left = match on_destroy {
        OnDestroy::Keep => return Farewell::Keep(Kept::Wanted),
        OnDestroy::Restore => previous,
        OnDestroy::Clear => Some(""),
    };
    let is = |text: &str| are_same_data_networks(actual.unwrap_or_default(), text);
    match left {
        Some(left) if is(left) => Farewell::Keep(Kept::Done),
        _ if !is(ours) => Farewell::Keep(Kept::Changed),
        None => Farewell::Keep(Kept::PreviousUnknown),
        Some("") => Farewell::Clear,
        Some(previous) => Farewell::Set(previous.to_owned()),
    }
}

/// What an override records as the value before its own: empty text for nothing, none where the value was already
/// the one that it sets, because who set it is then not known.
pub fn previous_of(actual: Option<&str>, ours: &str) -> Option<String> {
    match actual {
        Some(actual) if are_same_data_networks(actual, ours) => None,
        Some(actual) => Some(actual.to_owned()),
        None => Some(String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NETWORK: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/vnet";

    fn subnet(name: &str) -> String {
        format!("{NETWORK}/subnets/{name}")
    }

    fn label(key: &str, value: &str) -> Label {
        Label {
            key: key.to_owned(),
            value: Some(value.to_owned()),
        }
    }

    #[test]
    fn a_label_is_added_where_there_is_none_and_never_overwritten() {
        let ours = Label::of_cluster("blue");
        let green = Label::of_cluster("green");
        let upper = Label::of_cluster("Blue");
        let keyed = label("team", "blue");
        let empty = Label {
            value: None,
            ..ours.clone()
        };
        for (wanted, actual, expected) in [
            (None, vec![], Ok(LabelStep::Leave)),
            (None, vec![green.clone()], Ok(LabelStep::Leave)),
            (Some("blue"), vec![], Ok(LabelStep::Add)),
            (Some("blue"), vec![ours.clone()], Ok(LabelStep::Leave)),
            (
                Some("blue"),
                vec![keyed.clone(), ours.clone()],
                Ok(LabelStep::Leave),
            ),
            (Some("blue"), vec![green.clone()], Err(green)),
            (Some("blue"), vec![upper.clone()], Err(upper)),
            (Some("blue"), vec![keyed.clone()], Err(keyed)),
            (Some("blue"), vec![empty.clone()], Err(empty)),
        ] {
            for own in [None, Some("blue"), Some("red")] {
                let found = plan_label(wanted, own, &actual).map_err(|foreign| foreign.found);
                assert_eq!(found, expected, "{wanted:?} {own:?} {actual:?}");
            }
        }
    }

    #[test]
    fn a_label_of_our_own_gives_way_and_one_beside_it_does_not() {
        let (green, keyed) = (Label::of_cluster("green"), label("team", "x"));
        let plan = |own, actual: &[Label]| plan_label(Some("blue"), own, actual);
        let own = Some("green");
        assert_eq!(
            plan(own, std::slice::from_ref(&green)),
            Ok(LabelStep::Replace)
        );
        assert!(plan(own, &[green.clone(), keyed]).is_err());
        assert!(plan(Some("Green"), &[green]).is_err());
    }

    #[test]
    fn the_cluster_of_labels_is_the_value_under_akos_key() {
        assert_eq!(cluster_of(&[Label::of_cluster("blue")]), Some("blue"));
        assert_eq!(cluster_of(&[label("team", "x")]), None);
        assert_eq!(cluster_of(&[]), None);
    }

    #[test]
    fn cluster_names_are_those_that_ako_takes() {
        for name in ["blue", "a_b-C9", "-x"] {
            assert_eq!(check_cluster_name(name), Ok(()), "{name}");
        }
        for name in ["", "a.b", "a b", "ä"] {
            assert!(check_cluster_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_subnet_is_known_by_its_name_in_any_case_or_by_its_id() {
        for (one, other, same) in [
            ("snet-se", "SNET-SE", true),
            ("snet-se", &*subnet("Snet-SE"), true),
            (
                &*subnet("snet-se"),
                &*subnet("snet-se").to_uppercase(),
                true,
            ),
            ("snet-se", "snet-se2", false),
            ("snet-se", &*subnet("other"), false),
            (
                &*subnet("snet-se"),
                &*subnet("snet-se").replace("/vnet/", "/vnet2/"),
                false,
            ),
        ] {
            assert_eq!(are_same_data_networks(one, other), same, "{one} {other}");
        }
    }

    #[test]
    fn what_is_neither_a_name_nor_the_id_of_a_subnet_is_refused() {
        for text in [
            "",
            "vnet/snet",
            NETWORK,
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/r/subnets/x",
            &*format!("{NETWORK}/subnets/"),
        ] {
            assert!(DataNetwork::parse(text).is_err(), "{text}");
        }
        let network = DataNetwork::parse(&subnet("snet-se")).unwrap();
        assert_eq!(network.name(), "snet-se");
        assert_eq!(network.virtual_network(), Some(NETWORK));
    }

    #[test]
    fn an_id_counts_only_inside_the_virtual_network_of_the_cloud() {
        let network = DataNetwork::parse(&subnet("snet-se")).unwrap();
        assert_eq!(network.check_inside(Some(&NETWORK.to_uppercase())), Ok(()));
        let other = format!("{NETWORK}2");
        let outside = network.check_inside(Some(&other)).unwrap_err();
        assert_eq!(outside.virtual_network, NETWORK);
        assert_eq!(outside.of_cloud, Some(other));
        assert!(network.check_inside(None).is_err());
        let name = DataNetwork::parse("snet-se").unwrap();
        assert_eq!(name.check_inside(None), Ok(()));
    }

    #[test]
    fn a_destroyed_override_touches_only_what_is_still_its_own() {
        use Farewell::{Clear, Keep, Set};
        let set = |text: &str| Set(text.to_owned());
        for (word, actual, previous, expected) in [
            ("restore", Some("ours"), Some("before"), set("before")),
            ("restore", Some("OURS"), Some(""), Clear),
            ("restore", Some("ours"), None, Keep(Kept::PreviousUnknown)),
            (
                "restore",
                Some("theirs"),
                Some("before"),
                Keep(Kept::Changed),
            ),
            ("restore", None, Some("before"), Keep(Kept::Changed)),
            ("restore", None, Some(""), Keep(Kept::Done)),
            ("restore", Some("BEFORE"), Some("before"), Keep(Kept::Done)),
            ("clear", None, Some("before"), Keep(Kept::Done)),
            ("clear", Some("ours"), None, Clear),
            ("clear", Some("theirs"), None, Keep(Kept::Changed)),
            ("keep", Some("ours"), Some("before"), Keep(Kept::Wanted)),
        ] {
            let found = plan_farewell(OnDestroy::of_word(word), "ours", actual, previous);
            assert_eq!(found, expected, "{word} {actual:?} {previous:?}");
        }
    }

    #[test]
    fn a_value_that_is_already_there_has_no_known_predecessor() {
        assert_eq!(previous_of(None, "ours").as_deref(), Some(""));
        assert_eq!(previous_of(Some("other"), "ours").as_deref(), Some("other"));
        assert_eq!(previous_of(Some("Ours"), "ours"), None);
    }
}
