output "url" {
  description = "Where fans go."
  value       = module.stanchion.url
}

output "distribution" {
  description = "The distribution of CloudFront."
  value       = module.stanchion.distribution
}

output "repositories" {
  description = "Where images are pushed to, by program."
  value       = module.stanchion.repositories
}

output "cluster" {
  description = "The ECS cluster, whose services are `edge` and `shop`."
  value       = module.stanchion.cluster
}

output "secrets" {
  description = "Secrets by name."
  value       = module.stanchion.secrets
}

output "nat_addresses" {
  description = "From these the shop goes out; a payment provider may want to know them."
  value       = module.stanchion.nat_addresses
}

output "dashboard" {
  description = "The dashboard in CloudWatch."
  value       = module.stanchion.dashboard
}

output "alerts_queue_url" {
  description = "Where programs take alerts from."
  value       = module.stanchion.alerts_queue_url
}

output "rooms" {
  description = "The rooms, as CloudFront and the alarms read them out of rooms.toml."
  value       = module.stanchion.rooms
}

output "configuration" {
  description = "What the programs read."
  value       = module.stanchion.configuration
}

output "alarms" {
  description = "The alarms, with the condition of each."
  value       = module.stanchion.alarms
}
