output "topic_arn" {
  description = "Where alarms go."
  value       = aws_sns_topic.alerts.arn
}

output "alerts_queue_url" {
  description = "Where programs take alerts from."
  value       = aws_sqs_queue.alerts.url
}

output "dead_letters_arn" {
  description = "Where goes what nobody could take."
  value       = aws_sqs_queue.dead_letters.arn
}

output "dead_letters_name" {
  description = "The same, as CloudWatch names it."
  value       = aws_sqs_queue.dead_letters.name
}
