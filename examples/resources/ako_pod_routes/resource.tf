# The nodes of the cluster, read from its API server.
data "ako_cluster_nodes" "cluster1" {
  config_path = var.kubeconfig_path
}

# One route per node and pod CIDR in the route table of the cluster's SE subnet. Routes of others stay.
resource "ako_pod_routes" "cluster1" {
  cluster_name   = "cluster1"
  route_table_id = var.route_table_id
  nodes          = data.ako_cluster_nodes.cluster1.nodes

  # Another cluster name or table then moves the routes without a gap.
  lifecycle {
    create_before_destroy = true
  }
}

# Nodes written by hand work as well, for example where the cluster cannot be reached. Another cluster may use the
# same table if its pod CIDRs differ.
resource "ako_pod_routes" "cluster2" {
  cluster_name   = "cluster2"
  route_table_id = var.route_table_id

  nodes = {
    "cluster2-node-0" = {
      internal_ip = "10.2.0.4"
      pod_cidrs   = ["10.245.0.0/24"]
    }
    "cluster2-node-1" = {
      internal_ip = "10.2.0.5"
      pod_cidrs   = ["10.245.1.0/24"]
    }
  }

  # Routes of others with these prefixes are replaced, wherever they lead.
  on_conflict = "replace"
  route_limit = 1000
}

variable "route_table_id" {
  type        = string
  description = "The route table of the SE subnet, for example the attribute route_table_id of an ako_cluster_subnet."
}

variable "kubeconfig_path" {
  type        = string
  description = "A kubeconfig of the cluster."
}
