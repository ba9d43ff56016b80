//! From the framework's types to protobuf: what Terraform is told.

use super::proto;
use crate::framework::codec;
use crate::framework::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::framework::path::{Path, Step};
use crate::framework::resource::{FunctionError, Parameter, Signature};
use crate::framework::schema::{Attribute, Nesting, Presence, Schema, Shape, TIMEOUTS, Type};
use crate::framework::server::Server;
use crate::framework::timeouts::Timeouts;
use crate::framework::value::Value;
use proto::attribute_path::{Step as ProtoStep, step::Selector};
use proto::schema::{
    Attribute as ProtoAttribute, Block, NestedBlock, Object, nested_block, object,
};
use serde_json::json;
use std::collections::HashMap;

/// An answer that holds nothing but why.
pub(super) trait Refusal {
    /// The answer that says this.
    fn refusal(diagnostics: Vec<proto::Diagnostic>) -> Self;
}

macro_rules! refusal {
    ($($rpc:ident)*) => {$(
        impl Refusal for proto::$rpc::Response {
            fn refusal(diagnostics: Vec<proto::Diagnostic>) -> Self {
                let mut answer = Self::default();
                answer.diagnostics.extend(diagnostics);
                answer
            }
        }
    )*};
}

refusal! {
    get_metadata get_provider_schema validate_provider_config validate_resource_config validate_data_resource_config
    upgrade_resource_state configure_provider read_resource plan_resource_change apply_resource_change
    import_resource_state move_resource_state read_data_source get_functions
}

impl Refusal for proto::call_function::Response {
    fn refusal(diagnostics: Vec<proto::Diagnostic>) -> Self {
        let texts: Vec<String> = diagnostics
            .into_iter()
            .map(|diagnostic| format!("{}. {}", diagnostic.summary, diagnostic.detail))
            .collect();
        function_result(Err(FunctionError {
            text: texts.join("\n"),
            argument: None,
        }))
    }
}

const MARKDOWN: i32 = proto::StringKind::Markdown as i32;

/// What this provider does beyond the first version of the protocol. No resource asks to plan its destruction, so
/// that call is spared; it is answered all the same.
fn capabilities() -> proto::ServerCapabilities {
    proto::ServerCapabilities {
        get_provider_schema_optional: true,
        ..Default::default()
    }
}

/// The names of all that there is.
pub(super) fn metadata(server: &Server) -> proto::get_metadata::Response {
    use proto::get_metadata::{DataSourceMetadata, FunctionMetadata, ResourceMetadata, Response};

    let resource = |(name, _): (&str, _)| ResourceMetadata {
        type_name: name.to_owned(),
    };
    let data_source = |(name, _): (&str, _)| DataSourceMetadata {
        type_name: name.to_owned(),
    };
    let function = |(name, _): (&str, _)| FunctionMetadata {
        name: name.to_owned(),
    };
    Response {
        server_capabilities: Some(capabilities()),
        resources: server.resource_schemas().map(resource).collect(),
        data_sources: server.data_source_schemas().map(data_source).collect(),
        functions: server.functions().map(function).collect(),
        ..Default::default()
    }
}

/// All that there is.
pub(super) fn provider_schema(server: &Server) -> proto::get_provider_schema::Response {
    let named = |(name, known): (&str, &Schema)| (name.to_owned(), schema(known));
    proto::get_provider_schema::Response {
        provider: Some(schema(server.provider_schema())),
        resource_schemas: server.resource_schemas().map(named).collect(),
        data_source_schemas: server.data_source_schemas().map(named).collect(),
        functions: functions(server),
        server_capabilities: Some(capabilities()),
        ..Default::default()
    }
}

/// The signatures of all functions by name.
pub(super) fn functions(server: &Server) -> HashMap<String, proto::Function> {
    let named = |(name, known): (&str, &Signature)| (name.to_owned(), function(known));
    server.functions().map(named).collect()
}

/// The schema of a provider, a resource or a data source.
fn schema(schema: &Schema) -> proto::Schema {
    proto::Schema {
        version: schema.version.into(),
        block: Some(Block {
            attributes: schema.attributes.iter().map(attribute).collect(),
            block_types: schema.timeouts.iter().map(timeouts).collect(),
            description: schema.description.clone(),
            description_kind: MARKDOWN,
            deprecated: schema.deprecated.is_some(),
            deprecation_message: schema.deprecated.clone().unwrap_or_default(),
            ..Block::default()
        }),
    }
}

