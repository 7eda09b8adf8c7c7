output "bounds" {
  description = "Fewest and most tasks."
  value       = { min = var.min, max = var.max }
}
