//! The ids of Azure objects, parsed once and compared without case, as Azure compares them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// Why a text is not the id that was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {noun}, {form}, not {got}")]
pub struct IdError {
    noun: &'static str,
    form: &'static str,
    got: String,
}

/// Declares one id type: its name in messages, its form, and how many parts of the form vary.
macro_rules! arm_id {
    ($(#[$doc:meta])* $id:ident, $kind:ident, $count:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $id {
            parts: [String; $count],
        }

        impl $id {
            /// The subscription, a GUID.
            pub fn subscription(&self) -> &str {
                &self.parts[0]
            }

            /// The object's own name, the last part of the id.
            pub fn name(&self) -> &str {
                &self.parts[$count - 1]
            }
        }

        impl FromStr for $id {
            type Err = IdError;

            fn from_str(text: &str) -> Result<$id, IdError> {
                let parts = $kind.parts_of(text)?;
                match <[String; $count]>::try_from(parts) {
                    Ok(parts) => Ok($id { parts }),
                    Err(_) => Err($kind.error(text)),
                }
            }
        }

        impl fmt::Display for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $kind.print(&self.parts, f)
            }
        }

        impl fmt::Debug for $id {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl PartialEq for $id {
            fn eq(&self, other: &$id) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }

        impl Eq for $id {}

        impl PartialOrd for $id {
            fn partial_cmp(&self, other: &$id) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $id {
            fn cmp(&self, other: &$id) -> Ordering {
                compare_without_case(&self.parts, &other.parts)
            }
        }

        impl Hash for $id {
            fn hash<H: Hasher>(&self, state: &mut H) {
                for part in &self.parts {
                    part.to_ascii_lowercase().hash(state);
                }
            }
        }

        impl Serialize for $id {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $id {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$id, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

arm_id!(
    /// A resource group.
    ResourceGroupId, RESOURCE_GROUP, 2
);
arm_id!(
    /// A virtual network.
    VirtualNetworkId, VIRTUAL_NETWORK, 3
);
arm_id!(
    /// A subnet of a virtual network.
    SubnetId, SUBNET, 4
);
arm_id!(
    /// A route table.
    RouteTableId, ROUTE_TABLE, 3
);
arm_id!(
    /// A network security group.
    NetworkSecurityGroupId, NETWORK_SECURITY_GROUP, 3
);

impl ResourceGroupId {
    /// The resource group `name` of the same subscription.
    pub fn sibling(&self, name: &str) -> Result<ResourceGroupId, IdError> {
        RESOURCE_GROUP.join(&[self.subscription(), name])
    }

    /// The virtual network `name` in this group.
    pub fn virtual_network(&self, name: &str) -> Result<VirtualNetworkId, IdError> {
        VIRTUAL_NETWORK.join(&[self.subscription(), self.name(), name])
    }

    /// The route table `name` in this group.
    pub fn route_table(&self, name: &str) -> Result<RouteTableId, IdError> {
        ROUTE_TABLE.join(&[self.subscription(), self.name(), name])
    }

    /// The network security group `name` in this group.
    pub fn network_security_group(&self, name: &str) -> Result<NetworkSecurityGroupId, IdError> {
        NETWORK_SECURITY_GROUP.join(&[self.subscription(), self.name(), name])
    }
}

impl VirtualNetworkId {
    /// The resource group it is in.
    pub fn parent(&self) -> ResourceGroupId {
        group_of(&self.parts)
    }

    /// Its subnet `name`.
    pub fn child(&self, name: &str) -> Result<SubnetId, IdError> {
        let [subscription, group, network] = &self.parts;
        SUBNET.join(&[subscription, group, network, name])
    }
}

impl SubnetId {
    /// The virtual network it is in.
    pub fn parent(&self) -> VirtualNetworkId {
        let [subscription, group, network, _] = &self.parts;
        VirtualNetworkId {
            parts: [subscription.clone(), group.clone(), network.clone()],
        }
    }
}

impl RouteTableId {
    /// The resource group it is in.
    pub fn parent(&self) -> ResourceGroupId {
        group_of(&self.parts)
    }
}

impl NetworkSecurityGroupId {
    /// The resource group it is in.
    pub fn parent(&self) -> ResourceGroupId {
        group_of(&self.parts)
    }
}

/// A kind of object: what it is called and how its id is written.
struct Kind {
    noun: &'static str,
    form: &'static str,
}

const RESOURCE_GROUP: Kind = Kind {
    noun: "a resource group id",
    form: "/subscriptions/{subscription}/resourceGroups/{group}",
};
const VIRTUAL_NETWORK: Kind = Kind {
    noun: "a virtual network id",
    form: "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}",
};
const SUBNET: Kind = Kind {
    noun: "a subnet id",
    form: "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{vnet}/subnets/{name}",
};
const ROUTE_TABLE: Kind = Kind {
    noun: "a route table id",
    form: "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/routeTables/{name}",
};
const NETWORK_SECURITY_GROUP: Kind = Kind {
    noun: "a network security group id",
    form: "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/networkSecurityGroups/{name}",
};

/// Kinds that a wrong id is recognised as, so that the message can say what was given instead.
const KNOWN: [&Kind; 6] = [
    &RESOURCE_GROUP,
    &VIRTUAL_NETWORK,
    &SUBNET,
    &ROUTE_TABLE,
    &NETWORK_SECURITY_GROUP,
    &Kind {
        noun: "a route id",
        form: "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Network/routeTables/{table}/routes/{name}",
    },
];

impl Kind {
    fn parts_of(&self, text: &str) -> Result<Vec<String>, IdError> {
        self.matches(text).ok_or_else(|| self.error(text))
    }

    /// The parts of `text` that vary, if it has this kind's form.
    fn matches(&self, text: &str) -> Option<Vec<String>> {
        let form: Vec<&str> = self.form.split('/').collect();
        let given: Vec<&str> = text.split('/').collect();
        if form.len() != given.len() {
            return None;
        }
        let mut parts = Vec::new();
        for (expected, given) in form.into_iter().zip(given) {
            if expected.starts_with('{') {
                is_a_name(given).then(|| parts.push(given.to_owned()))?;
            } else if !expected.eq_ignore_ascii_case(given) {
                return None;
            }
        }
        Some(parts)
    }

    fn error(&self, text: &str) -> IdError {
        let other = KNOWN.iter().find(|kind| kind.matches(text).is_some());
        IdError {
            noun: self.noun,
            form: self.form,
            got: match (other, type_of(text)) {
                (Some(kind), _) => format!("{} ({text})", kind.noun),
                (None, Some(kind)) => format!("the id of a {kind} ({text})"),
                (None, None) => format!("{text:?}"),
            },
        }
    }

    fn join<I: FromStr<Err = IdError>>(&self, parts: &[&str]) -> Result<I, IdError> {
        let mut id = String::new();
        self.write(parts, &mut id)
            .map_err(|fmt::Error| self.error(&parts.join("/")))?;
        id.parse()
    }

    fn print<const N: usize>(
        &self,
        parts: &[String; N],
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        self.write(parts, f)
    }

    fn write<S: AsRef<str>>(&self, parts: &[S], out: &mut impl fmt::Write) -> fmt::Result {
        let mut parts = parts.iter();
        for segment in self.form.split('/').skip(1) {
            out.write_char('/')?;
            match segment.starts_with('{') {
                true => out.write_str(parts.next().map_or("", S::as_ref))?,
                false => out.write_str(segment)?,
            }
        }
        Ok(())
    }
}

/// The type of whatever the text is the id of, such as `Microsoft.Compute/virtualMachines`.
fn type_of(text: &str) -> Option<String> {
    const MARKER: &str = "/providers/";
    let at = text.to_ascii_lowercase().rfind(MARKER)?;
    let parts: Vec<&str> = text[at + MARKER.len()..].split('/').collect();
    let (namespace, types) = parts.split_first()?;
    let is_whole =
        text.starts_with('/') && types.len() % 2 == 0 && parts.iter().all(|part| is_a_name(part));
    let names = types.iter().step_by(2).copied();
    (is_whole && !types.is_empty()).then(|| {
        [*namespace]
            .into_iter()
            .chain(names)
            .collect::<Vec<_>>()
            .join("/")
    })
}

/// Whether a part can stand in a URL path without changing which object the path names.
fn is_a_name(part: &str) -> bool {
    let harmless = |c: char| !c.is_control() && !c.is_whitespace() && !"?#%\\<>\"{}|^`".contains(c);
    !part.is_empty() && part != "." && part != ".." && part.chars().all(harmless)
}

fn group_of(parts: &[String; 3]) -> ResourceGroupId {
    let [subscription, group, _] = parts;
    ResourceGroupId {
        parts: [subscription.clone(), group.clone()],
    }
}

fn compare_without_case(a: &[String], b: &[String]) -> Ordering {
    let folded = |parts: &[String]| -> Vec<String> {
        parts.iter().map(|part| part.to_ascii_lowercase()).collect()
    };
    folded(a).cmp(&folded(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBNET_ID: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/se";
    const TABLE_ID: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t";

    #[test]
    fn an_id_prints_in_azures_own_spelling_whatever_the_case_of_its_fixed_parts() {
        let lower = SUBNET_ID
            .replace("resourceGroups", "resourcegroups")
            .replace("Microsoft.Network", "microsoft.network");
        let id: SubnetId = lower.parse().unwrap();
        assert_eq!(id.to_string(), SUBNET_ID);
    }

    #[test]
    fn ids_are_equal_without_case() {
        let a: RouteTableId = TABLE_ID.parse().unwrap();
        let b: RouteTableId = TABLE_ID.to_uppercase().parse().unwrap();
        assert_eq!(a, b);
        let set = std::collections::HashSet::from([a, b]);
        assert_eq!(set.len(), 1);
    }

    #[test]
    fn a_wrong_kind_of_id_is_named() {
        let error = TABLE_ID.parse::<SubnetId>().unwrap_err().to_string();
        assert!(
            error.starts_with("must be a subnet id, /subscriptions/{subscription}/"),
            "{error}"
        );
        assert!(error.contains("not a route table id"), "{error}");
        for (other, kind) in [
            (
                "Microsoft.Compute/virtualMachines/vm",
                "not the id of a Microsoft.Compute/virtualMachines",
            ),
            (
                "Microsoft.Network/networkSecurityGroups/n/securityRules/r",
                "not the id of a Microsoft.Network/networkSecurityGroups/securityRules",
            ),
            ("Microsoft.Network/routeTables/", "not \"/subscriptions/s/"),
        ] {
            let id = format!("/subscriptions/s/resourceGroups/g/providers/{other}");
            let error = id.parse::<SubnetId>().unwrap_err().to_string();
            assert!(error.contains(kind), "{error}");
        }
    }

    #[test]
    fn a_name_that_would_change_the_path_is_refused() {
        for name in ["..", ".", "", "a/b", "a?b", "a%2Fb", "a b", "a#b"] {
            let id: ResourceGroupId = "/subscriptions/s/resourceGroups/g".parse().unwrap();
            assert!(id.route_table(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn parents_and_children_fit_together() {
        let id: SubnetId = SUBNET_ID.parse().unwrap();
        assert_eq!(id.parent().child("se").unwrap(), id);
        let group = id.parent().parent();
        assert_eq!(group.to_string(), "/subscriptions/s/resourceGroups/g");
        assert_eq!(group.route_table("t").unwrap().to_string(), TABLE_ID);
    }

    #[test]
    fn an_id_is_a_string_in_json() {
        let id: SubnetId = SUBNET_ID.parse().unwrap();
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(json, format!("{SUBNET_ID:?}"));
        assert_eq!(serde_json::from_str::<SubnetId>(&json).unwrap(), id);
    }
}
