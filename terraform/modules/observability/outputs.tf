output "namespace" {
  description = "The namespace of the metrics."
  value       = local.namespace
}

output "metrics" {
  description = "Which metrics of the edge go to CloudWatch, by their dimensions."
  value       = local.metrics
}

output "shop_metrics" {
  description = "Which of the shop."
  value       = local.shop_metrics
}

output "metrics_log_group" {
  description = "The log that metrics come in."
  value       = aws_cloudwatch_log_group.metrics.name
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
