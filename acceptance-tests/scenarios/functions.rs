//! Provider functions: pure, offline, without credentials.

use crate::harness::Scenario;

#[test]
fn pod_routes_tells_names_and_next_hops_without_asking_anybody() {
    let scenario = Scenario::new(
        r#"
output "routes" {
  value = provider::ako::pod_routes("blue", {
    "node-1" = { internal_ip = "10.0.0.4", pod_cidrs = ["10.244.0.0/24"] }
  })
}
"#,
    );
    scenario.apply();
    let state = scenario.state();
    let route = &state.output("routes").expect("the output is there")["10.244.0.0/24"];
    assert_eq!(route["name"], "blue.node-1_10.244.0.0_24");
    assert_eq!(route["next_hop_ip_address"], "10.0.0.4");
    assert!(scenario.calls().all().is_empty(), "{}", scenario.calls());
}
