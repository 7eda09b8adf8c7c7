output "address" {
  description = "The balancer."
  value       = aws_lb.this.dns_name
}

output "balancer_arn_suffix" {
  description = "The balancer, as CloudWatch names it."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn_suffix" {
  description = "The shops, as CloudWatch names them."
  value       = aws_lb_target_group.this.arn_suffix
}

output "service_name" {
  description = "The service."
  value       = aws_ecs_service.this.name
}

output "shop_toml" {
  description = "The configuration of the shop."
  value       = local.shop_toml
}
