terraform {
  required_providers {
    ako = {
      source = "ako-azure/ako"
    }
  }
}

# Credentials come from the environment under the names that users of the azurerm, avi and kubernetes providers know:
# ARM_TENANT_ID, ARM_CLIENT_ID, ARM_CLIENT_SECRET, or a login of the Azure CLI; AVI_CONTROLLER, AVI_USERNAME,
# AVI_PASSWORD; KUBE_CONFIG_PATH.
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

  avi = {
    controller     = "avi.example.com"
    username       = "terraform"
    password       = var.avi_password
    ca_certificate = var.avi_ca_certificate
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

variable "avi_password" {
  type        = string
  description = "The password of the controller's user."
  sensitive   = true
}

variable "avi_ca_certificate" {
  type        = string
  description = "The certificate authority of the controller, PEM; leave the argument out where the system trusts it."
}

variable "client_secret" {
  type        = string
  description = "The secret of the service principal."
  sensitive   = true
}
