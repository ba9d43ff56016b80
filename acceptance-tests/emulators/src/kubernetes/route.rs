//! From a path to what it means.

use percent_encoding::percent_decode_str;

use super::store::ResourceId;

/// What a path means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Target {
    /// Objects of a resource, which need not exist.
    Resource(ResourceRequest),
    /// Anything else: discovery, health, version.
    Path(String),
}

/// A path below a group and a version.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ResourceRequest {
    pub(super) id: ResourceId,
    pub(super) version: String,
    pub(super) namespace: Option<String>,
    pub(super) name: Option<String>,
    pub(super) subresource: Option<String>,
}

impl Target {
    /// Reads a path as sent.
    pub(super) fn parse(path: &str) -> Target {
        let segments: Vec<String> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(decode)
            .collect();
        let texts: Vec<&str> = segments.iter().map(String::as_str).collect();
        let (group, version, rest) = match texts.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
            ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
            _ => return Target::Path(path.to_owned()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (Some(*namespace), rest),
            rest => (None, rest),
        };
        let owned = |index: usize| rest.get(index).map(|&text| text.to_owned());
        Target::Resource(ResourceRequest {
            id: ResourceId::new(group, rest.first().copied().unwrap_or_default()),
            version: version.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: owned(1),
            subresource: owned(2),
        })
    }
}

fn decode(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str) -> ResourceRequest {
        match Target::parse(path) {
            Target::Resource(request) => request,
            Target::Path(path) => panic!("{path} is no resource"),
        }
    }

    #[test]
    fn paths_name_group_namespace_resource_and_object() {
        let node = resource("/api/v1/nodes/a%2Db");
        assert_eq!(
            (node.id.qualified(), node.name),
            ("nodes".to_owned(), Some("a-b".to_owned()))
        );

        let map = resource("/api/v1/namespaces/avi-system/configmaps/avi-k8s-config");
        assert_eq!(map.namespace.as_deref(), Some("avi-system"));
        assert_eq!(map.name.as_deref(), Some("avi-k8s-config"));

        let blocks = resource("/apis/crd.projectcalico.org/v1/blockaffinities");
        assert_eq!(
            blocks.id.qualified(),
            "blockaffinities.crd.projectcalico.org"
        );
    }

    #[test]
    fn discovery_and_health_are_paths() {
        for path in [
            "/",
            "/api",
            "/api/v1",
            "/apis/apps/v1",
            "/readyz",
            "/version/",
        ] {
            assert_eq!(Target::parse(path), Target::Path(path.to_owned()));
        }
    }
}
