# The cluster of the provider's section `kubernetes`, or of KUBE_CONFIG_PATH.
data "ako_cluster_nodes" "default" {
}

# A cluster of its own, so that one configuration reads several. Calico keeps pod CIDRs in objects of its own.
data "ako_cluster_nodes" "cluster1" {
  config_path = var.kubeconfig_path
  cni_plugin  = "calico"
}

# A warning where a node is left out; a postcondition in place of the check makes it an error.
check "all_nodes_have_routes" {
  assert {
    condition     = length(data.ako_cluster_nodes.cluster1.skipped_nodes) == 0
    error_message = "Nodes without routes: ${jsonencode(data.ako_cluster_nodes.cluster1.skipped_nodes)}"
  }
}

output "pod_cidrs" {
  description = "The pod CIDRs of each node."
  value       = { for name, node in data.ako_cluster_nodes.cluster1.nodes : name => node.pod_cidrs }
}

variable "kubeconfig_path" {
  type        = string
  description = "A kubeconfig of the cluster."
}
