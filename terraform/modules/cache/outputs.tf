output "arn" {
  description = "Its ARN."
  value       = aws_elasticache_replication_group.this.arn
}

output "nodes" {
  description = "Its nodes, as ElastiCache and CloudWatch name them."
  value = var.clustered ? [
    for pair in setproduct(range(1, var.shards + 1), range(1, var.replicas + 2)) : format("%s-%04d-%03d", var.name, pair[0], pair[1])
  ] : [for node in range(1, var.replicas + 2) : format("%s-%03d", var.name, node)]
}

output "url" {
  description = "The URL as edge.toml and shop.toml have it, without its password."
  value = (
    var.clustered
    ? "rediss+cluster://${aws_elasticache_replication_group.this.configuration_endpoint_address}:6379"
    : "rediss://${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"
  )
}
