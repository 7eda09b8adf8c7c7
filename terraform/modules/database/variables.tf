variable "name" {
  description = "The name of the cluster."
  type        = string
}

variable "engine_version" {
  description = "The version of PostgreSQL: 15 is what the tests run against."
  type        = string

  validation {
    condition     = can(regex("^1[5-7]\\.[0-9]+$", var.engine_version))
    error_message = "engine_version has to be 15, 16 or 17 with a minor version, such as 15.12."
  }
}

variable "instance_class" {
  description = "The size of each instance, or db.serverless."
  type        = string

  validation {
    condition     = can(regex("^db\\.(serverless|[a-z0-9]+\\.(medium|large|[0-9]*xlarge))$", var.instance_class))
    error_message = "instance_class has to be one of Aurora's, such as db.r7g.large, or db.serverless."
  }
}

variable "serverless_capacity" {
  description = "Between how many capacity units a serverless instance moves."
  type        = object({ min = number, max = number })
  default     = { min = 0.5, max = 8 }

  validation {
    condition = (
      var.serverless_capacity.min >= 0.5 && var.serverless_capacity.max <= 256 &&
      var.serverless_capacity.min <= var.serverless_capacity.max
    )
    error_message = "serverless_capacity has to be min ≤ max, between 0.5 and 256."
  }
}

variable "readers" {
  description = "Instances that stand by in other zones."
  type        = number

  validation {
    condition     = var.readers >= 0 && var.readers <= 14 && floor(var.readers) == var.readers
    error_message = "readers has to be 0 to 14."
  }
}

variable "io_optimised" {
  description = "Whether reading and writing are in the price of the instances: cheaper where they are over a quarter of the bill."
  type        = bool
  default     = false
}

variable "backup_retention_days" {
  description = "How far back it can be put, to the second."
  type        = number

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days has to be 1 to 35."
  }
}

variable "deletion_protection" {
  description = "Whether it refuses to be deleted."
  type        = bool
}

variable "final_snapshot" {
  description = "Whether a last snapshot is made when it is deleted."
  type        = bool
}

variable "apply_immediately" {
  description = "Whether changes wait for the maintenance window."
  type        = bool
}

variable "password" {
  description = "The first password of the shop. It is written once, and the secret's rotation changes it."
  type        = string
  sensitive   = true
}

variable "subnet_ids" {
  description = "Where it is."
  type        = list(string)
}

variable "security_group_id" {
  description = "Who may ask it."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}

variable "key_arn" {
  description = "The key that it is encrypted with."
  type        = string
}
