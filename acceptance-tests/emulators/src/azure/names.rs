//! What Azure accepts as a name and as an address range.

use ipnet::IpNet;

use super::errors::ArmError;

/// Names of the network types: 1 to 80 characters out of letters, digits, `_`, `.` and `-`, beginning with a
/// letter or digit and ending with one or with `_` (Azure's resource name rules; azurerm validates the same).
pub(super) fn check(name: &str) -> Result<(), ArmError> {
    let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let fits = name.len() <= 80
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(inner);
    if fits {
        return Ok(());
    }
    let message = format!(
        "Resource name {name} is invalid. The name can be up to 80 characters long. It must begin with a \
         word character, and it must end with a word character or with '_'. The name may contain word \
         characters or '.', '-', '_'."
    );
    Err(ArmError::bad_request("InvalidResourceName", message))
}

/// Reads an address range, refusing host bits.
pub(super) fn parse_prefix(text: &str, of: &str) -> Result<IpNet, ArmError> {
    let Ok(prefix) = text.parse::<IpNet>() else {
        let message = format!("Value provided: {text} for address prefix of {of} is not valid.");
        return Err(ArmError::bad_request("InvalidAddressPrefixFormat", message));
    };
    if prefix.trunc() == prefix {
        return Ok(prefix);
    }
    let message = format!(
        "The address prefix {text} in resource {of} has an invalid CIDR notation. For the given prefix \
         length, the address prefix should be {}.",
        prefix.trunc()
    );
    Err(ArmError::bad_request("InvalidCIDRNotation", message))
}

/// Whether two ranges share an address.
pub(super) fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(other) || other.contains(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_end_with_an_underscore_but_not_begin_with_one() {
        assert!(check("cluster1.node-0_10.244.0.0_24").is_ok());
        assert!(check("a_").is_ok());
        for bad in ["", "_a", "a-", "a.", "a b", &"a".repeat(81)] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_range_with_host_bits_is_refused() {
        assert!(parse_prefix("10.0.0.0/24", "r").is_ok());
        assert!(parse_prefix("fd00::/64", "r").is_ok());
        assert!(parse_prefix("10.0.0.1/24", "r").is_err());
    }
}
