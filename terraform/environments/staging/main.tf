# Staging: the same system, as small as it gets. It is deleted without asking back, and a zone that is lost is noticed.

module "stanchion" {
  source = "../../modules/system"

  name                       = "stanchion-staging"
  domain                     = var.domain
  aliases                    = var.aliases
  zone_id                    = var.zone_id
  cidr                       = "10.21.0.0/16"
  availability_zones         = var.availability_zones
  single_nat_gateway         = true
  image_tag                  = var.image_tag
  rooms_toml                 = file("${path.root}/${var.rooms_file}")
  on_sales                   = var.on_sales
  alert_emails               = var.alert_emails
  first_secrets              = var.first_secrets
  deletion_protection        = var.deletion_protection
  final_snapshot             = false
  reserve_lambda_concurrency = false

  edge = {
    cpu         = 512
    memory      = 1024
    tasks_min   = 1
    tasks_max   = 4
    sockets_max = 10000
  }

  shop = merge(var.shop, {
    cpu       = 512
    memory    = 1024
    tasks_min = 1
    tasks_max = 4
  })

  line = {
    node_type               = "cache.t4g.small"
    shards                  = 1
    replicas                = 1
    snapshot_retention_days = 0
  }

  inventory = {
    node_type               = "cache.t4g.small"
    replicas                = 1
    snapshot_retention_days = 0
  }

  database = {
    instance_class        = "db.serverless"
    serverless_capacity   = { min = 0.5, max = 4 }
    readers               = 0
    backup_retention_days = 7
  }
}
