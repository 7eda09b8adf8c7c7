output "id" {
  description = "The cluster, as CloudWatch names it."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "url" {
  description = "The URL as the shop takes it, without the password (which it has as PGPASSWORD)."
  value       = "postgres://stanchion@${aws_rds_cluster.this.endpoint}:5432/stanchion?sslmode=verify-full&sslrootcert=/etc/ssl/authorities/rds.pem"
}
