# The name of the cloud and the name of the SE group, or the uuid of the SE group.
terraform import ako_se_group.cluster1 'azure-westeurope/seg-cluster1'
