variable "name" {
  description = "What every resource is named after."
  type        = string
}

variable "emails" {
  description = "Who is told of alerts. Each address has to confirm once."
  type        = list(string)

  validation {
    condition     = alltrue([for email in var.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "each of emails has to be an address, such as oncall@example.com."
  }
}

variable "key_arn" {
  description = "The key that alerts are encrypted with."
  type        = string
}
