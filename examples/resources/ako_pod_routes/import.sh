# The id of the route table and the name of the cluster. The nodes are read back from the names and next hops of the
# routes.
terraform import ako_pod_routes.cluster1 '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg-network/providers/Microsoft.Network/routeTables/rt-se-cluster1,cluster1'
