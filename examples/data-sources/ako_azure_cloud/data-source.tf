data "ako_azure_cloud" "westeurope" {
  name = "azure-westeurope"
}

# A warning while virtual services cannot be placed.
check "cloud_is_ready" {
  assert {
    condition     = data.ako_azure_cloud.westeurope.state == "CLOUD_STATE_PLACEMENT_READY"
    error_message = "The cloud is not ready: ${data.ako_azure_cloud.westeurope.reason}"
  }
}

output "virtual_network_id" {
  description = "The virtual network of the Service Engines."
  value       = data.ako_azure_cloud.westeurope.virtual_network_id
}
