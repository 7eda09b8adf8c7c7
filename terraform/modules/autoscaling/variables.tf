variable "cluster_name" {
  description = "The ECS cluster."
  type        = string
}

variable "service_name" {
  description = "The service."
  type        = string
}

variable "min" {
  description = "Fewest tasks."
  type        = number

  validation {
    condition     = var.min >= 1 && floor(var.min) == var.min
    error_message = "min has to be 1 or more."
  }
}

variable "max" {
  description = "Most tasks."
  type        = number

  validation {
    condition     = var.max >= var.min && var.max <= 1000 && floor(var.max) == var.max
    error_message = "max has to be min or more, and at most 1000."
  }
}

variable "cpu_percent" {
  description = "Processor use that is aimed at."
  type        = number
  default     = 50

  validation {
    condition     = var.cpu_percent >= 10 && var.cpu_percent <= 90
    error_message = "cpu_percent has to be 10 to 90."
  }
}

variable "sockets" {
  description = "Sockets per task that are aimed at, and where the metric is. None for what has no sockets."
  type        = object({ target = number, namespace = string })
  default     = null
}

variable "on_sales" {
  description = "When at least so many tasks run. From well before the pre-queue until the line is gone, in UTC; they do not overlap."
  type        = map(object({ from = string, to = string, min = number }))

  validation {
    condition     = alltrue([for sale in values(var.on_sales) : can(formatdate("YYYY", sale.from)) && can(formatdate("YYYY", sale.to)) && endswith(sale.from, "Z") && endswith(sale.to, "Z")])
    error_message = "from and to have to be moments in UTC, such as 2027-05-01T08:00:00Z."
  }

  validation {
    condition     = alltrue([for sale in values(var.on_sales) : try(timecmp(sale.from, sale.to) < 0, true)])
    error_message = "from has to be before to."
  }

  validation {
    condition     = alltrue([for sale in values(var.on_sales) : sale.min >= 1 && sale.min <= 1000])
    error_message = "min has to be 1 to 1000."
  }

  validation {
    condition     = alltrue([for name in keys(var.on_sales) : can(regex("^[a-z0-9-]{1,32}$", name))])
    error_message = "names of on-sales have up to 32 of a-z, 0-9 and -."
  }
}
