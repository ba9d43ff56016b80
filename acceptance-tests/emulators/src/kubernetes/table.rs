//! Objects as a client asks to see them: whole, as metadata only, or as the table that kubectl prints.
//!
//! Recorded: kube-apiserver 1.36 with kubectl 1.20 and 1.32. The descriptions of columns are our own.

use ::http::{HeaderMap, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::objects::find;
use super::status::Failure;
use super::store::Kind;

/// How objects are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Whole,
    Table,
    MetadataOnly,
}

/// The first view in the Accept header that can be produced.
pub(super) fn requested_view(headers: &HeaderMap, is_list: bool) -> Result<View, Failure> {
    let Some(accept) = headers.get(header::ACCEPT) else {
        return Ok(View::Whole);
    };
    let accept = accept.to_str().unwrap_or_default();
    accept
        .split(',')
        .find_map(|media_type| view_of(media_type, is_list))
        .ok_or(Failure::NotAcceptable)
}

/// One object as it goes over the wire.
pub(super) fn show_object(kind: &Kind, object: &Value, view: View) -> Value {
    match view {
        View::Whole => with_kind(kind, object),
        View::MetadataOnly => metadata_only(object),
        View::Table => {
            let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
            table(kind, &[object], metadata)
        }
    }
}

/// A list as it goes over the wire. Recorded: items of built-in kinds do not repeat their kind, custom ones do.
pub(super) fn show_list(kind: &Kind, items: &[&Value], metadata: Value, view: View) -> Value {
    match view {
        View::Whole => json!({
            "kind": format!("{}List", kind.kind),
            "apiVersion": kind.api_version(),
            "metadata": metadata,
            "items": items,
        }),
        View::MetadataOnly => json!({
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": items.iter().map(|item| metadata_only(item)).collect::<Vec<_>>(),
        }),
        View::Table => table(kind, items, metadata),
    }
}

fn view_of(media_type: &str, is_list: bool) -> Option<View> {
    let mut parts = media_type.split(';').map(str::trim);
    if !matches!(parts.next()?, "application/json" | "application/*" | "*/*") {
        return None;
    }
    let parameters: Map<String, Value> = parts
        .filter_map(|parameter| parameter.split_once('='))
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    let parameter = |key: &str| {
        parameters
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let metadata_list = if is_list {
        "PartialObjectMetadataList"
    } else {
        "PartialObjectMetadata"
    };
    match (parameter("as"), parameter("g"), parameter("v")) {
        ("", _, _) => Some(View::Whole),
        ("Table", "meta.k8s.io", "v1") => Some(View::Table),
        (kind, "meta.k8s.io", "v1") if kind == metadata_list => Some(View::MetadataOnly),
        _ => None,
    }
}

fn with_kind(kind: &Kind, object: &Value) -> Value {
    let mut whole = json!({ "kind": kind.kind, "apiVersion": kind.api_version() });
    for (member, value) in object.as_object().into_iter().flatten() {
        whole[member] = value.clone();
    }
    whole
}

fn metadata_only(object: &Value) -> Value {
    json!({
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": object["metadata"],
    })
}

struct Column {
    name: &'static str,
    kind: &'static str,
    format: &'static str,
    description: &'static str,
    /// 1 for those that `-o wide` adds.
    priority: u8,
}

impl Column {
    const fn text(name: &'static str, description: &'static str) -> Column {
        Column {
            name,
            kind: "string",
            format: "",
            description,
            priority: 0,
        }
    }

    const fn wide(name: &'static str, description: &'static str) -> Column {
        Column {
            priority: 1,
            ..Column::text(name, description)
        }
    }

    fn definition(&self) -> Value {
        json!({
            "name": self.name, "type": self.kind, "format": self.format,
            "description": self.description, "priority": self.priority,
        })
    }
}

const NAME: Column = Column {
    format: "name",
    ..Column::text("Name", "the name of the object")
};
const AGE: Column = Column::text("Age", "the time since the object was created");
const NODE_COLUMNS: &[Column] = &[
    NAME,
    Column::text("Status", "whether the node is ready and takes pods"),
    Column::text("Roles", "the roles that the node's labels name"),
    AGE,
    Column::text("Version", "the version of the kubelet"),
    Column::wide("Internal-IP", "the first internal address"),
    Column::wide("External-IP", "the first external address"),
    Column::wide("OS-Image", "the operating system"),
    Column::wide("Kernel-Version", "the kernel and its architecture"),
    Column::wide("Container-Runtime", "the container runtime"),
];
const CONFIG_MAP_COLUMNS: &[Column] = &[
    NAME,
    Column::text("Data", "the number of keys that the config map holds"),
    AGE,
];
const CUSTOM_COLUMNS: &[Column] = &[
    NAME,
    Column {
        kind: "date",
        ..AGE
    },
];

fn table(kind: &Kind, items: &[&Value], metadata: Value) -> Value {
    let columns = match kind.kind.as_str() {
        "Node" => NODE_COLUMNS,
        "ConfigMap" => CONFIG_MAP_COLUMNS,
        _ => CUSTOM_COLUMNS,
    };
    let rows: Vec<Value> = items
        .iter()
        .map(|item| json!({ "cells": cells(kind, item), "object": metadata_only(item) }))
        .collect();
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns.iter().map(Column::definition).collect::<Vec<_>>(),
        "rows": rows,
    })
}

