# An SE group that somebody else manages, for example to see which Service Engines still run.
data "ako_se_group" "default" {
  cloud_ref = "azure-westeurope"
  name      = "Default-Group"
}

output "service_engines" {
  value = data.ako_se_group.default.service_engines
}
