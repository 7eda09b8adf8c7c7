output "namespace" {
  description = "The namespace of the metrics."
  value       = local.namespace
}

output "metrics" {
  description = "Which metrics go to CloudWatch, by their dimensions."
  value       = local.metrics
}

output "alarms" {
  description = "The alarms, with the condition of each."
  value = { for name, alarm in local.alarms : name => {
    metric    = alarm.metric
    condition = can(alarm.above) ? "> ${alarm.above}" : "< ${alarm.below}"
  } }
}

output "dashboard" {
  description = "The dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
