variable "name" {
  description = "What every resource is named after."
  type        = string
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "image" {
  description = "The shop's image, with a tag or a digest."
  type        = string

  validation {
    condition     = can(regex("(:[A-Za-z0-9_.-]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image has to name a tag other than latest, or a digest: what runs must be what was deployed."
  }
}

variable "cpu" {
  description = "Processor units of a task: 1024 are one."
  type        = number

  validation {
    condition     = contains([512, 1024, 2048, 4096, 8192], var.cpu)
    error_message = "cpu has to be 512, 1024, 2048, 4096 or 8192."
  }
}

variable "memory" {
  description = "Memory of a task, in MiB: two to eight times `cpu`."
  type        = number

  validation {
    condition     = var.memory >= 2 * var.cpu && var.memory <= 8 * var.cpu && var.memory % 1024 == 0
    error_message = "memory has to be between two and eight times cpu, in steps of 1024 MiB: Fargate offers no other."
  }
}

variable "cpu_architecture" {
  description = "X86_64 or ARM64: what the image was built for."
  type        = string

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "cpu_architecture has to be X86_64 or ARM64."
  }
}

variable "tasks_min" {
  description = "Fewest shops."
  type        = number

  validation {
    condition     = var.tasks_min >= 1 && var.tasks_min <= 20 && floor(var.tasks_min) == var.tasks_min
    error_message = "tasks_min has to be 1 to 20."
  }
}

variable "database_connections" {
  description = "Most connections of one shop to the database; all shops together must fit it."
  type        = number

  validation {
    condition     = var.database_connections >= 2 && var.database_connections <= 200
    error_message = "database_connections has to be 2 to 200."
  }
}

variable "database_url" {
  description = "The database, without a password."
  type        = string

  validation {
    condition     = can(regex("^postgres://[^:@/]+@[^@]+[?]sslmode=verify-full", var.database_url))
    error_message = "database_url has to be postgres://user@host:port/database?sslmode=verify-full, without a password: that is a secret."
  }
}

variable "inventory_url" {
  description = "The Redis in which it is kept which seats are free."
  type        = string

  validation {
    condition     = can(regex("^rediss://[^@]+$", var.inventory_url))
    error_message = "inventory_url has to be rediss://host:port/database, over TLS and without a password."
  }
}

variable "domain" {
  description = "The name by which fans come: links in mails lead there."
  type        = string
}

variable "mail" {
  description = "The mail server, who mails are from, and how to log in there (the password is the secret STANCHION_SMTP_PASSWORD). \"console\" prints mails into the log, with the links that open accounts: for trying only."
  type        = object({ server = string, from = string, user = optional(string) })

  validation {
    condition     = can(regex("^(console|smtps://[^ \"]+|smtp://[^ \"]+)$", var.mail.server))
    error_message = "mail.server has to be smtps://host:465, smtp://host:587, or console."
  }

  validation {
    condition     = can(regex("@", var.mail.from)) && !can(regex("[\"\n\r]", var.mail.from))
    error_message = "mail.from has to be an address, such as Tickets <tickets@example.com>."
  }
}

variable "shop_toml_extra" {
  description = "Further tables of shop.toml, but for [inventory], [limits] and [mail]."
  type        = string
  default     = ""

  validation {
    condition     = var.shop_toml_extra == "" || startswith(trimspace(var.shop_toml_extra), "[") || startswith(trimspace(var.shop_toml_extra), "#")
    error_message = "shop_toml_extra has to begin with a table, such as [holds]: it is appended to shop.toml."
  }
}

variable "environment" {
  description = "Further environment variables."
  type        = map(string)
  default     = {}

  validation {
    condition     = !anytrue([for name in keys(var.environment) : can(regex("(KEY|KEYS|SECRET|TOKEN|PASSWORD)$", name))])
    error_message = "environment is readable by everybody who may look at the service; put keys, tokens and passwords into extra_secrets."
  }
}

variable "extra_secrets" {
  description = "Further environment variables that come from Secrets Manager: name to ARN."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for arn in values(var.extra_secrets) : can(regex("^arn:aws[a-z-]*:secretsmanager:", arn))])
    error_message = "extra_secrets are ARNs of Secrets Manager."
  }
}

variable "certificate_arn" {
  description = "The certificate of the balancer."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "private_subnet_ids" {
  description = "Where it is."
  type        = list(string)
}

variable "balancer_security_group_id" {
  description = "Who may ask the balancer."
  type        = string
}

variable "security_group_id" {
  description = "Who may ask the shop."
  type        = string
}

variable "start_role_arn" {
  description = "The role with which ECS starts a shop."
  type        = string
}

variable "run_role_arn" {
  description = "The role that a shop has."
  type        = string
}

variable "secret_arns" {
  description = "Secrets by name."
  type        = map(string)
}

variable "collector_image" {
  description = "The image of the AWS Distro for OpenTelemetry collector."
  type        = string
}

variable "metrics_namespace" {
  description = "The namespace of the metrics in CloudWatch."
  type        = string
}

variable "metrics" {
  description = "Which metrics are told to CloudWatch, by their dimensions."
  type        = map(list(string))
}

variable "metrics_log_group" {
  description = "The log that they come in."
  type        = string
}

variable "log_level" {
  description = "RUST_LOG."
  type        = string
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
}

variable "deletion_protection" {
  description = "Whether the balancer refuses to be deleted."
  type        = bool
}

variable "key_arn" {
  description = "The key that logs are encrypted with."
  type        = string
}
