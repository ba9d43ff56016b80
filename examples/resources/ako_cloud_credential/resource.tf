# The service principal with which the controller signs in to Azure. Raise the version whenever the secret changes.
resource "ako_cloud_credential" "azure" {
  name           = "azure-westeurope"
  application_id = var.application_id
  tenant_id      = var.tenant_id

  client_secret_wo         = var.client_secret
  client_secret_wo_version = 1
}

variable "application_id" {
  type        = string
  description = "The application (client) id of the service principal."
}

variable "tenant_id" {
  type        = string
  description = "Its tenant."
}

variable "client_secret" {
  type        = string
  description = "Its secret. Ephemeral: it is in no plan and no state."
  ephemeral   = true
}