/// What a function takes and gives.
fn function(signature: &Signature) -> proto::Function {
    proto::Function {
        parameters: signature.parameters.iter().map(parameter).collect(),
        r#return: Some(proto::function::Return {
            r#type: type_json(&signature.result),
        }),
        summary: signature.summary.clone(),
        description: signature.description.clone(),
        description_kind: MARKDOWN,
        ..proto::Function::default()
    }
}

/// Everything that the user is told.
pub(super) fn diagnostics(diagnostics: Diagnostics) -> Vec<proto::Diagnostic> {
    diagnostics.into_iter().map(diagnostic).collect()
}

/// The way to a value.
pub(super) fn path(path: &Path) -> proto::AttributePath {
    proto::AttributePath {
        steps: path.steps().iter().map(step).collect(),
    }
}

/// A value, in the form that answers always have.
pub(super) fn value(value: &Value) -> proto::DynamicValue {
    proto::DynamicValue {
        msgpack: codec::encode(value),
        json: Vec::new(),
    }
}

/// What a function gives, or why it gives nothing.
pub(super) fn function_result(
    result: Result<Value, FunctionError>,
) -> proto::call_function::Response {
    match result {
        Ok(result) => proto::call_function::Response {
            result: Some(value(&result)),
            error: None,
        },
        Err(error) => proto::call_function::Response {
            result: None,
            error: Some(proto::FunctionError {
                text: error.text,
                function_argument: error.argument.map(index),
            }),
        },
    }
}

fn attribute(attribute: &Attribute) -> ProtoAttribute {
    // Core refuses a whole provider in which an attribute has both a type and a nested type.
    let (r#type, nested_type) = match &attribute.shape {
        Shape::Plain(plain) => (type_json(plain), None),
        Shape::Nested(nesting, attributes) => (Vec::new(), Some(nested(*nesting, attributes))),
    };
    ProtoAttribute {
        name: attribute.name.clone(),
        r#type,
        nested_type,
        description: attribute.description.clone(),
        required: attribute.presence == Presence::Required,
        optional: matches!(
            attribute.presence,
            Presence::Optional | Presence::OptionalComputed
        ),
        computed: attribute.is_computed(),
        sensitive: attribute.sensitive,
        description_kind: MARKDOWN,
        deprecated: attribute.deprecated.is_some(),
        write_only: attribute.write_only,
        deprecation_message: attribute.deprecated.clone().unwrap_or_default(),
    }
}

fn nested(nesting: Nesting, attributes: &[Attribute]) -> Object {
    let nesting = match nesting {
        Nesting::Single => object::NestingMode::Single,
        Nesting::List => object::NestingMode::List,
        Nesting::Set => object::NestingMode::Set,
        Nesting::Map => object::NestingMode::Map,
    };
    Object {
        attributes: attributes.iter().map(attribute).collect(),
        nesting: nesting.into(),
        ..Object::default()
    }
}

/// A block, not an attribute: users know `timeouts { … }` from every other provider.
fn timeouts(timeouts: &Timeouts) -> NestedBlock {
    NestedBlock {
        type_name: TIMEOUTS.to_owned(),
        block: Some(Block {
            attributes: timeouts.attributes().iter().map(attribute).collect(),
            description: "How long each operation may take.".to_owned(),
            description_kind: MARKDOWN,
            ..Block::default()
        }),
        nesting: nested_block::NestingMode::Single.into(),
        ..NestedBlock::default()
    }
}

fn parameter(parameter: &Parameter) -> proto::function::Parameter {
    proto::function::Parameter {
        name: parameter.name.clone(),
        r#type: type_json(&parameter.r#type),
        description: parameter.description.clone(),
        description_kind: MARKDOWN,
        ..Default::default()
    }
}

