# The nodes of the cluster, read from its API server.
data "ako_cluster_nodes" "cluster1" {
  config_path = var.kubeconfig_path
}

# AKO writes the routes of this cluster itself. Apply ends when they are in the route table of its SE subnet.
resource "ako_pod_route_sync" "cluster1" {
  route_table_id = var.route_table_id
  nodes          = data.ako_cluster_nodes.cluster1.nodes

  # Another version of AKO is waited for, too.
  triggers = {
    ako_version = var.ako_version
  }

  timeouts {
    create = "15m"
    update = "15m"
  }
}

variable "route_table_id" {
  type        = string
  description = "The route table of the SE subnet, for example the attribute route_table_id of an ako_cluster_subnet."
}

variable "kubeconfig_path" {
  type        = string
  description = "A kubeconfig of the cluster."
}

variable "ako_version" {
  type        = string
  description = "The version of AKO's Helm chart."
}
