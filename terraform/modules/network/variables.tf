variable "name" {
  description = "What every resource is named after."
  type        = string
}

variable "cidr" {
  description = "The addresses of the network, between a /16 and a /18: smaller ones have too few for a large sale."
  type        = string

  validation {
    condition = (
      can(cidrnetmask(var.cidr)) &&
      try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 18, false)
    )
    error_message = "cidr has to be an IPv4 network of 16 to 18 bits, such as 10.20.0.0/16."
  }

  validation {
    condition     = can(regex("^(10\\.|192\\.168\\.|172\\.(1[6-9]|2[0-9]|3[01])\\.)", var.cidr))
    error_message = "cidr has to be private (RFC 1918): within 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16."
  }
}

variable "availability_zones" {
  description = "Three zones of the region."
  type        = list(string)

  validation {
    condition     = length(var.availability_zones) == 3 && length(distinct(var.availability_zones)) == 3
    error_message = "availability_zones have to be three different zones: the line needs a majority when one is lost."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones: cheaper, and the shop reaches nobody outside while its zone is away."
  type        = bool
}

variable "log_retention_days" {
  description = "How long flow logs are kept."
  type        = number
}

variable "key_arn" {
  description = "The key that flow logs are encrypted with."
  type        = string
}
