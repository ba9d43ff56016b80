terraform {
  required_providers {
    ako = {
      source = "ako-azure/ako"
    }
  }
}

# Credentials come from the environment under the names that users of azurerm and of the Kubernetes provider know:
# ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET, or a login of the Azure CLI; KUBE_CONFIG_PATH.
provider "ako" {
}

# The same in arguments. An alias serves a second tenant or cloud.
provider "ako" {
  alias = "other"

  azure = {
    tenant_id     = var.tenant_id
    client_id     = var.client_id
    client_secret = var.client_secret
  }

  kubernetes = {
    config_path    = "~/.kube/config"
    config_context = "cluster1"
  }
}

variable "tenant_id" {
  type        = string
  description = "The tenant."
}

variable "client_id" {
  type        = string
  description = "The application id of the service principal."
}

variable "client_secret" {
  type        = string
  description = "The secret of the service principal."
  sensitive   = true
}
