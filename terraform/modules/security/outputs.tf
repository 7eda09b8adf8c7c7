output "group_ids" {
  description = "Security groups by what they are for."
  value       = { for name, group in aws_security_group.this : name => group.id }
}

output "start_role_arns" {
  description = "The role with which ECS starts a program."
  value       = { for program, role in aws_iam_role.start : program => role.arn }
}

output "run_role_arns" {
  description = "The role that a program has itself."
  value       = { for program, role in aws_iam_role.run : program => role.arn }
}
