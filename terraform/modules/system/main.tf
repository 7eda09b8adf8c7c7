# The whole: each module once, and what they tell each other. Environments differ in numbers only.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  cdn_header = "X-Edge-Secret"

  # What CloudFront and the alarms have to know of rooms.toml: Terraform reads no TOML, but these two keys begin a line.
  rooms           = flatten(regexall("(?m)^id\\s*=\\s*\"([a-z0-9-]+)\"", var.rooms_toml))
  path_lists      = flatten(regexall("(?m)^paths\\s*=\\s*\\[([^\\]]*)\\]", var.rooms_toml))
  protected_paths = distinct(flatten([for list in local.path_lists : flatten(regexall("\"(/[^\"]*)\"", list))]))

  registry = "${data.aws_caller_identity.current.account_id}.dkr.ecr.${data.aws_region.current.region}.amazonaws.com"

  collector_image = "${local.registry}/${module.registry.public_images_prefix}/aws-observability/aws-otel-collector:${var.collector_version}"
}

module "encryption" {
  source = "../encryption"

  name = var.name
}

module "network" {
  source = "../network"

  name               = var.name
  cidr               = var.cidr
  availability_zones = var.availability_zones
  single_nat_gateway = var.single_nat_gateway
  log_retention_days = var.log_retention_days
  key_arn            = module.encryption.key_arn
}

module "security" {
  source = "../security"

  name                        = var.name
  vpc_id                      = module.network.vpc_id
  endpoints_security_group_id = module.network.endpoints_security_group_id
  s3_prefix_list_id           = module.network.s3_prefix_list_id
  shop_outside_ports          = var.shop.outside_ports
  edge_secret_arns            = [for secret in ["line-keys", "edge-keys", "cdn", "admin-tokens", "line"] : module.secrets.arns[secret]]
  shop_secret_arns = concat(
    [for secret in ["edge-keys", "organiser-token", "database", "inventory"] : module.secrets.arns[secret]],
    values(var.shop.secrets),
  )
  repository_arns      = module.registry.repository_arns
  public_images_prefix = module.registry.public_images_prefix
  key_arn              = module.encryption.key_arn
  operator_sessions    = var.operator_sessions
}

module "registry" {
  source = "../registry"

  name                = var.name
  deletion_protection = var.deletion_protection
  key_arn             = module.encryption.key_arn
}

module "queue" {
  source = "../queue"

  name    = var.name
  emails  = var.alert_emails
  key_arn = module.encryption.key_arn
}

module "secrets" {
  source = "../secrets"

  name        = var.name
  domain      = var.domain
  cdn_header  = local.cdn_header
  database_id = module.database.id
  first_values = merge(var.first_secrets, {
    line      = replace(module.line.url, "://", "://:${var.first_secrets.line}@")
    inventory = replace(module.inventory.url, "://", "://:${var.first_secrets.inventory}@")
  })
  cache_arns           = { line = module.line.arn, inventory = module.inventory.arn }
  rotation_schedule    = var.rotation_schedule
  rotate_line_keys     = var.rotate_line_keys
  reserve_concurrency  = var.reserve_lambda_concurrency
  recovery_window_days = var.deletion_protection ? 30 : 0
  dead_letters_arn     = module.queue.dead_letters_arn
  log_retention_days   = var.log_retention_days
  key_arn              = module.encryption.key_arn
}

module "certificates" {
  source = "../certificates"

  zone_id = var.zone_id
  domain  = var.domain
  aliases = var.aliases
}

module "line" {
  source = "../cache"

  name                    = "${var.name}-line"
  purpose                 = "line"
  description             = "The line"
  clustered               = true
  engine                  = var.line.engine
  engine_version          = var.line.engine_version
  node_type               = var.line.node_type
  shards                  = var.line.shards
  replicas                = var.line.replicas
  subnet_ids              = module.network.data_subnet_ids
  security_group_id       = module.security.group_ids["line"]
  password                = var.first_secrets.line
  snapshot_retention_days = var.line.snapshot_retention_days
  apply_immediately       = !var.deletion_protection
  log_prefix              = var.name
  log_retention_days      = var.log_retention_days
  key_arn                 = module.encryption.key_arn
}

# The shop's own: what the edge keeps is nothing that the shop could reach. All shops share it.
module "inventory" {
  source = "../cache"

  name                    = "${var.name}-inventory"
  purpose                 = "inventory"
  description             = "Which seats are free"
  clustered               = false
  engine                  = var.inventory.engine
  engine_version          = var.inventory.engine_version
  node_type               = var.inventory.node_type
  shards                  = 1
  replicas                = var.inventory.replicas
  subnet_ids              = module.network.data_subnet_ids
  security_group_id       = module.security.group_ids["inventory"]
  password                = var.first_secrets.inventory
  snapshot_retention_days = var.inventory.snapshot_retention_days
  apply_immediately       = !var.deletion_protection
  log_prefix              = var.name
  log_retention_days      = var.log_retention_days
  key_arn                 = module.encryption.key_arn
}

module "database" {
  source = "../database"

  name                  = var.name
  engine_version        = var.database.engine_version
  instance_class        = var.database.instance_class
  serverless_capacity   = var.database.serverless_capacity
  readers               = var.database.readers
  io_optimised          = var.database.io_optimised
  backup_retention_days = var.database.backup_retention_days
  deletion_protection   = var.deletion_protection
  final_snapshot        = var.final_snapshot
  apply_immediately     = !var.deletion_protection
  password              = var.first_secrets.database
  subnet_ids            = module.network.data_subnet_ids
  security_group_id     = module.security.group_ids["database"]
  log_retention_days    = var.log_retention_days
  key_arn               = module.encryption.key_arn
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

module "edge" {
  source = "../edge"

