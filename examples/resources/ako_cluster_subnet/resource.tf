# The subnet of the Service Engines of one cluster, with a route table and a network security group from its first
# moment.
resource "ako_cluster_subnet" "cluster1" {
  cluster_name              = "cluster1"
  virtual_network_id        = var.virtual_network_id
  name                      = "snet-se-cluster1"
  address_prefixes          = ["10.1.32.0/24"]
  network_security_group_id = var.network_security_group_id

  route_table_name              = "rt-se-cluster1"
  bgp_route_propagation_enabled = false

  tags = {
    environment = "production"
  }

  timeouts {
    delete = "3h"
  }
}

# With a route table that somebody else manages: it is associated, and otherwise left alone.
resource "ako_cluster_subnet" "cluster2" {
  cluster_name            = "cluster2"
  virtual_network_id      = var.virtual_network_id
  name                    = "snet-se-cluster2"
  address_prefixes        = ["10.2.32.0/24"]
  existing_route_table_id = var.route_table_id
}

variable "virtual_network_id" {
  type        = string
  description = "The virtual network of the clusters."
}

variable "network_security_group_id" {
  type        = string
  description = "The network security group of the SE subnets."
  default     = null
}

variable "route_table_id" {
  type        = string
  description = "A route table that is managed elsewhere."
}
