output "id" {
  description = "The cluster, as CloudWatch names it."
  value       = aws_elasticache_replication_group.this.id
}

output "url" {
  description = "The URL as edge.toml and shop.toml have it."
  value = (
    var.clustered
    ? "redis+cluster://${aws_elasticache_replication_group.this.configuration_endpoint_address}:6379"
    : "redis://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"
  )
}
