//! The state, as `terraform show -json` tells it.

use serde_json::Value;

/// What Terraform remembers.
#[derive(Clone, Debug)]
pub struct State {
    document: Value,
}

impl State {
    pub(super) fn new(document: Value) -> State {
        State { document }
    }

    /// The attributes of the resource or data source at an address.
    pub fn resource(&self, address: &str) -> Option<&Value> {
        self.entry(address).map(|entry| &entry["values"])
    }

    /// Whether the object at an address is tainted: the next apply replaces it.
    pub fn is_tainted(&self, address: &str) -> bool {
        self.entry(address)
            .is_some_and(|entry| entry["tainted"] == true)
    }

    /// The addresses of all resources, data sources left out.
    pub fn addresses(&self) -> Vec<&str> {
        let managed = self.entries().filter(|entry| entry["mode"] == "managed");
        managed
            .filter_map(|entry| entry["address"].as_str())
            .collect()
    }

    /// The value of an output.
    pub fn output(&self, name: &str) -> Option<&Value> {
        self.document["values"]["outputs"]
            .get(name)
            .map(|output| &output["value"])
    }

    /// The whole document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    fn entry(&self, address: &str) -> Option<&Value> {
        self.entries().find(|entry| entry["address"] == address)
    }

    fn entries(&self) -> impl Iterator<Item = &Value> {
        let mut found = Vec::new();
        collect(&self.document["values"]["root_module"], &mut found);
        found.into_iter()
    }
}

fn collect<'a>(module: &'a Value, found: &mut Vec<&'a Value>) {
    let list = |name: &str| {
        module[name]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    found.extend(list("resources"));
    for child in list("child_modules") {
        collect(child, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn resources_of_nested_modules_are_found_and_data_sources_are_no_resources() {
        let resource = |address: &str, mode: &str| json!({"address": address, "mode": mode, "values": {"id": address}});
        let state = State::new(json!({"values": {"root_module": {
            "resources": [resource("ako_x.a", "managed"), resource("data.ako_y.b", "data")],
            "child_modules": [{"resources": [resource("module.m.ako_x.c", "managed")]}],
        }}}));
        assert_eq!(state.addresses(), ["ako_x.a", "module.m.ako_x.c"]);
        assert_eq!(
            state.resource("data.ako_y.b").unwrap()["id"],
            "data.ako_y.b"
        );
        assert!(!state.is_tainted("ako_x.a"));
    }
}
