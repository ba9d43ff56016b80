//! The versions of a controller's API.

use crate::clients::NotReady;
use std::fmt;

/// The oldest version that has all that is needed: `labels` of SE groups and static routes.
const OLDEST: Version = Version(20, 1, 1);

/// The newest version that this client was tried with. A controller speaks every version up to its own, so that a
/// newer one is asked to speak this.
const NEWEST: Version = Version(30, 2, 1);

/// A version of the API: `22.1.3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `22.1.3`, also with a patch as in `22.1.3-2p6` or further numbers, which name no version of the API.
    pub fn parse(text: &str) -> Option<Version> {
        let numbers = text.trim().split(['-', ' ']).next()?;
        let mut numbers = numbers.split('.').map(str::parse);
        let mut next = || numbers.next()?.ok();
        Some(Version(next()?, next()?, next()?))
    }

    /// The version in the provider block, or why it cannot be used.
    pub(super) fn configured(text: &str) -> Result<Version, NotReady> {
        let invalid = |reason: String| NotReady::Invalid {
            argument: "avi.version".to_owned(),
            reason,
        };
        match Version::parse(text) {
            None => Err(invalid(format!(
                "{text:?} is no version such as 22.1.3; leave it out to speak the controller's own"
            ))),
            Some(version) if version < OLDEST => Err(invalid(format!(
                "{text} is older than {OLDEST}, the first one with labels on SE groups and static routes; leave it out to speak the controller's own"
            ))),
            Some(version) => Ok(version),
        }
    }

    /// The version to speak with a controller whose own is `of_controller`; the error says why there is none.
    pub(super) fn to_speak(
        configured: Option<Version>,
        of_controller: Version,
    ) -> Result<Version, String> {
        if of_controller < OLDEST {
            return Err(format!(
                "the controller has version {of_controller}, and at least {OLDEST} is needed: update it"
            ));
        }
        match configured {
            Some(version) if version > of_controller => Err(format!(
                "avi.version is {version}, and the controller has version {of_controller}: set at most that, or leave the argument out"
            )),
            Some(version) => Ok(version),
            None => Ok(of_controller.min(NEWEST)),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Version(major, minor, patch) = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_by_their_numbers() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("20.1.10") > version("20.1.9"));
        assert_eq!(version("22.1.3-2p6"), Version(22, 1, 3));
        assert_eq!(version("30.2.1.1"), Version(30, 2, 1));
        for text in ["", "30", "30.2", "x.1.2", "latest"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_controllers_own_version_is_spoken_up_to_the_newest_one_tried() {
        let speak = |configured, own| Version::to_speak(configured, own).ok();
        assert_eq!(speak(None, Version(22, 1, 3)), Some(Version(22, 1, 3)));
        assert_eq!(speak(None, Version(31, 1, 1)), Some(NEWEST));
        assert_eq!(
            speak(Some(Version(20, 1, 6)), Version(31, 1, 1)),
            Some(Version(20, 1, 6))
        );
        assert_eq!(speak(Some(Version(31, 1, 1)), Version(30, 2, 1)), None);
        assert_eq!(speak(None, Version(18, 2, 13)), None);
    }

    #[test]
    fn a_configured_version_without_labels_is_refused() {
        let error = Version::configured("18.2.6").unwrap_err().to_string();
        assert!(
            error.starts_with("avi.version: 18.2.6 is older than 20.1.1"),
            "{error}"
        );
        assert!(Version::configured("20.1.1").is_ok());
    }
}