fn cells(kind: &Kind, object: &Value) -> Value {
    let name = &object["metadata"]["name"];
    let age = age(object);
    match kind.kind.as_str() {
        "Node" => node_cells(object, &age),
        "ConfigMap" => {
            let count = |member: &str| object[member].as_object().map_or(0, Map::len);
            json!([name, count("data") + count("binaryData"), age])
        }
        _ => json!([name, age]),
    }
}

fn node_cells(node: &Value, age: &str) -> Value {
    let ready = find(&node["status"]["conditions"], "type", "Ready");
    let mut status = match ready.map(|condition| &condition["status"]) {
        Some(value) if value == "True" => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    let info = &node["status"]["nodeInfo"];
    let text = |member: &str| info[member].as_str().unwrap_or("<unknown>").to_owned();
    json!([
        node["metadata"]["name"],
        status,
        roles(node),
        age,
        text("kubeletVersion"),
        address(node, "InternalIP"),
        address(node, "ExternalIP"),
        text("osImage"),
        format!("{} ({})", text("kernelVersion"), text("architecture")),
        text("containerRuntimeVersion"),
    ])
}

fn roles(node: &Value) -> String {
    let labels = node["metadata"]["labels"].as_object().into_iter().flatten();
    let mut roles: Vec<&str> = labels
        .filter_map(|(label, _)| label.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    roles.sort_unstable();
    if roles.is_empty() {
        "<none>".to_owned()
    } else {
        roles.join(",")
    }
}

fn address(node: &Value, kind: &str) -> String {
    let address = find(&node["status"]["addresses"], "type", kind);
    address
        .and_then(|address| address["address"].as_str())
        .unwrap_or("<none>")
        .to_owned()
}

// The units that kubectl's readers know: 45s, 2m30s, 12m, 3h5m, 20h, 2d3h, 12d.
fn age(object: &Value) -> String {
    let created = object["metadata"]["creationTimestamp"]
        .as_str()
        .unwrap_or_default();
    let Ok(created) = created.parse::<Timestamp>() else {
        return "<unknown>".to_owned();
    };
    human_duration(Timestamp::now().as_second() - created.as_second())
}

fn human_duration(seconds: i64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |large: i64, unit: char, small: i64, small_unit: char| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{small_unit}"),
    };
    match seconds {
        ..0 => "0s".to_owned(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, 'd', hours % 24, 'h'),
        _ => format!("{days}d"),
    }
}

#[cfg(test)]
mod tests {
    use ::http::HeaderValue;

    use super::*;

    #[test]
    fn the_first_view_that_can_be_produced_wins() {
        let view = |accept: &str, is_list| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
            requested_view(&headers, is_list)
        };
        let kubectl = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
        assert_eq!(view(kubectl, true), Ok(View::Table));
        assert_eq!(
            view("application/vnd.kubernetes.protobuf,application/json", true),
            Ok(View::Whole)
        );
        let metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
        assert_eq!(view(metadata, true), Ok(View::MetadataOnly));
        assert_eq!(view(metadata, false), Err(Failure::NotAcceptable));
        assert_eq!(
            view("application/vnd.kubernetes.protobuf", true),
            Err(Failure::NotAcceptable)
        );
    }

    #[test]
    fn ages_are_written_as_kubectl_shows_them() {
        let shown = [1, 150, 600, 11_100, 30_000, 183_600, 864_000].map(human_duration);
        assert_eq!(shown, ["1s", "2m30s", "10m", "3h5m", "8h", "2d3h", "10d"]);
    }
}
