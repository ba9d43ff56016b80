# A cloud in which Service Engines can be placed once this has been applied.
resource "ako_azure_cloud" "westeurope" {
  name                 = "azure-westeurope"
  subscription_id      = var.subscription_id
  location             = "westeurope"
  resource_group       = "rg-avi"
  virtual_network_id   = var.virtual_network_id
  se_network_id        = "snet-se"
  cloud_credential_ref = ako_cloud_credential.azure.ref
  availability_zones   = ["1", "2", "3"]
}

# A cloud that may be there already: it is used as it is, and destroy only forgets it.
resource "ako_azure_cloud" "shared" {
  name               = "azure-shared"
  adopt_existing     = true
  subscription_id    = var.subscription_id
  location           = "westeurope"
  resource_group     = "rg-avi"
  virtual_network_id = var.virtual_network_id
  se_network_id      = "snet-se"
}

resource "ako_cloud_credential" "azure" {
  name           = "azure-westeurope"
  application_id = var.application_id
  tenant_id      = var.tenant_id

  client_secret_wo         = var.client_secret
  client_secret_wo_version = 1
}

variable "subscription_id" {
  type        = string
  description = "The subscription of the Service Engines."
}

variable "virtual_network_id" {
  type        = string
  description = "The virtual network of the clusters."
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
  description = "Its secret."
  ephemeral   = true
}
