# Clusters whose pod CIDRs conflict need an SE subnet and a route table each.
output "conflicts" {
  value = provider::ako::cidr_conflicts({
    cluster1 = ["10.244.0.0/16"]
    cluster2 = ["10.244.0.0/16"]
    vnet     = ["10.0.0.0/12"]
  })
}
