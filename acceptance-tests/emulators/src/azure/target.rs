//! What a path of Azure Resource Manager means.

use crate::http::decode;

/// What a request is about. Names keep the casing of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Subscriptions,
    Subscription,
    Providers,
    Groups,
    Group(String),
    GroupResources(String),
    /// All resources of a type in the subscription.
    Everywhere(String),
    /// All resources of a type in a group.
    List(String, String),
    /// Group, type and name.
    Resource(ResourceName),
    /// All children of a resource.
    Children(ResourceName, String),
    /// A child: its resource, its type and its name.
    Child(ResourceName, String, String),
    Operation(String),
    OperationResult(String),
    GroupOperationResult(String),
    /// Something of Microsoft.Authorization: its scope and what follows the provider's name.
    Authorization(String, Vec<String>),
    Unknown,
}

/// The parts of a top-level resource's id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ResourceName {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// Reads a path; the subscription comes apart, because a wrong one is refused before anything else.
pub(super) fn parse(path: &str) -> (Option<String>, Target) {
    let segments: Vec<String> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .map(decode)
        .collect();
    let lower: Vec<String> = segments.iter().map(|s| s.to_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    let subscription = match lower.as_slice() {
        ["subscriptions", _, ..] => Some(segments[1].clone()),
        _ => None,
    };
    (subscription, target(&segments, &lower))
}

fn target(segments: &[String], lower: &[&str]) -> Target {
    let at = |index: usize| segments[index].clone();
    if let Some(scope) = lower
        .windows(2)
        .rposition(|pair| pair == ["providers", "microsoft.authorization"])
    {
        let id = format!("/{}", segments[..scope].join("/"));
        return Target::Authorization(id, segments[scope + 2..].to_vec());
    }
    let name = || ResourceName {
        group: at(3),
        kind: at(6),
        name: at(7),
    };
    match lower {
        ["subscriptions"] => Target::Subscriptions,
        ["subscriptions", _] => Target::Subscription,
        ["subscriptions", _, "providers"] => Target::Providers,
        ["subscriptions", _, "resourcegroups"] => Target::Groups,
        ["subscriptions", _, "resourcegroups", _] => Target::Group(at(3)),
        ["subscriptions", _, "resourcegroups", _, "resources"] => Target::GroupResources(at(3)),
        ["subscriptions", _, "operationresults", _] => Target::GroupOperationResult(at(3)),
        [
            "subscriptions",
            _,
            "providers",
            "microsoft.network",
            "locations",
            _,
            "operations",
            _,
        ] => Target::Operation(at(7)),
        [
            "subscriptions",
            _,
            "providers",
            "microsoft.network",
            "locations",
            _,
            "operationresults",
            _,
        ] => Target::OperationResult(at(7)),
        ["subscriptions", _, "providers", "microsoft.network", _] => Target::Everywhere(at(4)),
        [
            "subscriptions",
            _,
            "resourcegroups",
            _,
            "providers",
            "microsoft.network",
            rest @ ..,
        ] => match rest {
            [_] => Target::List(at(3), at(6)),
            [_, _] => Target::Resource(name()),
            [_, _, _] => Target::Children(name(), at(8)),
            [_, _, _, _] => Target::Child(name(), at(8), at(9)),
            _ => Target::Unknown,
        },
        _ => Target::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_read_in_any_case_and_names_keep_theirs() {
        let (subscription, target) = parse(
            "/SUBSCRIPTIONS/s1/ResourceGroups/Rg/PROVIDERS/microsoft.network/RouteTables/Rt/Routes/R1",
        );
        assert_eq!(subscription.as_deref(), Some("s1"));
        let name = ResourceName {
            group: "Rg".to_owned(),
            kind: "RouteTables".to_owned(),
            name: "Rt".to_owned(),
        };
        assert_eq!(
            target,
            Target::Child(name, "Routes".to_owned(), "R1".to_owned())
        );
    }

    #[test]
    fn the_scope_of_an_assignment_is_everything_before_the_last_provider() {
        let (_, target) = parse(
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t\
             /providers/Microsoft.Authorization/roleAssignments/a",
        );
        let scope = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/routeTables/t";
        let rest = vec!["roleAssignments".to_owned(), "a".to_owned()];
        assert_eq!(target, Target::Authorization(scope.to_owned(), rest));
    }
}
