# The name of the cloud and the name of the SE group. What was there before is then not known: set
# previous_data_network_id, or destroying leaves the value.
terraform import ako_se_group_override.default 'azure-westeurope/Default-Group'
