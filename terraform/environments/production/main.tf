# Production: three of everything, ready for 100,000 fans after some minutes of growing, and for a million where
# `on_sales` says when (docs/cost.md).

module "stanchion" {
  source = "../../modules/system"

  name                = "stanchion"
  domain              = var.domain
  aliases             = var.aliases
  zone_id             = var.zone_id
  cidr                = "10.20.0.0/16"
  availability_zones  = var.availability_zones
  single_nat_gateway  = false
  image_tag           = var.image_tag
  rooms_toml          = file("${path.root}/${var.rooms_file}")
  on_sales            = var.on_sales
  alert_emails        = var.alert_emails
  first_secrets       = var.first_secrets
  deletion_protection = var.deletion_protection

  edge = {
    cpu         = 1024
    memory      = 2048
    tasks_min   = 3
    tasks_max   = 60
    sockets_max = 30000
  }

  shop = merge(var.shop, {
    cpu       = 1024
    memory    = 2048
    tasks_min = 2
    tasks_max = 20
  })

  line = {
    node_type = "cache.r7g.large"
    shards    = 1
    replicas  = 2
  }

  inventory = {
    node_type = "cache.m7g.large"
    replicas  = 1
  }

  database = {
    instance_class = "db.r7g.large"
    readers        = 1
  }
}
