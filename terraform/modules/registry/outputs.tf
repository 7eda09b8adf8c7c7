output "repository_urls" {
  description = "Where images are pushed to, by program."
  value       = { for program, repository in aws_ecr_repository.this : program => repository.repository_url }
}

output "repository_arns" {
  description = "Repositories by program."
  value       = { for program, repository in aws_ecr_repository.this : program => repository.arn }
}

output "public_images_prefix" {
  description = "Where images of others are kept."
  value       = aws_ecr_pull_through_cache_rule.public.ecr_repository_prefix
}
