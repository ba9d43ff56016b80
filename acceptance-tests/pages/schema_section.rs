//! The `## Schema` section of a page: attributes by who sets them, nested ones below under anchors.

use super::type_name;
use std::fmt::Write;
use terraform_provider_ako::framework::number::Number;
use terraform_provider_ako::framework::schema::{
    Attribute, Nesting, Presence, Schema, Shape, Type,
};
use terraform_provider_ako::framework::timeouts::Timeouts;
use terraform_provider_ako::framework::value::Value;

/// The section of one schema.
pub(crate) fn schema_section(schema: &Schema) -> String {
    let mut text = String::from("## Schema\n");
    let mut nested = Vec::new();
    for (title, presences) in GROUPS {
        let group: Vec<&Attribute> = schema
            .attributes
            .iter()
            .filter(|attribute| presences.contains(&attribute.presence))
            .collect();
        let timeouts = schema.timeouts.filter(|_| *title == "Optional");
        if group.is_empty() && timeouts.is_none() {
            continue;
        }
        let _ = write!(text, "\n### {title}\n\n");
        for attribute in group {
            text += &attribute_line(attribute, "", &mut nested);
        }
        if timeouts.is_some() {
            text += "- `timeouts` (Block) How long each operation may take. (see [below for nested schema](#nestedblock--timeouts))\n";
        }
    }
    while !nested.is_empty() {
        let (path, attributes) = nested.remove(0);
        text += &nested_section(&path, &attributes, &mut nested);
    }
    if let Some(timeouts) = schema.timeouts {
        text += &timeouts_section(timeouts);
    }
    text
}

const GROUPS: &[(&str, &[Presence])] = &[
    ("Required", &[Presence::Required]),
    (
        "Optional",
        &[Presence::Optional, Presence::OptionalComputed],
    ),
    ("Read-Only", &[Presence::Computed]),
];

type Nested = Vec<(String, Vec<Attribute>)>;

fn nested_section(path: &str, attributes: &[Attribute], nested: &mut Nested) -> String {
    let mut text = format!(
        "\n<a id=\"nestedatt--{}\"></a>\n### Nested Schema for `{path}`\n",
        path.replace('.', "--")
    );
    for (title, presences) in GROUPS {
        let group: Vec<&Attribute> = attributes
            .iter()
            .filter(|attribute| presences.contains(&attribute.presence))
            .collect();
        if group.is_empty() {
            continue;
        }
        let _ = write!(text, "\n{title}:\n\n");
        for attribute in group {
            text += &attribute_line(attribute, &format!("{path}."), nested);
        }
    }
    text
}

fn attribute_line(attribute: &Attribute, prefix: &str, nested: &mut Nested) -> String {
    let mut notes = vec![shape_name(&attribute.shape)];
    notes.extend(attribute.sensitive.then(|| "Sensitive".to_owned()));
    notes.extend(attribute.write_only.then(|| "Write-only".to_owned()));
    notes.extend(
        attribute
            .deprecated
            .is_some()
            .then(|| "Deprecated".to_owned()),
    );
    let mut line = format!(
        "- `{}` ({}) {}",
        attribute.name,
        notes.join(", "),
        attribute
            .description
            .replace("\n\n", " ")
            .replace('\n', " ")
    );
    if let Some(default) = attribute.default.as_ref().and_then(literal) {
        let _ = write!(line, " Default: `{default}`.");
    }
    if attribute.force_new {
        line += " Changing this makes a new object.";
    }
    if let Shape::Nested(_, attributes) = &attribute.shape {
        let path = format!("{prefix}{}", attribute.name);
        let _ = write!(
            line,
            " (see [below for nested schema](#nestedatt--{}))",
            path.replace('.', "--")
        );
        nested.push((path, attributes.clone()));
    }
    line + "\n"
}

fn timeouts_section(timeouts: Timeouts) -> String {
    let mut text = String::from(
        "\n<a id=\"nestedblock--timeouts\"></a>\n### Nested Schema for `timeouts`\n\nOptional:\n\n",
    );
    let operations = [
        ("create", timeouts.create),
        ("read", timeouts.read),
        ("update", timeouts.update),
        ("delete", timeouts.delete),
    ];
    for (operation, limit) in operations {
        let _ = writeln!(
            text,
            "- `{operation}` (String) Limit of {operation}, as in `\"90s\"` or `\"1h30m\"`. Default: `\"{}m\"`.",
            limit.as_secs() / 60
        );
    }
    text
}

fn shape_name(shape: &Shape) -> String {
    match shape {
        Shape::Plain(r#type) => capitalised(r#type),
        Shape::Nested(Nesting::Single, _) => "Attributes".to_owned(),
        Shape::Nested(Nesting::List, _) => "Attributes List".to_owned(),
        Shape::Nested(Nesting::Set, _) => "Attributes Set".to_owned(),
        Shape::Nested(Nesting::Map, _) => "Attributes Map".to_owned(),
    }
}

fn capitalised(r#type: &Type) -> String {
    type_name(r#type)
        .split(' ')
        .map(|word| {
            if word == "of" {
                word.to_owned()
            } else {
                word[..1].to_uppercase() + &word[1..]
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

fn literal(value: &Value) -> Option<String> {
    match value {
        Value::Bool(bool) => Some(bool.to_string()),
        Value::String(text) => Some(format!("\"{text}\"")),
        Value::Number(Number::Integer(number)) => Some(number.to_string()),
        _ => None,
    }
}
