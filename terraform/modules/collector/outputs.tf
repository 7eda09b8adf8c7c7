output "container" {
  description = "The container."
  value       = local.container
}

output "configuration" {
  description = "What it reads."
  value       = local.configuration
}
