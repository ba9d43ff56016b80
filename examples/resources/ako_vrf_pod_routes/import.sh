# The cloud, its VRF and the name of the cluster. A VRF tells no names of nodes: they are imported under their addresses,
# and the real names change nothing at the controller.
terraform import ako_vrf_pod_routes.cluster1 'azure-west/global,cluster1'
