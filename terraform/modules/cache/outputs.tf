output "id" {
  description = "The cluster, as CloudWatch names it."
  value       = aws_elasticache_replication_group.this.id
}

output "endpoint" {
  description = "The address that leads to all nodes."
  value       = aws_elasticache_replication_group.this.configuration_endpoint_address
}

output "url" {
  description = "The URL as edge.toml has it."
  value       = "redis+cluster://${aws_elasticache_replication_group.this.configuration_endpoint_address}:6379"
}