  name                       = var.name
  cluster_arn                = aws_ecs_cluster.this.arn
  image                      = "${module.registry.repository_urls["edge"]}:${var.image_tag}"
  collector_image            = local.collector_image
  cpu                        = var.edge.cpu
  memory                     = var.edge.memory
  cpu_architecture           = var.cpu_architecture
  tasks_min                  = var.edge.tasks_min
  sockets_max                = var.edge.sockets_max
  joins_per_minute           = var.edge.joins_per_minute
  joins_burst                = var.edge.joins_burst
  rooms_toml                 = var.rooms_toml
  line_url                   = module.line.url
  shop_address               = module.shop.address
  shop_name                  = module.certificates.shop_name
  cdn_header                 = local.cdn_header
  public_cidrs               = module.network.public_cidrs
  certificate_arn            = module.certificates.edge_arn
  vpc_id                     = module.network.vpc_id
  public_subnet_ids          = module.network.public_subnet_ids
  private_subnet_ids         = module.network.private_subnet_ids
  balancer_security_group_id = module.security.group_ids["edge_balancer"]
  security_group_id          = module.security.group_ids["edge"]
  start_role_arn             = module.security.start_role_arns["edge"]
  run_role_arn               = module.security.run_role_arns["edge"]
  secret_arns                = module.secrets.arns
  metrics_namespace          = module.observability.namespace
  metrics                    = module.observability.metrics
  metrics_log_group          = module.observability.metrics_log_group
  operator_sessions          = var.operator_sessions
  log_level                  = var.log_level
  log_retention_days         = var.log_retention_days
  deletion_protection        = var.deletion_protection
  key_arn                    = module.encryption.key_arn
}

module "shop" {
  source = "../shop"

  name                       = var.name
  cluster_arn                = aws_ecs_cluster.this.arn
  image                      = "${module.registry.repository_urls["shop"]}:${var.image_tag}"
  cpu                        = var.shop.cpu
  memory                     = var.shop.memory
  cpu_architecture           = var.cpu_architecture
  tasks_min                  = var.shop.tasks_min
  database_connections       = var.shop.database_connections
  database_url               = module.database.url
  domain                     = var.domain
  mail                       = var.shop.mail == null ? { server = "console", from = "Tickets <tickets@${var.domain}>", user = null } : var.shop.mail
  shop_toml_extra            = var.shop.toml
  collector_image            = local.collector_image
  metrics_namespace          = module.observability.namespace
  metrics                    = module.observability.shop_metrics
  metrics_log_group          = module.observability.metrics_log_group
  inventory_url              = module.inventory.url
  environment                = var.shop.environment
  extra_secrets              = var.shop.secrets
  certificate_arn            = module.certificates.shop_arn
  vpc_id                     = module.network.vpc_id
  private_subnet_ids         = module.network.private_subnet_ids
  balancer_security_group_id = module.security.group_ids["shop_balancer"]
  security_group_id          = module.security.group_ids["shop"]
  start_role_arn             = module.security.start_role_arns["shop"]
  run_role_arn               = module.security.run_role_arns["shop"]
  secret_arns                = module.secrets.arns
  log_level                  = var.log_level
  log_retention_days         = var.log_retention_days
  deletion_protection        = var.deletion_protection
  key_arn                    = module.encryption.key_arn
}

module "cdn" {
  source = "../cdn"

  name                 = var.name
  domain               = var.domain
  aliases              = var.aliases
  zone_id              = var.zone_id
  certificate_arn      = module.certificates.viewers_arn
  origin_name          = module.certificates.edge_name
  balancer_dns_name    = module.edge.balancer_dns_name
  balancer_zone_id     = module.edge.balancer_zone_id
  secret_header        = local.cdn_header
  secret               = module.secrets.cdn_secret
  protected_paths      = local.protected_paths
  price_class          = var.price_class
  requests_per_address = var.requests_per_address
}

module "edge_autoscaling" {
  source = "../autoscaling"

  cluster_name = aws_ecs_cluster.this.name
  service_name = module.edge.service_name
  min          = var.edge.tasks_min
  max          = var.edge.tasks_max
  on_sales     = { for name, sale in var.on_sales : name => { from = sale.from, to = sale.to, min = sale.edges } }
  # Below the most, so that there is room until the next proxy is there.
  sockets = { target = floor(var.edge.sockets_max * 0.6), namespace = module.observability.namespace }
}

module "shop_autoscaling" {
  source = "../autoscaling"

  cluster_name = aws_ecs_cluster.this.name
  service_name = module.shop.service_name
  min          = var.shop.tasks_min
  max          = var.shop.tasks_max
  on_sales     = { for name, sale in var.on_sales : name => { from = sale.from, to = sale.to, min = sale.shops } }
}

module "observability" {
  source = "../observability"

  name              = var.name
  rooms             = local.rooms
  cluster_name      = aws_ecs_cluster.this.name
  edge_tasks_min    = var.edge.tasks_min
  sockets_max       = var.edge.sockets_max
  edge_balancer     = module.edge.balancer_arn_suffix
  edge_target_group = module.edge.target_group_arn_suffix
  shop_balancer     = module.shop.balancer_arn_suffix
  shop_target_group = module.shop.target_group_arn_suffix
  caches            = { line = module.line.nodes, inventory = module.inventory.nodes }
  database          = module.database.id
  dead_letters      = module.queue.dead_letters_name
  topic_arn         = module.queue.topic_arn
  key_arn           = module.encryption.key_arn
}
