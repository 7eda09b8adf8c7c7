output "domain_name" {
  description = "CloudFront's own name of the distribution."
  value       = aws_cloudfront_distribution.this.domain_name
}

output "id" {
  description = "The distribution."
  value       = aws_cloudfront_distribution.this.id
}

output "behaviors" {
  description = "Paths in the order in which they are compared."
  value       = [for behavior in local.behaviors : behavior.path]
}

output "errors_not_kept" {
  description = "Answers that are not kept."
  value       = local.errors
}