/// The type in the JSON form of Terraform's type constraints.
fn type_json(r#type: &Type) -> Vec<u8> {
    json_of(r#type).to_string().into_bytes()
}

fn json_of(r#type: &Type) -> serde_json::Value {
    match r#type {
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(element) => json!(["list", json_of(element)]),
        Type::Set(element) => json!(["set", json_of(element)]),
        Type::Map(element) => json!(["map", json_of(element)]),
        Type::Object(members) => {
            let members: serde_json::Map<_, _> = members
                .iter()
                .map(|(name, member)| (name.clone(), json_of(member)))
                .collect();
            json!(["object", members])
        }
    }
}

fn diagnostic(diagnostic: Diagnostic) -> proto::Diagnostic {
    let severity = match diagnostic.severity {
        Severity::Error => proto::diagnostic::Severity::Error,
        Severity::Warning => proto::diagnostic::Severity::Warning,
    };
    proto::Diagnostic {
        severity: severity.into(),
        summary: diagnostic.summary,
        detail: diagnostic.detail,
        attribute: diagnostic.attribute.as_ref().map(shown_path),
    }
}

/// The way to the line that Terraform shows. It finds an attribute and an element of it, and of what lies deeper shows
/// the head of the resource (seen with 1.11): the element is nearer. What is said names the whole way.
fn shown_path(path: &Path) -> proto::AttributePath {
    let element = path
        .steps()
        .iter()
        .position(|step| !matches!(step, Step::Attribute(_)));
    let length = element.map_or(path.steps().len(), |element| element + 1);
    proto::AttributePath {
        steps: path.steps()[..length].iter().map(step).collect(),
    }
}

fn step(step: &Step) -> ProtoStep {
    let selector = match step {
        Step::Attribute(name) => Selector::AttributeName(name.clone()),
        Step::Key(key) => Selector::ElementKeyString(key.clone()),
        Step::Index(position) => Selector::ElementKeyInt(index(*position)),
    };
    ProtoStep {
        selector: Some(selector),
    }
}

