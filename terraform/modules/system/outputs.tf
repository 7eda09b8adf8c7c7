output "url" {
  description = "Where fans go."
  value       = "https://${var.domain}/"
}

output "distribution" {
  description = "The distribution of CloudFront."
  value       = { id = module.cdn.id, domain_name = module.cdn.domain_name }
}

output "repositories" {
  description = "Where images are pushed to, by program."
  value       = module.registry.repository_urls
}

output "cluster" {
  description = "The ECS cluster, whose services are `edge` and `shop`."
  value       = aws_ecs_cluster.this.name
}

output "secrets" {
  description = "Secrets by name."
  value       = module.secrets.arns
}

output "nat_addresses" {
  description = "From these the shop goes out."
  value       = module.network.nat_addresses
}

output "dashboard" {
  description = "The dashboard in CloudWatch."
  value       = "https://${data.aws_region.current.region}.console.aws.amazon.com/cloudwatch/home#dashboards:name=${module.observability.dashboard}"
}

output "alerts_queue_url" {
  description = "Where programs take alerts from."
  value       = module.queue.alerts_queue_url
}

output "rooms" {
  description = "The rooms, as CloudFront and the alarms read them out of rooms.toml."
  value       = { ids = local.rooms, protected_paths = local.protected_paths, behaviors = module.cdn.behaviors }
}

output "alarms" {
  description = "The alarms."
  value       = module.observability.alarms
}

output "configuration" {
  description = "What the programs read."
  value       = { edge_toml = module.edge.edge_toml, shop_toml = module.shop.shop_toml, collector_yaml = module.edge.collector_yaml }
}
