# Service Engines reach the pods of each cluster directly: every cluster gets an SE subnet with a route table of
# its own, and one route per node and pod CIDR in it. The clusters may use the same pod CIDRs, because a route
# table serves only its own SE subnet.

terraform {
  required_version = ">= 1.11"

  required_providers {
    ako = {
      source = "ako-azure/ako"
    }
  }
}

# Credentials come from the environment, under the names that azurerm uses: ARM_TENANT_ID, ARM_CLIENT_ID,
# ARM_CLIENT_SECRET, or a login of the Azure CLI. The subscription is that of the virtual network.
provider "ako" {
  azure = {}
}

# The subnet of the cluster's Service Engines and its route table, associated from the first moment.
resource "ako_cluster_subnet" "this" {
  for_each = var.clusters

  cluster_name              = each.key
  virtual_network_id        = var.virtual_network_id
  name                      = "snet-se-${each.key}"
  address_prefixes          = [each.value.se_subnet_prefix]
  network_security_group_id = each.value.network_security_group_id
  route_table_name          = "rt-se-${each.key}"
  tags                      = var.tags
}

# The nodes and their pod CIDRs, read from each cluster's own API server.
data "ako_cluster_nodes" "this" {
  for_each = var.clusters

  config_path    = each.value.kubeconfig_path
  config_context = each.value.kubeconfig_context
  cni_plugin     = each.value.cni_plugin
}

# One route per node and pod CIDR; routes that others keep in the same table are left alone.
resource "ako_pod_routes" "this" {
  for_each = var.clusters

  cluster_name   = each.key
  route_table_id = ako_cluster_subnet.this[each.key].route_table_id
  nodes          = data.ako_cluster_nodes.this[each.key].nodes
}
