variable "name" {
  description = "What every resource is named after."
  type        = string
}

variable "domain" {
  description = "The name by which fans come."
  type        = string
}

variable "aliases" {
  description = "Further names."
  type        = list(string)
}

variable "zone_id" {
  description = "The hosted zone of the domain."
  type        = string
}

variable "certificate_arn" {
  description = "The certificate for fans, in us-east-1."
  type        = string
}

variable "origin_name" {
  description = "The name of the balancer in front of the edge."
  type        = string
}

variable "balancer_dns_name" {
  description = "The balancer."
  type        = string
}

variable "balancer_zone_id" {
  description = "Its zone."
  type        = string
}

variable "secret_header" {
  description = "The header in which CloudFront shows its secret."
  type        = string

  validation {
    condition     = can(regex("^X-[A-Za-z0-9-]{1,40}$", var.secret_header)) && !startswith(lower(var.secret_header), "x-amz") && !startswith(lower(var.secret_header), "x-forwarded")
    error_message = "secret_header has to be X-… without X-Amz… and X-Forwarded…, which CloudFront does not let be set."
  }
}

variable "secret" {
  description = "The secret."
  type        = string
  sensitive   = true
}

variable "protected_paths" {
  description = "The paths that rooms protect, as in rooms.toml."
  type        = list(string)

  validation {
    condition     = alltrue([for path in var.protected_paths : startswith(path, "/") && length(path) <= 255])
    error_message = "each of protected_paths has to begin with / and have up to 255 characters."
  }

  validation {
    condition     = length(var.protected_paths) <= 70
    error_message = "there are more than 70 protected_paths; a distribution has 75 behaviors. Protect a common path instead."
  }
}

variable "price_class" {
  description = "From where it answers: PriceClass_100 (North America, Europe), _200, or _All."
  type        = string

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class has to be PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}

variable "requests_per_address" {
  description = "Requests of one address within five minutes, beyond which it is refused for a while."
  type        = number

  validation {
    condition     = var.requests_per_address >= 5000 && var.requests_per_address <= 2000000000
    error_message = "requests_per_address has to be 5000 or more: fewer lock out offices and mobile networks that share one address."
  }
}
