variable "name" {
  description = "What every resource is named after."
  type        = string
}

variable "rooms" {
  description = "The ids of the rooms, as in rooms.toml."
  type        = list(string)

  validation {
    condition     = length(var.rooms) >= 1 && length(distinct(var.rooms)) == length(var.rooms)
    error_message = "rooms have to be at least one, each once."
  }
}

variable "cluster_name" {
  description = "The ECS cluster."
  type        = string
}

variable "edge_tasks_min" {
  description = "Fewest proxies that are well."
  type        = number
}

variable "sockets_max" {
  description = "Most WebSockets of one proxy."
  type        = number
}

variable "edge_balancer" {
  description = "The balancer in front of the edge, as CloudWatch names it."
  type        = string
}

variable "edge_target_group" {
  description = "The proxies, as CloudWatch names them."
  type        = string
}

variable "shop_balancer" {
  description = "The balancer in front of the shop, as CloudWatch names it."
  type        = string
}

variable "shop_target_group" {
  description = "The shops, as CloudWatch names them."
  type        = string
}

variable "caches" {
  description = "The nodes of Redis by what they are for."
  type        = map(list(string))
}

variable "database" {
  description = "The database, as CloudWatch names it."
  type        = string
}

variable "dead_letters" {
  description = "The queue of dead letters."
  type        = string
}

variable "key_arn" {
  description = "The key that logs are encrypted with."
  type        = string
}

variable "topic_arn" {
  description = "Where alarms go."
  type        = string
}
