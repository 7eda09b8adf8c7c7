variable "name" {
  description = "What every resource is named after."
  type        = string
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "image" {
  description = "The edge's image, with a tag or a digest."
  type        = string

  validation {
    condition     = can(regex("(:[A-Za-z0-9_.-]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "image has to name a tag other than latest, or a digest: what runs must be what was deployed."
  }
}

variable "collector_image" {
  description = "The image of the AWS Distro for OpenTelemetry collector."
  type        = string
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
  description = "Fewest proxies."
  type        = number

  validation {
    condition     = var.tasks_min >= 1 && var.tasks_min <= 1000 && floor(var.tasks_min) == var.tasks_min
    error_message = "tasks_min has to be 1 to 1000."
  }
}

variable "sockets_max" {
  description = "Most WebSockets of waiting fans at one proxy."
  type        = number

  validation {
    condition     = var.sockets_max >= 1000 && var.sockets_max <= 100000
    error_message = "sockets_max has to be 1000 to 100000. A balancer has about 55,000 connections to one proxy from each zone."
  }
}

variable "joins_per_minute" {
  description = "Most places a minute that one network gets at one proxy; 0 is no limit."
  type        = number

  validation {
    condition     = var.joins_per_minute >= 0
    error_message = "joins_per_minute has to be 0 or more."
  }
}

variable "joins_burst" {
  description = "How many of them at once."
  type        = number

  validation {
    condition     = var.joins_burst >= 1
    error_message = "joins_burst has to be 1 or more."
  }
}

variable "rooms_toml" {
  description = "The rooms, as in config/rooms.toml."
  type        = string

  validation {
    condition     = can(regex("(?m)^\\[\\[room\\]\\]", var.rooms_toml))
    error_message = "rooms_toml needs at least one [[room]]: the edge would not start without."
  }
}

variable "line_url" {
  description = "The URL of the line."
  type        = string

  validation {
    condition     = startswith(var.line_url, "rediss+cluster://")
    error_message = "line_url has to be rediss+cluster://host:port: the line is asked over TLS."
  }
}

variable "shop_address" {
  description = "The name of the shop's balancer."
  type        = string
}

variable "shop_name" {
  description = "The name that the certificate of the shop's balancer has."
  type        = string
}

variable "cdn_header" {
  description = "The header in which CloudFront shows its secret."
  type        = string
}

variable "public_cidrs" {
  description = "From where the balancer connects."
  type        = list(string)
}

variable "certificate_arn" {
  description = "The certificate of the balancer."
  type        = string
}

variable "vpc_id" {
  description = "The network."
  type        = string
}

variable "public_subnet_ids" {
  description = "Where the balancer is."
  type        = list(string)
}

variable "private_subnet_ids" {
  description = "Where the proxies are."
  type        = list(string)
}

variable "balancer_security_group_id" {
  description = "Who may ask the balancer."
  type        = string
}

variable "security_group_id" {
  description = "Who may ask the proxies."
  type        = string
}

variable "start_role_arn" {
  description = "The role with which ECS starts a proxy."
  type        = string
}

variable "run_role_arn" {
  description = "The role that a proxy has."
  type        = string
}

variable "secret_arns" {
  description = "Secrets by name."
  type        = map(string)
}

variable "metrics_namespace" {
  description = "The namespace of the metrics in CloudWatch."
  type        = string
}

variable "metrics" {
  description = "Which metrics are told to CloudWatch, by their dimensions. Each costs, so not all 150."
  type        = map(list(string))
}

variable "metrics_log_group" {
  description = "The log that they come in."
  type        = string
}

variable "operator_sessions" {
  description = "Whether operators may open sessions to the dashboard."
  type        = bool
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
