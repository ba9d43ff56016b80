# The name of the credential, or its uuid. Its secret is written with the next change of client_secret_wo_version.
terraform import ako_cloud_credential.azure azure-westeurope