fn index(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{diagnostics, function, function_result, schema};
    use crate::framework::diagnostics::{Diagnostic, Diagnostics};
    use crate::framework::path::Path;
    use crate::framework::resource::{FunctionError, Parameter, Signature};
    use crate::framework::schema::{Attribute, Nesting, Schema, Shape, Type};
    use crate::framework::timeouts::Timeouts;
    use crate::framework::value::Value;
    use crate::plugin::proto;
    use proto::attribute_path::step::Selector;

    fn text(name: &str) -> Attribute {
        Attribute::optional(name, Type::String, "Text.")
    }

    fn attributes(attributes: Vec<Attribute>) -> Vec<proto::schema::Attribute> {
        let schema = schema(&Schema::new("A thing.", attributes));
        schema.block.unwrap().attributes
    }

    #[test]
    fn types_are_written_as_terraforms_type_constraints() {
        let cases = [
            (Type::Bool, r#""bool""#),
            (Type::Number, r#""number""#),
            (
                Type::List(Box::new(Type::Set(Box::new(Type::String)))),
                r#"["list",["set","string"]]"#,
            ),
            (
                Type::Map(Box::new(Type::Object(vec![
                    ("b".to_owned(), Type::Bool),
                    ("a".to_owned(), Type::Number),
                ]))),
                r#"["map",["object",{"a":"number","b":"bool"}]]"#,
            ),
        ];
        for (r#type, json) in cases {
            let sent = attributes(vec![Attribute::required("x", r#type, "X.")]);
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::from_slice(&sent[0].r#type).ok(), Some(json));
            assert!(sent[0].nested_type.is_none());
        }
    }

    #[test]
    fn flags_arrive_one_by_one() {
        let sent = attributes(vec![
            Attribute::required("a", Type::String, "A."),
            Attribute::computed("b", Type::String, "B."),
            text("c").computed_too(),
            text("d").default_to(Value::String("x".to_owned())),
            text("e").write_only().sensitive(),
            text("f").deprecated("Use `e`."),
        ]);
        let presence = |at: usize| (sent[at].required, sent[at].optional, sent[at].computed);
        assert_eq!(presence(0), (true, false, false));
        assert_eq!(presence(1), (false, false, true));
        assert_eq!(presence(2), (false, true, true));
        assert_eq!(presence(3), (false, true, true));
        assert_eq!(presence(4), (false, true, false));
        assert!(sent[4].write_only && sent[4].sensitive && !sent[3].write_only);
        assert!(sent[5].deprecated && !sent[4].deprecated);
        assert_eq!(sent[5].deprecation_message, "Use `e`.");
        assert!(sent.iter().all(|attribute| attribute.description_kind == 1));
    }

    #[test]
    fn a_nested_attribute_has_a_nested_type_and_no_type() {
        let modes = [
            (Nesting::Single, proto::schema::object::NestingMode::Single),
            (Nesting::List, proto::schema::object::NestingMode::List),
            (Nesting::Set, proto::schema::object::NestingMode::Set),
            (Nesting::Map, proto::schema::object::NestingMode::Map),
        ];
        for (nesting, mode) in modes {
            let shape = Shape::Nested(nesting, vec![text("inner")]);
            let sent = attributes(vec![Attribute::optional("outer", shape, "Outer.")]);
            assert!(sent[0].r#type.is_empty());
            let nested = sent[0].nested_type.as_ref().unwrap();
            assert_eq!(nested.nesting(), mode);
            assert_eq!(nested.attributes[0].name, "inner");
        }
    }

    #[test]
    fn timeouts_are_one_optional_block() {
        let with = Schema::new("A thing.", vec![]).with_timeouts(Timeouts::default());
        let blocks = schema(&with).block.unwrap().block_types;
        assert_eq!(blocks.len(), 1);
        assert_eq!(blocks[0].type_name, "timeouts");
        assert_eq!((blocks[0].min_items, blocks[0].max_items), (0, 0));
        assert_eq!(
            blocks[0].nesting(),
            proto::schema::nested_block::NestingMode::Single
        );
        let limits = &blocks[0].block.as_ref().unwrap().attributes;
        let names: Vec<&str> = limits.iter().map(|limit| limit.name.as_str()).collect();
        assert_eq!(names, ["create", "read", "update", "delete"]);
        assert!(limits.iter().all(|limit| limit.optional && !limit.computed));
    }

    #[test]
    fn a_diagnostic_keeps_its_severity_and_its_path_as_far_as_terraform_finds_a_line() {
        let path = Path::attribute("nodes")
            .key("node-1")
            .child("cidrs")
            .index(2);
        let mut found = Diagnostics::from(Diagnostic::error("No", "Why.").at(path));
        found.push(Diagnostic::warning("Careful", ""));
        let sent = diagnostics(found);
        assert_eq!(sent[0].severity(), proto::diagnostic::Severity::Error);
        assert_eq!(
            (sent[0].summary.as_str(), sent[0].detail.as_str()),
            ("No", "Why.")
        );
        let steps = &sent[0].attribute.as_ref().unwrap().steps;
        let selectors: Vec<_> = steps
            .iter()
            .flat_map(|step| step.selector.clone())
            .collect();
        assert_eq!(
            selectors,
            [
                Selector::AttributeName("nodes".to_owned()),
                Selector::ElementKeyString("node-1".to_owned()),
            ]
        );
        assert_eq!(sent[1].severity(), proto::diagnostic::Severity::Warning);
        assert!(sent[1].attribute.is_none());
    }

    #[test]
    fn a_function_takes_known_values_only_and_says_what_it_gives() {
        let sent = function(&Signature {
            summary: "Adds.".to_owned(),
            description: "Adds numbers.".to_owned(),
            parameters: vec![Parameter {
                name: "numbers".to_owned(),
                r#type: Type::List(Box::new(Type::Number)),
                description: "What to add.".to_owned(),
            }],
            result: Type::Number,
        });
        assert_eq!(sent.r#return.unwrap().r#type, br#""number""#);
        assert_eq!(sent.parameters[0].r#type, br#"["list","number"]"#);
        assert!(!sent.parameters[0].allow_unknown_values && !sent.parameters[0].allow_null_value);
        assert!(sent.variadic_parameter.is_none());
    }

    #[test]
    fn a_function_error_names_its_argument() {
        let error = FunctionError {
            text: "No.".to_owned(),
            argument: Some(1),
        };
        let sent = function_result(Err(error));
        assert_eq!(sent.error.unwrap().function_argument, Some(1));
        assert!(sent.result.is_none());
    }
}
