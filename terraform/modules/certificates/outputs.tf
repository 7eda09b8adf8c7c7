output "viewers_arn" {
  description = "The certificate for fans, in us-east-1."
  value       = aws_acm_certificate_validation.viewers.certificate_arn
}

output "edge_arn" {
  description = "The certificate for CloudFront."
  value       = aws_acm_certificate_validation.edge.certificate_arn
}

output "shop_arn" {
  description = "The certificate for the edge."
  value       = aws_acm_certificate_validation.shop.certificate_arn
}

output "edge_name" {
  description = "The name of the balancer in front of the edge."
  value       = local.edge_name
}

output "shop_name" {
  description = "The name that the shop's certificate has."
  value       = local.shop_name
}
