# Default-Group came with the cloud and belongs to nobody here. Its Service Engines get a subnet of their own as long as
# this resource exists; afterwards it is as it was.
resource "ako_se_group_override" "default" {
  cloud_ref       = var.cloud
  se_group_name   = "Default-Group"
  data_network_id = "snet-se-shared"
}

variable "cloud" {
  type        = string
  description = "The cloud: its name, its uuid, or the ref of an ako_azure_cloud."
}
