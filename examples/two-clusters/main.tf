# Service Engines reach the pods of each cluster directly: every cluster gets an SE subnet with a route table of
# its own, one route per node and pod CIDR in it, and an SE group whose Service Engines stand in that subnet. The
# clusters may use the same pod CIDRs, because a route table serves only its own SE subnet.

terraform {
  required_version = ">= 1.11"

  required_providers {
    ako = {
      source = "ako-azure/ako"
    }
  }
}

# Credentials come from the environment, under the names that other providers use. For Azure: ARM_TENANT_ID,
# ARM_CLIENT_ID, ARM_CLIENT_SECRET, or a login of the Azure CLI; the subscription is that of the virtual network. For
# the Avi controller: AVI_CONTROLLER, AVI_USERNAME, AVI_PASSWORD.
provider "ako" {
  azure = {}
  avi   = {}
}

# Azure -----------------------------------------------------------------------------------------------------------

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

# Avi -------------------------------------------------------------------------------------------------------------

# As whom the controller signs in to Azure.
resource "ako_cloud_credential" "this" {
  name                     = "${var.avi.cloud_name}-credential"
  tenant_id                = var.avi.tenant_id
  application_id           = var.avi.application_id
  client_secret_wo         = var.avi_client_secret
  client_secret_wo_version = 1
}

# The cloud of all clusters. One that exists already is checked and left alone.
resource "ako_azure_cloud" "this" {
  name                 = var.avi.cloud_name
  adopt_existing       = true
  cloud_credential_ref = ako_cloud_credential.this.ref
  subscription_id      = split("/", var.virtual_network_id)[2]
  location             = var.avi.location
  resource_group       = var.avi.resource_group
  virtual_network_id   = var.virtual_network_id
  se_network_id        = var.avi.se_network_id
}

# One SE group per cluster, with the cluster's SE subnet in place of the cloud's. The label with the cluster's name
# makes the controller program routes; where Terraform writes them, it is left out.
resource "ako_se_group" "this" {
  for_each = var.clusters

  name            = "seg-${each.key}"
  cloud_ref       = ako_azure_cloud.this.ref
  data_network_id = ako_cluster_subnet.this[each.key].name
  cluster_name    = each.value.route_sync_mode == "via_avi" ? each.key : null
}

# Routes ----------------------------------------------------------------------------------------------------------

# The nodes and their pod CIDRs, read from each cluster's own API server.
data "ako_cluster_nodes" "this" {
  for_each = var.clusters

  config_path    = each.value.kubeconfig_path
  config_context = each.value.kubeconfig_context
  cni_plugin     = each.value.cni_plugin
}

# Mode managed: one route per node and pod CIDR, written by Terraform. Routes that others keep in the same table are
# left alone.
resource "ako_pod_routes" "this" {
  for_each = { for name, cluster in var.clusters : name => cluster if cluster.route_sync_mode == "managed" }

  cluster_name   = each.key
  route_table_id = ako_cluster_subnet.this[each.key].route_table_id
  nodes          = data.ako_cluster_nodes.this[each.key].nodes
}

# Mode via_avi: the same routes in the controller, which brings them to the route table of the labelled SE group's
# subnet.
resource "ako_vrf_pod_routes" "this" {
  for_each = { for name, cluster in var.clusters : name => cluster if cluster.route_sync_mode == "via_avi" }

  cluster_name          = each.key
  cloud_ref             = ako_azure_cloud.this.ref
  nodes                 = data.ako_cluster_nodes.this[each.key].nodes
  wait_for_azure_routes = true

  # The controller needs the labelled SE group to know where the routes belong.
  depends_on = [ako_se_group.this]
}
