variable "virtual_network_id" {
  description = "ARM id of the virtual network that holds the nodes of all clusters."
  type        = string
}

variable "avi" {
  description = "The controller's cloud: where it keeps what it makes (`resource_group`), the subnet of Service Engines outside of the clusters' SE groups (`se_network_id`), and the service principal as which it signs in."
  type = object({
    cloud_name     = string
    location       = string
    resource_group = string
    se_network_id  = string
    tenant_id      = string
    application_id = string
  })
}

variable "avi_client_secret" {
  description = "The secret of that service principal. It goes to the controller and into no plan and no state."
  type        = string
  ephemeral   = true
}

variable "clusters" {
  description = "The clusters by name, AKO's `clusterName`; `cni_plugin` is AKO's `cniPlugin`. `route_sync_mode` says who writes the routes: `managed`, Terraform to Azure; `via_avi`, the controller, as Terraform tells it; `verified`, AKO and the controller."
  type = map(object({
    se_subnet_prefix          = string
    kubeconfig_path           = string
    kubeconfig_context        = optional(string)
    cni_plugin                = optional(string)
    network_security_group_id = optional(string)
    route_sync_mode           = optional(string, "managed")
  }))

  validation {
    condition     = alltrue([for cluster in values(var.clusters) : contains(["managed", "via_avi", "verified"], cluster.route_sync_mode)])
    error_message = "route_sync_mode is managed, via_avi or verified."
  }
}

variable "tags" {
  description = "Tags of the route tables; null leaves them to others."
  type        = map(string)
  default     = null
}
