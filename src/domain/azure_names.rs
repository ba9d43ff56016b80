//! What Azure accepts as the name of a subnet or a route table, and as tags.

use super::marks::{MARK_KEY, Tags};

/// Most tags that a resource may carry.
const TAG_LIMIT: usize = 50;
/// Longest tag name and longest tag value, in characters.
const TAG_NAME_LENGTH: usize = 512;
const TAG_VALUE_LENGTH: usize = 256;

/// Checks the name of a subnet or a route table: 1 to 80 letters, digits, `_`, `.` or `-`, starting with a letter or
/// digit and ending with a letter, digit or `_` (Azure's naming rules for Microsoft.Network).
pub fn check_network_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    if name.is_empty() || name.len() > 80 {
        return Err("must have 1 to 80 characters".to_owned());
    }
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "must consist of letters, digits, \"_\", \".\" and \"-\", not {wrong:?}"
        ));
    }
    if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("must start with a letter or digit".to_owned());
    }
    if name.ends_with(['.', '-']) {
        return Err("must end with a letter, a digit or \"_\"".to_owned());
    }
    Ok(())
}

/// Checks the name of a resource group: 1 to 90 letters, digits, `_`, `-`, `.` or parentheses, not ending with `.`.
pub fn check_resource_group_name(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_alphanumeric() || "_.-()".contains(c);
    if name.is_empty() || name.chars().count() > 90 {
        return Err("must have 1 to 90 characters".to_owned());
    }
    if let Some(wrong) = name.chars().find(|c| !allowed(*c)) {
        return Err(format!(
            "must consist of letters, digits, \"_\", \".\", \"-\" and parentheses, not {wrong:?}"
        ));
    }
    if name.ends_with('.') {
        return Err("must not end with \".\"".to_owned());
    }
    Ok(())
}

/// Checks one tag name of a configuration. The key of the mark is the provider's own.
pub fn check_tag_name(name: &str) -> Result<(), String> {
    if name.eq_ignore_ascii_case(MARK_KEY) {
        return Err(format!(
            "must not be {MARK_KEY:?}: under this name the provider keeps its mark on the route table"
        ));
    }
    if name.is_empty() || name.chars().count() > TAG_NAME_LENGTH {
        return Err(format!("must have 1 to {TAG_NAME_LENGTH} characters"));
    }
    match name.chars().find(|c| "<>%&\\?/".contains(*c)) {
        Some(wrong) => Err(format!("must not contain {wrong:?}")),
        None => Ok(()),
    }
}

/// Checks one tag value of a configuration.
pub fn check_tag_value(value: &str) -> Result<(), String> {
    if value.chars().count() > TAG_VALUE_LENGTH {
        return Err(format!("must have at most {TAG_VALUE_LENGTH} characters"));
    }
    Ok(())
}

/// Checks tags together: how many there are, beside the mark, and that no two names differ in case alone (Azure
/// takes them for one).
pub fn check_tags(tags: &Tags) -> Result<(), String> {
    if tags.len() > TAG_LIMIT - 1 {
        return Err(format!(
            "must have at most {} tags: Azure allows {TAG_LIMIT} and one is the provider's mark",
            TAG_LIMIT - 1
        ));
    }
    let mut names: Vec<_> = tags
        .keys()
        .map(|name| (name.to_lowercase(), name))
        .collect();
    names.sort();
    match names.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(format!(
            "must not have both {:?} and {:?}: Azure does not tell tag names apart by case",
            pair[0].1, pair[1].1
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_azure_refuses_are_refused_with_the_rule_they_break() {
        let long = "x".repeat(81);
        let table = [
            ("", "1 to 80"),
            (long.as_str(), "1 to 80"),
            ("se subnet", "not ' '"),
            ("se/subnet", "not '/'"),
            ("_se", "start with"),
            ("-se", "start with"),
            ("se-", "end with"),
            ("se.", "end with"),
        ];
        for (name, expected) in table {
            let reason = check_network_name(name).unwrap_err();
            assert!(reason.contains(expected), "{name:?}: {reason}");
        }
    }

    #[test]
    fn names_that_azure_accepts_pass() {
        for name in ["a", "1", "se-subnet_", "SE.subnet-1", &"x".repeat(80)] {
            assert_eq!(check_network_name(name), Ok(()), "{name:?}");
        }
        for name in ["rg", "rg-(1).x_", &"g".repeat(90)] {
            assert_eq!(check_resource_group_name(name), Ok(()), "{name:?}");
        }
    }

    #[test]
    fn the_key_of_the_mark_is_refused_as_a_tag_in_any_case() {
        for name in [MARK_KEY.to_owned(), MARK_KEY.to_uppercase()] {
            assert!(check_tag_name(&name).unwrap_err().contains("mark"));
        }
        assert!(check_tag_name("a/b").is_err());
        assert_eq!(check_tag_name("cost centre"), Ok(()));
    }

    #[test]
    fn tags_that_differ_in_case_alone_are_refused_by_name() {
        let tags = |names: &[&str]| -> Tags {
            names
                .iter()
                .map(|name| ((*name).to_owned(), String::new()))
                .collect()
        };
        let reason = check_tags(&tags(&["Env", "env", "owner"])).unwrap_err();
        assert!(
            reason.contains("\"Env\"") && reason.contains("\"env\""),
            "{reason}"
        );
        assert_eq!(check_tags(&tags(&["env", "owner"])), Ok(()));
    }

    #[test]
    fn one_place_among_the_fifty_tags_is_kept_for_the_mark() {
        let tags = |count: usize| -> Tags {
            (0..count)
                .map(|n| (format!("t{n}"), String::new()))
                .collect()
        };
        assert_eq!(check_tags(&tags(49)), Ok(()));
        assert!(check_tags(&tags(50)).is_err());
    }
}
