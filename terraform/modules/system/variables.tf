variable "name" {
  description = "What every resource is named after."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name has to begin with a letter, and have 3 to 20 of a-z, 0-9 and single hyphens: balancers have 32 in all."
  }
}

variable "domain" {
  description = "The name by which fans come, such as tickets.example.com. edge.<domain> and shop.<domain> are taken too."
  type        = string
}

variable "aliases" {
  description = "Further names by which fans come, in the same zone."
  type        = list(string)
  default     = []
}

variable "zone_id" {
  description = "The public hosted zone of the domain in Route 53."
  type        = string
}

variable "cidr" {
  description = "The addresses of the network."
  type        = string
  default     = "10.20.0.0/16"
}

variable "availability_zones" {
  description = "Three zones of the region, by name: were they looked up, a new one could move everything."
  type        = list(string)
}

variable "single_nat_gateway" {
  description = "One NAT gateway instead of three."
  type        = bool
}

variable "image_tag" {
  description = "The tag of both images, which terraform/deploy sets."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag has to be a tag other than latest: what runs must be what was deployed."
  }
}

variable "collector_version" {
  description = "The version of the AWS Distro for OpenTelemetry collector."
  type        = string
  default     = "v0.43.3"

  validation {
    condition     = can(regex("^v[0-9]+\\.[0-9]+\\.[0-9]+$", var.collector_version))
    error_message = "collector_version has to be like v0.43.3."
  }
}

variable "cpu_architecture" {
  description = "X86_64 or ARM64: what the images were built for."
  type        = string
  default     = "X86_64"
}

variable "rooms_toml" {
  description = "The rooms: the text of a rooms.toml. Its keys `id` and `paths` begin a line."
  type        = string

  validation {
    condition     = length(regexall("(?m)^\\[\\[room\\]\\]", var.rooms_toml)) >= 1
    error_message = "rooms_toml needs at least one [[room]]."
  }

  validation {
    condition     = length(regexall("(?m)^id\\s*=\\s*\"[a-z0-9-]{1,32}\"", var.rooms_toml)) == length(regexall("(?m)^\\[\\[room\\]\\]", var.rooms_toml))
    error_message = "each [[room]] needs a line id = \"…\", with up to 32 of a-z, 0-9 and -."
  }

  validation {
    condition     = length(regexall("(?m)^paths\\s*=\\s*\\[", var.rooms_toml)) >= length(regexall("(?m)^\\[\\[room\\]\\]", var.rooms_toml))
    error_message = "each [[room]] needs its paths = […], at the beginning of a line: CloudFront has to know them."
  }
}

variable "edge" {
  description = "The proxies: size of each, how many, and how many WebSockets one has at most."
  type = object({
    cpu              = optional(number, 1024)
    memory           = optional(number, 2048)
    tasks_min        = optional(number, 3)
    tasks_max        = optional(number, 60)
    sockets_max      = optional(number, 30000)
    joins_per_minute = optional(number, 600)
    joins_burst      = optional(number, 500)
  })
  default = {}
}

variable "shop" {
  description = "The shops: size of each, how many, and what they are told. `toml` has further tables of shop.toml."
  type = object({
    cpu                  = optional(number, 1024)
    memory               = optional(number, 2048)
    tasks_min            = optional(number, 2)
    tasks_max            = optional(number, 20)
    database_connections = optional(number, 16)
    mail                 = optional(object({ server = string, from = string, user = optional(string) }))
    toml                 = optional(string, "")
    environment          = optional(map(string), {})
    secrets              = optional(map(string), {})
    outside_ports        = optional(list(number), [443])
  })
  default = {}

  validation {
    condition     = var.shop.tasks_min >= 1 && var.shop.tasks_max <= 20 && var.shop.tasks_min <= var.shop.tasks_max
    error_message = "shop: tasks_min ≤ tasks_max, between 1 and 20; more would have more connections than the database takes."
  }
}

variable "line" {
  description = "The Redis of the line."
  type = object({
    engine                  = optional(string, "redis")
    engine_version          = optional(string, "7.1")
    node_type               = optional(string, "cache.r7g.large")
    shards                  = optional(number, 1)
    replicas                = optional(number, 2)
    snapshot_retention_days = optional(number, 1)
  })
  default = {}
}

variable "inventory" {
  description = "The Redis of the shop's inventory, one for all shops: a primary with replicas."
  type = object({
    engine                  = optional(string, "redis")
    engine_version          = optional(string, "7.1")
    node_type               = optional(string, "cache.m7g.large")
    replicas                = optional(number, 1)
    snapshot_retention_days = optional(number, 1)
  })
  default = {}
}

variable "database" {
  description = "Aurora PostgreSQL."
  type = object({
    engine_version        = optional(string, "15.12")
    instance_class        = optional(string, "db.r7g.large")
    serverless_capacity   = optional(object({ min = number, max = number }), { min = 0.5, max = 8 })
    readers               = optional(number, 1)
    io_optimised          = optional(bool, false)
    backup_retention_days = optional(number, 14)
  })
  default = {}
}

variable "on_sales" {
  description = "When how many proxies and shops run at least, from well before the pre-queue until the line is gone."
  type        = map(object({ from = string, to = string, edges = number, shops = number }))
  default     = {}

  validation {
    condition     = alltrue([for sale in values(var.on_sales) : sale.edges <= var.edge.tasks_max && sale.shops <= var.shop.tasks_max])
    error_message = "an on-sale has more proxies or shops than tasks_max; raise that as well."
  }
}

variable "price_class" {
  description = "From where CloudFront answers."
  type        = string
  default     = "PriceClass_100"
}

variable "requests_per_address" {
  description = "Requests of one address within five minutes, beyond which the WAF refuses it for a while."
  type        = number
  default     = 20000
}

variable "alert_emails" {
  description = "Who is told of alerts."
  type        = list(string)
}

variable "rotation_schedule" {
  description = "When secrets are rotated, in UTC. The first Tuesday of the month at 03:00 where nothing is said; not in a sale."
  type        = string
  default     = "cron(0 3 ? * 3#1 *)"
}

variable "rotate_line_keys" {
  description = "Whether the keys of tickets are rotated by the schedule too: not where draws are announced across it."
  type        = bool
  default     = false
}

variable "reserve_lambda_concurrency" {
  description = "Whether one concurrent execution of Lambda is kept for rotations. An account that has only ten refuses that."
  type        = bool
  default     = true
}

variable "first_secrets" {
  description = "The first values of secrets, which terraform/deploy makes up. Written once, in no state."
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
}

variable "operator_sessions" {
  description = "Whether operators reach the edge's dashboard by a session of Systems Manager."
  type        = bool
  default     = true
}

variable "log_level" {
  description = "RUST_LOG."
  type        = string
  default     = "info"

  validation {
    condition     = can(regex("^(([a-z_:]+=)?(off|error|warn|info|debug|trace),?)+$", var.log_level))
    error_message = "log_level has to be like info, or like warn,proxy=debug."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([7, 14, 30, 60, 90, 180, 365, 400, 545, 731], var.log_retention_days)
    error_message = "log_retention_days has to be 7, 14, 30, 60, 90, 180, 365, 400, 545 or 731."
  }
}

variable "deletion_protection" {
  description = "Whether what holds data refuses to be deleted."
  type        = bool
}

variable "final_snapshot" {
  description = "Whether a last snapshot of the database is made when it is deleted."
  type        = bool
  default     = true
}
