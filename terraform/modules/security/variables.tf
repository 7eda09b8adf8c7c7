variable "name" {
  description = "What every resource is named after."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "endpoints_security_group_id" {
  description = "The group of the interface endpoints."
  type        = string
}

variable "s3_prefix_list_id" {
  description = "The addresses of S3."
  type        = string
}

variable "shop_outside_ports" {
  description = "Where the shop may go outside: 443 for a payment provider, 587 for a mail server."
  type        = list(number)

  validation {
    condition     = alltrue([for port in var.shop_outside_ports : contains([443, 465, 587], port)])
    error_message = "shop_outside_ports may have 443 (payments), 465 and 587 (mail), and nothing else."
  }
}

variable "edge_secret_arns" {
  description = "Secrets that the edge is started with."
  type        = list(string)
}

variable "shop_secret_arns" {
  description = "Secrets that the shop is started with."
  type        = list(string)
}

variable "repository_arns" {
  description = "The repositories of images, by program."
  type        = map(string)
}

variable "public_images_prefix" {
  description = "Where images of others are kept in ECR."
  type        = string
}

variable "key_arn" {
  description = "The key that secrets are encrypted with."
  type        = string
}

variable "operator_sessions" {
  description = "Whether operators may open sessions to the edge's dashboard."
  type        = bool
}
