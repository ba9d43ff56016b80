# The nodes of the cluster, read from its API server.
data "ako_cluster_nodes" "cluster1" {
  config_path = var.kubeconfig_path
}

# One labelled static route per node and pod CIDR in the VRF of the cloud. The controller's cloud connector writes them
# to the route tables of the SE groups with the same label. AKO of this cluster runs with disableStaticRouteSync: true.
resource "ako_vrf_pod_routes" "cluster1" {
  cloud_ref    = var.cloud_ref
  cluster_name = "cluster1"
  nodes        = data.ako_cluster_nodes.cluster1.nodes

  # Apply ends when Azure holds the routes.
  wait_for_azure_routes = true

  # Another cluster name then moves the routes without a gap.
  lifecycle {
    create_before_destroy = true
  }
}

variable "cloud_ref" {
  type        = string
  description = "The Avi cloud: its name, its uuid or a reference."
}

variable "kubeconfig_path" {
  type        = string
  description = "A kubeconfig of the cluster."
}
