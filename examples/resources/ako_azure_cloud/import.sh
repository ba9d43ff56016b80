# The name of the cloud, or its uuid.
terraform import ako_azure_cloud.westeurope azure-westeurope
