variable "name" {
  description = "What every secret's name begins with; also the name of the ECS cluster."
  type        = string
}

variable "domain" {
  description = "The name by which fans reach the distribution, which the rotation of the CDN's secret has to find."
  type        = string
}

variable "cdn_header" {
  description = "The header in which CloudFront shows its secret."
  type        = string
}

variable "database_id" {
  description = "The database, which has to be there before its password can be rotated."
  type        = string
}

variable "cache_arns" {
  description = "The Redis of `line` and of `inventory`, whose passwords are rotated."
  type        = map(string)
}

variable "first_values" {
  description = "The first values, which terraform/deploy makes up. Written once and kept in no state; later ones are not looked at."
  type = object({
    line_keys       = string
    edge_keys       = string
    cdn             = string
    admin_tokens    = string
    organiser_token = string
    database        = string
    line            = string
    inventory       = string
  })
  sensitive = true

  validation {
    condition = alltrue([for keys in [var.first_values.line_keys, var.first_values.edge_keys] :
    can(regex("^[a-z0-9-]{1,32}:[A-Za-z0-9+/]{43,}=*(,[a-z0-9-]{1,32}:[A-Za-z0-9+/]{43,}=*)+$", keys))])
    error_message = "line_keys and edge_keys have to be two entries `<id>:<at least 32 random bytes in base64>`, separated by a comma: one that signs, and one that is to sign next."
  }

  validation {
    condition     = can(regex("^[^, ]{16,},[^, ]{16,}$", var.first_values.cdn))
    error_message = "cdn has to be two secrets of at least 16 characters, separated by a comma."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9_.@-]+:(viewer|operator|admin):[^:, ]{32,}([ ,][A-Za-z0-9_.@-]+:(viewer|operator|admin):[^:, ]{32,})*$", var.first_values.admin_tokens))
    error_message = "admin_tokens have to be entries `<name>:<role>:<at least 32 characters>`, with a role out of viewer, operator and admin."
  }

  validation {
    condition     = length(var.first_values.organiser_token) >= 16
    error_message = "organiser_token has to have at least 16 characters."
  }

  validation {
    condition     = can(regex("^[A-Za-z0-9]{16,64}$", var.first_values.database))
    error_message = "database has to be 16 to 64 letters and digits."
  }

  validation {
    condition     = alltrue([for url in [var.first_values.line, var.first_values.inventory] : can(regex("^rediss(\\+cluster)?://:[A-Za-z0-9]{16,128}@[^@]+$", url))])
    error_message = "line and inventory have to be like rediss://:<16 to 128 letters and digits>@host:6379."
  }
}

variable "rotation_schedule" {
  description = "When secrets are rotated: a cron or rate expression of Secrets Manager, in UTC."
  type        = string

  validation {
    condition     = can(regex("^(cron\\(0 [0-9/*,]+ [^ ]+ [^ ]+ [^ ]+ [^ ]+\\)|rate\\([0-9]+ (hours|days)\\))$", var.rotation_schedule))
    error_message = "rotation_schedule has to be like cron(0 3 ? * 2#1 *), on the full hour, or rate(30 days)."
  }
}

variable "rotate_line_keys" {
  description = "Whether the keys of tickets are rotated by the schedule too. A key that changes while a draw is announced changes its commitment (docs/fairness.md)."
  type        = bool
}

variable "reserve_concurrency" {
  description = "Whether one of the account's concurrent Lambda executions is kept for rotations. New accounts have too few."
  type        = bool
  default     = true
}

variable "recovery_window_days" {
  description = "How long a secret that was deleted can be had back; 0 is not at all."
  type        = number

  validation {
    condition     = var.recovery_window_days == 0 || (var.recovery_window_days >= 7 && var.recovery_window_days <= 30)
    error_message = "recovery_window_days has to be 0, or 7 to 30."
  }
}

variable "dead_letters_arn" {
  description = "The queue for rotations that failed."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}

variable "key_arn" {
  description = "The key that secrets are encrypted with."
  type        = string
}
