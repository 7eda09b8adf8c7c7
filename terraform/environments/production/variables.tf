variable "account_id" {
  description = "The AWS account, so that nothing is made in another one by mistake."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id has to be twelve digits."
  }
}

variable "region" {
  description = "The region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region has to be like eu-central-1."
  }
}

variable "availability_zones" {
  description = "Three zones of the region."
  type        = list(string)

  validation {
    condition     = alltrue([for zone in var.availability_zones : startswith(zone, var.region)])
    error_message = "availability_zones have to be of the region."
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

variable "alert_emails" {
  description = "Who is told of alerts. Each address has to confirm once."
  type        = list(string)
  default     = []
}

variable "rooms_file" {
  description = "The rooms: a rooms.toml, relative to this folder."
  type        = string
  default     = "rooms.toml"
}

variable "image_tag" {
  description = "The tag of both images, which terraform/deploy sets."
  type        = string
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

variable "on_sales" {
  description = "When how many proxies and shops run at least, from well before the pre-queue until the line is gone."
  type        = map(object({ from = string, to = string, edges = number, shops = number }))
  default     = {}
}

variable "shop" {
  description = "What the shop is told besides: see `shop` in modules/system/variables.tf."
  type = object({
    mail          = optional(object({ server = string, from = string, user = optional(string) }))
    toml          = optional(string, "")
    environment   = optional(map(string), {})
    secrets       = optional(map(string), {})
    outside_ports = optional(list(number), [443])
  })
  default = {}
}

variable "deletion_protection" {
  description = "Whether what holds data refuses to be deleted. terraform/destroy takes it away."
  type        = bool
  default     = true
}
