# The routes that ako_pod_routes would make, without making them.
output "routes" {
  value = provider::ako::pod_routes("cluster1", {
    "cluster1-node-0" = { internal_ip = "10.1.0.4", pod_cidrs = ["10.244.0.0/24"] }
    "cluster1-node-1" = { internal_ip = "10.1.0.5", pod_cidrs = ["10.244.1.0/24"] }
  })
}
