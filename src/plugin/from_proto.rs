//! From protobuf to the framework's types: what Terraform says.

use super::proto::{ClientCapabilities, DynamicValue};
use crate::framework::codec;
use crate::framework::diagnostics::Diagnostic;
use crate::framework::json::from_json;
use crate::framework::schema::Type;
use crate::framework::value::{TypeError, Value};

/// The value in a message, of this type; null where there is none.
pub(super) fn value(sent: Option<DynamicValue>, r#type: &Type) -> Result<Value, Diagnostic> {
    let DynamicValue { msgpack, json } = sent.unwrap_or_default();
    if !msgpack.is_empty() {
        codec::decode(&msgpack, r#type).map_err(unreadable)
    } else if !json.is_empty() {
        let json = serde_json::from_slice(&json).map_err(|error| {
            Diagnostic::error(
                "Terraform sent a value that is no JSON",
                format!("{error}. {REPORT}"),
            )
        })?;
        from_json(&json, r#type).map_err(unreadable)
    } else {
        Ok(Value::Null)
    }
}

/// Whether Terraform keeps the values of write-only attributes out of plans and states.
pub(super) fn write_only_allowed(client: Option<ClientCapabilities>) -> bool {
    client.is_some_and(|client| client.write_only_attributes_allowed)
}

const REPORT: &str = "Terraform and the provider disagree about the provider's schema. Please report this with the \
                      versions of both.";

fn unreadable(error: TypeError) -> Diagnostic {
    let TypeError { path, problem } = error;
    let place = match path.steps() {
        [] => String::new(),
        _ => format!("At {path}: "),
    };
    Diagnostic::error(
        "Terraform sent a value that the provider cannot read",
        format!("{place}{problem}. {REPORT}"),
    )
    .at(path)
}

#[cfg(test)]
mod tests {
    use super::{value, write_only_allowed};
    use crate::framework::path::Path;
    use crate::framework::schema::Type;
    use crate::framework::value::Value;
    use crate::plugin::proto::{ClientCapabilities, DynamicValue};

    fn text_object() -> Type {
        Type::Object(vec![("name".to_owned(), Type::String)])
    }

    fn msgpack(bytes: &[u8]) -> Option<DynamicValue> {
        Some(DynamicValue {
            msgpack: bytes.to_vec(),
            json: Vec::new(),
        })
    }

    #[test]
    fn a_value_arrives_as_msgpack_or_as_json() {
        let expected = Value::object([("name", Value::String("x".to_owned()))]);
        let sent = msgpack(b"\x81\xa4name\xa1x");
        assert_eq!(value(sent, &text_object()).as_ref(), Ok(&expected));
        let sent = DynamicValue {
            msgpack: Vec::new(),
            json: br#"{"name":"x"}"#.to_vec(),
        };
        assert_eq!(value(Some(sent), &text_object()), Ok(expected));
    }

    #[test]
    fn nothing_at_all_is_null() {
        for sent in [None, Some(DynamicValue::default()), msgpack(b"\xc0")] {
            assert_eq!(value(sent, &text_object()), Ok(Value::Null));
        }
    }

    #[test]
    fn what_cannot_be_read_is_a_diagnostic_at_its_attribute() {
        let refused = value(msgpack(b"\x81\xa4name\x90"), &text_object()).unwrap_err();
        assert_eq!(refused.attribute, Some(Path::attribute("name")));
        let sent = DynamicValue {
            msgpack: Vec::new(),
            json: b"{".to_vec(),
        };
        assert!(value(Some(sent), &text_object()).is_err());
    }

    #[test]
    fn a_client_that_says_nothing_stores_write_only_values() {
        assert!(!write_only_allowed(None));
        assert!(!write_only_allowed(Some(ClientCapabilities::default())));
        assert!(write_only_allowed(Some(ClientCapabilities {
            write_only_attributes_allowed: true,
            deferral_allowed: false,
        })));
    }
}
