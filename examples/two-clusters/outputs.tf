output "se_subnet_ids" {
  description = "The SE subnet of each cluster."
  value       = { for name, subnet in ako_cluster_subnet.this : name => subnet.id }
}

output "se_groups" {
  description = "The SE group of each cluster: AKO's `serviceEngineGroupName`."
  value       = { for name, group in ako_se_group.this : name => group.name }
}

output "pod_routes" {
  description = "Next hop of every pod CIDR, by cluster."
  value = {
    for name, pods in merge(ako_pod_routes.this, ako_vrf_pod_routes.this) :
    name => { for cidr, route in pods.routes : cidr => route.next_hop_ip_address }
  }
}

output "skipped_nodes" {
  description = "Nodes that get no route, each with the reason, by cluster."
  value       = { for name, cluster in data.ako_cluster_nodes.this : name => cluster.skipped_nodes }
}

output "skipped_cidrs" {
  description = "Pod CIDRs that get no route, each with its node and the reason, by cluster."
  value       = { for name, cluster in data.ako_cluster_nodes.this : name => cluster.skipped_cidrs }
}
