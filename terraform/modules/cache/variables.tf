variable "name" {
  description = "The name of the cluster: up to 40 letters, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,38}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name has to begin with a letter, and have up to 40 of a-z, 0-9 and single hyphens."
  }
}

variable "purpose" {
  description = "What it is for, in one word: `line` or `inventory`."
  type        = string

  validation {
    condition     = contains(["line", "inventory"], var.purpose)
    error_message = "purpose has to be line or inventory."
  }
}

variable "description" {
  description = "What it is for, in a sentence."
  type        = string
}

variable "engine" {
  description = "`redis` (what the tests run against is Redis 7.0) or `valkey`."
  type        = string

  validation {
    condition     = contains(["redis", "valkey"], var.engine)
    error_message = "engine has to be redis or valkey."
  }
}

variable "engine_version" {
  description = "7.1 of Redis, 8.x of Valkey."
  type        = string

  validation {
    condition     = can(regex("^(7\\.[01]|8\\.[0-9])$", var.engine_version))
    error_message = "engine_version has to be 7.0 or 7.1 (redis) or 8.x (valkey)."
  }

  validation {
    condition     = (var.engine == "redis") == startswith(var.engine_version, "7.")
    error_message = "redis goes with 7.0 or 7.1, valkey with 8.x."
  }
}

variable "node_type" {
  description = "The size of each node."
  type        = string

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.(micro|small|medium|large|[0-9]*xlarge)$", var.node_type))
    error_message = "node_type has to be one of ElastiCache's, such as cache.r7g.large."
  }
}

variable "clustered" {
  description = "Whether it is a cluster. Then its address leads to all nodes; else it is that of the primary, whichever that is."
  type        = bool
}

# Slots are moved only while no edge runs that has a room in them (docs/edge.md#redis).
variable "shards" {
  description = "Parts of a cluster that the slots are spread over. A room is on one of them: more shards help several rooms, not one."
  type        = number

  validation {
    condition     = var.shards >= 1 && var.shards <= 15 && floor(var.shards) == var.shards
    error_message = "shards has to be 1 to 15."
  }

  validation {
    condition     = var.clustered || var.shards == 1
    error_message = "only a cluster has more than one shard."
  }
}

variable "replicas" {
  description = "Replicas of each shard: two keep one while a zone is away."
  type        = number

  validation {
    condition     = var.replicas >= 1 && var.replicas <= 5 && floor(var.replicas) == var.replicas
    error_message = "replicas has to be 1 to 5."
  }
}

variable "subnet_ids" {
  description = "Where it is."
  type        = list(string)
}

variable "security_group_id" {
  description = "Who may ask it."
  type        = string
}

variable "password" {
  description = "The first password, which terraform/deploy makes up. Written once and kept in no state."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9]{16,128}$", var.password))
    error_message = "password has to be 16 to 128 letters and digits."
  }
}

variable "snapshot_retention_days" {
  description = "How long daily snapshots are kept; 0 makes none."
  type        = number

  validation {
    condition     = var.snapshot_retention_days >= 0 && var.snapshot_retention_days <= 35
    error_message = "snapshot_retention_days has to be 0 to 35."
  }
}

variable "apply_immediately" {
  description = "Whether changes wait for the maintenance window."
  type        = bool
}

variable "log_prefix" {
  description = "What the names of log groups begin with."
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
