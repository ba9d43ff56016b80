//! References from one object to another, in every spelling that the controller gives or takes.

use std::fmt;
use url::form_urlencoded;
use uuid::Uuid;

/// What a reference says of the object it means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// Its uuid, which the controller has given it: `cloud-5c1a…`.
    Uuid(String),
    /// Its name.
    Name(String),
}

/// Why a text refers to no object of a type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReference {
    /// It refers to an object of another type.
    #[error("{text:?} refers to a {found}, not to a {wanted}")]
    OtherType {
        /// The reference.
        text: String,
        /// The type that it names.
        found: String,
        /// The type that is needed.
        wanted: String,
    },
    /// It is no reference.
    #[error(
        "{text:?} is no reference: it is a URL with /api/{wanted}/ and a uuid or ?name=, a uuid or a name"
    )]
    Unreadable {
        /// The text.
        text: String,
        /// The type that is needed.
        wanted: String,
    },
}

impl Reference {
    /// Reads a reference to an object of the type with that name in paths (`cloud`): a URL or a path with a uuid,
    /// also with `#name` at its end; one with `?name=`; a bare uuid; or a bare name.
    pub fn parse(wanted: &str, text: &str) -> Result<Reference, NoReference> {
        let unreadable = || NoReference::Unreadable {
            text: text.to_owned(),
            wanted: wanted.to_owned(),
        };
        let trimmed = text.trim();
        let Some((_, path)) = trimmed.split_once("/api/") else {
            return match trimmed {
                "" => Err(unreadable()),
                bare if is_path(bare) => Err(unreadable()),
                bare if is_uuid(wanted, bare) => Ok(Reference::Uuid(bare.to_owned())),
                bare => Ok(Reference::Name(bare.to_owned())),
            };
        };
        let path = path.split('#').next().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut segments = path.split('/').filter(|segment| !segment.is_empty());
        let found = segments.next().ok_or_else(unreadable)?;
        if found != wanted {
            return Err(NoReference::OtherType {
                text: text.to_owned(),
                found: found.to_owned(),
                wanted: wanted.to_owned(),
            });
        }
        match (segments.next(), name_in(query)) {
            (Some(uuid), _) => Ok(Reference::Uuid(uuid.to_owned())),
            (None, Some(name)) => Ok(Reference::Name(name)),
            (None, None) => Err(unreadable()),
        }
    }

    /// The reference as it is sent for an object of the type `wanted`.
    pub fn spelt(&self, wanted: &str) -> String {
        match self {
            Reference::Uuid(uuid) => format!("/api/{wanted}/{uuid}"),
            Reference::Name(name) => {
                let mut query = form_urlencoded::Serializer::new(String::new());
                query.append_pair("name", name);
                format!("/api/{wanted}?{}", query.finish())
            }
        }
    }

    /// The uuid, where the reference has one.
    pub fn uuid(&self) -> Option<&str> {
        match self {
            Reference::Uuid(uuid) => Some(uuid),
            Reference::Name(_) => None,
        }
    }

    /// The name, where the reference has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Reference::Name(name) => Some(name),
            Reference::Uuid(_) => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Uuid(text) | Reference::Name(text) => f.write_str(text),
        }
    }
}

/// The uuid that a reference of the controller ends in: `cloud-5c1a…` of `https://avi/api/cloud/cloud-5c1a…#azure`.
pub fn uuid_of(reference: &str) -> Option<&str> {
    let (_, path) = reference.split_once("/api/")?;
    let path = path.split(['#', '?']).next()?;
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    segments.nth(1)
}

/// The name that a reference of the controller ends in, where it has one: after the `#`.
pub fn name_of(reference: &str) -> Option<&str> {
    let (_, name) = reference.split_once('#')?;
    (!name.is_empty()).then_some(name)
}

/// Whether two references of any spelling mean the same object, as far as they tell: none where one has a uuid and
/// the other a name.
pub fn same(wanted: &str, one: &str, other: &str) -> Option<bool> {
    let one = Reference::parse(wanted, one).ok()?;
    let other = Reference::parse(wanted, other).ok()?;
    match (&one, &other) {
        (Reference::Uuid(_), Reference::Uuid(_)) | (Reference::Name(_), Reference::Name(_)) => {
            Some(one == other)
        }
        _ => None,
    }
}

fn name_in(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let (_, name) = pairs.find(|(key, _)| key == "name")?;
    (!name.is_empty()).then(|| name.into_owned())
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') || text.contains("://")
}

/// `cloud-` and a UUID; a name may begin like a uuid and end otherwise.
fn is_uuid(wanted: &str, text: &str) -> bool {
    let rest = text
        .strip_prefix(wanted)
        .and_then(|rest| rest.strip_prefix('-'));
    rest.is_some_and(|rest| Uuid::try_parse(rest).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "cloud-5c1a0000-0000-4000-8000-000000000001";

    #[test]
    fn every_spelling_is_read() {
        let uuid = Reference::Uuid(UUID.to_owned());
        let name = Reference::Name("azure west".to_owned());
        for (text, expected) in [
            (format!("https://avi.example.com/api/cloud/{UUID}"), &uuid),
            (
                format!("https://avi:8443/api/cloud/{UUID}#azure west"),
                &uuid,
            ),
            (format!("/api/cloud/{UUID}"), &uuid),
            (UUID.to_owned(), &uuid),
            ("/api/cloud?name=azure%20west".to_owned(), &name),
            (
                "https://avi/api/cloud/?name=azure+west&x=1".to_owned(),
                &name,
            ),
            ("azure west".to_owned(), &name),
        ] {
            let found = Reference::parse("cloud", &text);
            assert_eq!(found.as_ref(), Ok(expected), "{text}");
        }
        let odd = "cloud-5";
        assert_eq!(
            Reference::parse("cloud", odd),
            Ok(Reference::Name(odd.to_owned()))
        );
    }

    #[test]
    fn a_reference_to_something_else_is_told() {
        let error = Reference::parse("cloud", "/api/pool/pool-1").unwrap_err();
        let text = error.to_string();
        assert_eq!(
            text,
            "\"/api/pool/pool-1\" refers to a pool, not to a cloud"
        );
        for text in ["", "/api/cloud", "/api/", "https://avi/cloud", "/cloud/x"] {
            let found = Reference::parse("cloud", text);
            assert!(
                matches!(found, Err(NoReference::Unreadable { .. })),
                "{text}: {found:?}"
            );
        }
    }

    #[test]
    fn references_are_compared_as_far_as_they_tell() {
        let url = format!("https://avi/api/cloud/{UUID}#azure");
        assert_eq!(same("cloud", &url, UUID), Some(true));
        assert_eq!(same("cloud", "azure", "/api/cloud?name=azure"), Some(true));
        assert_eq!(same("cloud", &url, "azure"), None);
        assert_eq!(uuid_of(&url), Some(UUID));
        assert_eq!(name_of(&url), Some("azure"));
        assert_eq!(name_of(UUID), None);
    }

    #[test]
    fn a_name_is_spelt_so_that_it_reads_back() {
        for reference in [
            Reference::Name("a b&c=d#e".to_owned()),
            Reference::Uuid(UUID.to_owned()),
        ] {
            let spelt = reference.spelt("cloud");
            assert_eq!(Reference::parse("cloud", &spelt), Ok(reference));
        }
    }
}
