output "balancer_dns_name" {
  description = "The balancer."
  value       = aws_lb.this.dns_name
}

output "balancer_zone_id" {
  description = "Its zone, for an alias."
  value       = aws_lb.this.zone_id
}

output "balancer_arn_suffix" {
  description = "The balancer, as CloudWatch names it."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn_suffix" {
  description = "The proxies, as CloudWatch names them."
  value       = aws_lb_target_group.this.arn_suffix
}

output "service_name" {
  description = "The service."
  value       = aws_ecs_service.this.name
}

output "edge_toml" {
  description = "The configuration of the edge."
  value       = local.edge_toml
}

output "collector_yaml" {
  description = "The configuration of the collector."
  value       = module.collector.configuration
}

output "log_group" {
  description = "Its log."
  value       = aws_cloudwatch_log_group.this.name
}
