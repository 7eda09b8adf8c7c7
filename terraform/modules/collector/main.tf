# The collector beside a program: a container of its task. It makes nothing by itself.

locals {
  configuration = templatefile("${path.module}/collector.yaml.tftpl", {
    service      = var.service
    port         = var.port
    namespace    = var.namespace
    log_group    = var.metrics_log_group
    metrics      = sort(distinct(flatten(values(var.metrics))))
    declarations = var.metrics
  })

  container = merge(var.container, {
    name        = "collector"
    image       = var.image
    essential   = false
    environment = [{ name = "AOT_CONFIG_CONTENT", value = local.configuration }]
    mountPoints = var.mounts
    cpu         = 64
    memory      = 256
    dependsOn   = [{ containerName = var.service, condition = "START" }]
    # Without metrics nobody is woken, and nothing grows by sockets.
    restartPolicy = { enabled = true }
  })
}
