variable "zone_id" {
  description = "The public hosted zone of the domain in Route 53."
  type        = string

  validation {
    condition     = can(regex("^Z[A-Z0-9]{4,32}$", var.zone_id))
    error_message = "zone_id has to be the id of a hosted zone, such as Z0123456789ABCDEFGHIJ."
  }
}

variable "domain" {
  description = "The name by which fans come."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", var.domain)) && length(var.domain) <= 59
    error_message = "domain has to be a host name in lower case of up to 59 characters, such as tickets.example.com."
  }
}

variable "aliases" {
  description = "Further names by which fans come, in the same zone."
  type        = list(string)

  validation {
    condition     = alltrue([for alias in var.aliases : can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,63}$", alias))])
    error_message = "aliases have to be host names in lower case."
  }

  validation {
    condition     = length(var.aliases) <= 8 && length(distinct(var.aliases)) == length(var.aliases) && !contains(var.aliases, var.domain)
    error_message = "aliases have to be up to 8 names besides the domain, each once: a certificate holds 10."
  }
}
