//! What a create meets on an Avi controller, where names are unique and an object's id is known only once it is there.

/// What stands under the wanted name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Why it can never be what is wanted: a cloud of another kind, for example.
    pub alien: Option<String>,
    /// Whether it is known to be ours: by its mark, or by what else tells.
    pub is_ours: bool,
    /// In what it differs from the plan.
    pub differences: Vec<Difference>,
}

/// One argument in which an object differs from the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The argument.
    pub attribute: &'static str,
    /// What is planned, as it is shown.
    pub planned: String,
    /// What the controller has, as it is shown.
    pub actual: String,
}

/// What a create does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// There is nothing yet.
    Create,
    /// An interrupted run has left it: it becomes ours again.
    AdoptRemnant,
    /// It is somebody else's and stays that: it is used, and only forgotten in the end.
    AdoptExisting,
}

/// Why a create writes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Something else has the name; the reason goes on from "it …".
    Alien(String),
    /// It is there, and nothing says that it is ours.
    Exists,
    /// It is ours by its mark, but not as planned.
    RemnantDiffers(Vec<Difference>),
    /// It was to be taken as it is, and it is not as planned.
    ExistingDiffers(Vec<Difference>),
}

/// Decides what a create does about what it finds.
///
/// Where existing objects are welcome, ours is taken as one, too: two states may share it, and to forget it in the
/// end harms nobody.
pub fn check_create(found: Option<&Found>, adopt_existing: bool) -> Result<Start, Refusal> {
    let Some(found) = found else {
        return Ok(Start::Create);
    };
    if let Some(alien) = &found.alien {
        return Err(Refusal::Alien(alien.clone()));
    }
    let differences = || found.differences.clone();
    match (adopt_existing, found.is_ours, found.differences.is_empty()) {
        (true, _, true) => Ok(Start::AdoptExisting),
        (true, _, false) => Err(Refusal::ExistingDiffers(differences())),
        (false, true, true) => Ok(Start::AdoptRemnant),
        (false, true, false) => Err(Refusal::RemnantDiffers(differences())),
        (false, false, _) => Err(Refusal::Exists),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(is_ours: bool, differences: usize) -> Found {
        let difference = Difference {
            attribute: "mtu",
            planned: "1500".into(),
            actual: "9000".into(),
        };
        Found {
            alien: None,
            is_ours,
            differences: vec![difference; differences],
        }
    }

    #[test]
    fn only_a_remnant_that_is_as_planned_becomes_ours_again() {
        let check = |found: Found| check_create(Some(&found), false);
        assert_eq!(check_create(None, false), Ok(Start::Create));
        assert_eq!(check(found(true, 0)), Ok(Start::AdoptRemnant));
        assert!(matches!(
            check(found(true, 1)),
            Err(Refusal::RemnantDiffers(differences)) if differences.len() == 1
        ));
        assert_eq!(check(found(false, 0)), Err(Refusal::Exists));
        assert_eq!(check(found(false, 1)), Err(Refusal::Exists));
    }

    #[test]
    fn an_existing_object_that_is_welcome_is_never_ours_to_delete() {
        let check = |found: Found| check_create(Some(&found), true);
        assert_eq!(check_create(None, true), Ok(Start::Create));
        for is_ours in [false, true] {
            assert_eq!(check(found(is_ours, 0)), Ok(Start::AdoptExisting));
            assert!(matches!(
                check(found(is_ours, 2)),
                Err(Refusal::ExistingDiffers(differences)) if differences.len() == 2
            ));
        }
    }

    #[test]
    fn what_is_of_another_kind_is_never_taken() {
        let alien = Found {
            alien: Some("is a cloud of type CLOUD_NONE".into()),
            ..found(true, 0)
        };
        for adopt_existing in [false, true] {
            let refusal = check_create(Some(&alien), adopt_existing).unwrap_err();
            assert_eq!(
                refusal,
                Refusal::Alien("is a cloud of type CLOUD_NONE".into())
            );
        }
    }
}
