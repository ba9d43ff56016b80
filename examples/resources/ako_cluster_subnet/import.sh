# The id of the SE subnet. A route table with the mark of this provider is taken as owned, any other as existing.
terraform import ako_cluster_subnet.cluster1 /subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/virtualNetworks/vnet-clusters/subnets/snet-se-cluster1
