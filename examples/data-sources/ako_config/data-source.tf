# What AKO in the cluster is configured with.
data "ako_config" "cluster1" {
  config_path = var.kubeconfig_path
}

# The routes to pods come from one of the two: AKO or ako_pod_routes. A postcondition in place of the check makes it an
# error.
check "ako_leaves_the_routes_to_terraform" {
  assert {
    condition     = !data.ako_config.cluster1.static_route_sync_enabled
    error_message = "AKO writes routes, too: set disableStaticRouteSync to true in its values."
  }
}

# The nodes as this AKO reads them.
data "ako_cluster_nodes" "cluster1" {
  config_path = var.kubeconfig_path
  cni_plugin  = data.ako_config.cluster1.cni_plugin
}

output "cluster_name" {
  description = "The name with which AKO labels its routes and its SE group."
  value       = data.ako_config.cluster1.cluster_name
}

variable "kubeconfig_path" {
  type        = string
  description = "A kubeconfig of the cluster."
}
