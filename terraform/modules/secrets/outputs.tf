output "arns" {
  description = "Secrets by name."
  value       = { for name, secret in aws_secretsmanager_secret.this : name => secret.arn }

  # Nobody is started before there is something to be had.
  depends_on = [aws_secretsmanager_secret_version.first]
}

output "cdn_secret" {
  description = "What CloudFront is to show."
  value       = split(",", data.aws_secretsmanager_secret_version.cdn.secret_string)[0]
  sensitive   = true
}

output "rotation_function" {
  description = "The function that rotates."
  value       = aws_lambda_function.rotate.function_name
}
