//! One page for the provider and for each resource, data source and function.

mod schema_section;

use schema_section::schema_section;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use terraform_provider_ako::framework::resource::Signature;
use terraform_provider_ako::framework::schema::{Schema, Type};
use terraform_provider_ako::framework::server::Server;
use terraform_provider_ako::provider::Ako;

/// A file under `docs/`.
pub(crate) struct Page {
    /// Its path below `docs/`.
    pub(crate) path: String,
    /// What it should hold.
    pub(crate) text: String,
}

/// All generated pages.
pub(crate) fn all_pages() -> Vec<Page> {
    let server = Server::new::<Ako>();
    let mut pages = vec![provider_page(server.provider_schema())];
    pages.extend(
        server
            .resource_schemas()
            .map(|(name, schema)| resource_page(name, schema)),
    );
    pages.extend(
        server
            .data_source_schemas()
            .map(|(name, schema)| data_source_page(name, schema)),
    );
    pages.extend(
        server
            .functions()
            .map(|(name, signature)| function_page(name, signature)),
    );
    pages
}

fn provider_page(schema: &Schema) -> Page {
    let mut text = front_matter("ako Provider", &schema.description);
    let _ = write!(text, "# ako Provider\n\n{}\n\n", schema.description);
    text += &example_section("examples/provider/provider.tf");
    text += &schema_section(schema);
    Page {
        path: "index.md".to_owned(),
        text,
    }
}

fn resource_page(name: &str, schema: &Schema) -> Page {
    let mut text = object_page(
        name,
        "Resource",
        schema,
        &format!("examples/resources/{name}/resource.tf"),
    );
    let import = format!("examples/resources/{name}/import.sh");
    // A resource that stands for a wait has no import.
    if PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join(&import)
        .exists()
    {
        let _ = write!(
            text,
            "\n## Import\n\n```shell\n{}\n```\n",
            read(&import).trim_end()
        );
    }
    Page {
        path: format!("resources/{}.md", short_name(name)),
        text,
    }
}

fn data_source_page(name: &str, schema: &Schema) -> Page {
    let text = object_page(
        name,
        "Data Source",
        schema,
        &format!("examples/data-sources/{name}/data-source.tf"),
    );
    Page {
        path: format!("data-sources/{}.md", short_name(name)),
        text,
    }
}

fn object_page(name: &str, kind: &str, schema: &Schema, example: &str) -> String {
    let mut text = front_matter(&format!("{name} {kind} - ako"), &schema.description);
    let _ = write!(text, "# {name} ({kind})\n\n{}\n\n", schema.description);
    text += &example_section(example);
    text += &schema_section(schema);
    text
}

fn function_page(name: &str, signature: &Signature) -> Page {
    let mut text = front_matter(&format!("{name} function - ako"), &signature.summary);
    let _ = write!(text, "# function: {name}\n\n{}\n\n", signature.description);
    text += &example_section(&format!("examples/functions/{name}/function.tf"));
    let parameters: Vec<_> = signature
        .parameters
        .iter()
        .map(|parameter| format!("{} {}", parameter.name, type_name(&parameter.r#type)))
        .collect();
    let _ = write!(
        text,
        "## Signature\n\n```text\n{name}({}) {}\n```\n\n## Arguments\n\n",
        parameters.join(", "),
        type_name(&signature.result)
    );
    for (position, parameter) in signature.parameters.iter().enumerate() {
        let _ = writeln!(
            text,
            "{}. `{}` ({}) {}",
            position + 1,
            parameter.name,
            type_name(&parameter.r#type),
            parameter.description
        );
    }
    Page {
        path: format!("functions/{name}.md"),
        text,
    }
}

/// The head that the Registry reads. The description there is one paragraph of plain text.
fn front_matter(title: &str, description: &str) -> String {
    let first_paragraph = description
        .split("\n\n")
        .next()
        .unwrap_or_default()
        .replace('\n', " ");
    format!(
        "---\n# generated from the schema and examples/: UPDATE_DOCS=1 cargo test --test docs\npage_title: \"{title}\"\nsubcategory: \"\"\ndescription: |-\n  {first_paragraph}\n---\n\n"
    )
}

fn example_section(file: &str) -> String {
    format!(
        "## Example Usage\n\n```terraform\n{}\n```\n\n",
        read(file).trim_end()
    )
}

/// A type as the docs write it: `map of object`, `list of string`.
pub(crate) fn type_name(r#type: &Type) -> String {
    match r#type {
        Type::Bool => "boolean".to_owned(),
        Type::Number => "number".to_owned(),
        Type::String => "string".to_owned(),
        Type::List(element) => format!("list of {}", type_name(element)),
        Type::Set(element) => format!("set of {}", type_name(element)),
        Type::Map(element) => format!("map of {}", type_name(element)),
        Type::Object(_) => "object".to_owned(),
    }
}

fn short_name(name: &str) -> &str {
    name.strip_prefix("ako_").unwrap_or(name)
}

fn read(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(path).unwrap_or_else(|error| panic!("reading {file}: {error}"))
}
