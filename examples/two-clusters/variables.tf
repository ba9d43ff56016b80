variable "virtual_network_id" {
  description = "ARM id of the virtual network that holds the nodes of all clusters."
  type        = string
}

variable "clusters" {
  description = "The clusters by name, AKO's `clusterName`; `cni_plugin` is AKO's `cniPlugin`."
  type = map(object({
    se_subnet_prefix          = string
    kubeconfig_path           = string
    kubeconfig_context        = optional(string)
    cni_plugin                = optional(string)
    network_security_group_id = optional(string)
  }))
}

variable "tags" {
  description = "Tags of the route tables; null leaves them to others."
  type        = map(string)
  default     = null
}
