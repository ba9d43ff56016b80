# The SE group of one cluster: its Service Engines lie in the cluster's own subnet and carry its label from the first.
resource "ako_se_group" "cluster1" {
  name            = "seg-cluster1"
  cloud_ref       = var.cloud
  cluster_name    = "cluster1"
  data_network_id = "snet-se-cluster1"

  instance_flavor      = "Standard_F4s_v2"
  max_se               = 4
  se_name_prefix       = "cluster1"
  se_deprovision_delay = 30
}

variable "cloud" {
  type        = string
  description = "The cloud: its name, its uuid, or the ref of an ako_azure_cloud."
}
