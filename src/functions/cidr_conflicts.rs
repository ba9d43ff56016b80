//! `provider::ako::cidr_conflicts`: which sets of networks have addresses in common.

use crate::domain::cidr::{Cidr, conflicts};
use crate::framework::resource::{Function, FunctionError, Parameter, Signature};
use crate::framework::schema::Type;
use crate::framework::value::Value;

/// The function `cidr_conflicts`.
#[derive(Debug)]
pub struct CidrConflicts;

impl Function for CidrConflicts {
    const NAME: &'static str = "cidr_conflicts";

    fn signature() -> Signature {
        let conflict = ["a", "b", "cidr_a", "cidr_b"].map(|name| (name.to_owned(), Type::String));
        Signature {
            summary: "Which sets of CIDRs have addresses in common".to_owned(),
            description: "Gives every pair of IPv4 networks of different sets that have addresses in common: `a` and `b` are the names of the sets, `cidr_b` lies in `cidr_a` or equals it. Clusters whose pod CIDRs conflict need an SE subnet and a route table each; a pod CIDR must not conflict with the prefixes of the VNet. An empty list means no conflict. Calls nothing.".to_owned(),
            parameters: vec![Parameter {
                name: "cidrs".to_owned(),
                r#type: Type::map(Type::list(Type::String)),
                description: "Lists of CIDRs under the names of their sets, for example the pod CIDRs of each cluster. Networks of the same set are not compared with each other.".to_owned(),
            }],
            result: Type::list(Type::Object(conflict.into())),
        }
    }

    fn call(arguments: &[Value]) -> Result<Value, FunctionError> {
        let sets = arguments
            .first()
            .and_then(Value::as_map)
            .into_iter()
            .flatten();
        let mut networks: Vec<(&str, Cidr)> = Vec::new();
        for (name, cidrs) in sets {
            for cidr in cidrs.as_list().unwrap_or_default() {
                let cidr = cidr.as_str().unwrap_or_default().parse();
                let cidr = cidr.map_err(|error| FunctionError {
                    text: format!("A CIDR of {name:?} {error}."),
                    argument: Some(0),
                })?;
                networks.push((name, cidr));
            }
        }
        let conflicts = conflicts(networks).into_iter().map(|conflict| {
            Value::object([
                ("a", Value::from(conflict.owner_a)),
                ("b", Value::from(conflict.owner_b)),
                ("cidr_a", Value::from(conflict.a.to_string())),
                ("cidr_b", Value::from(conflict.b.to_string())),
            ])
        });
        Ok(Value::list(conflicts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(sets: &[(&str, &[&str])]) -> Result<Value, FunctionError> {
        let sets = sets.iter().map(|(name, cidrs)| {
            let cidrs = cidrs.iter().map(|&cidr| Value::from(cidr));
            (*name, Value::list(cidrs))
        });
        CidrConflicts::call(&[Value::object(sets)])
    }

    #[test]
    fn networks_of_different_sets_that_overlap_are_paired() {
        let found = call(&[
            ("east", &["10.244.0.0/16", "10.244.9.0/24"]),
            ("vnet", &["10.0.0.0/16"]),
            ("west", &["10.244.1.0/24"]),
        ])
        .unwrap();
        let [conflict] = found.as_list().unwrap() else {
            panic!("{found:?}")
        };
        assert_eq!(conflict.get("a").as_str(), Some("east"));
        assert_eq!(conflict.get("b").as_str(), Some("west"));
        assert_eq!(conflict.get("cidr_a").as_str(), Some("10.244.0.0/16"));
        assert_eq!(conflict.get("cidr_b").as_str(), Some("10.244.1.0/24"));
    }

    #[test]
    fn what_is_no_network_is_an_error_that_names_the_set() {
        let error = call(&[("east", &["ten"])]).unwrap_err();
        assert!(error.text.contains("\"east\""), "{}", error.text);
    }
}
