# A network balancer: it passes bytes on, so a fan's WebSocket lives as long as its edge, and it has no warm-up for the
# minute in which everybody comes.

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_91:Its log would hold the addresses of CloudFront alone; the edge logs each request, without addresses.
  # checkov:skip=CKV2_AWS_20:Nothing listens on port 80; CloudFront leads fans to HTTPS.
  # checkov:skip=CKV2_AWS_28:The WAF is at CloudFront; a network balancer takes none.
  # checkov:skip=CKV2_AWS_76:As above.
  # checkov:skip=CKV_AWS_150:On in production, which tests/production.tftest.hcl holds; staging is deleted without asking back.
  name               = "${var.name}-edge"
  load_balancer_type = "network"
  internal           = false
  subnets            = var.public_subnet_ids
  security_groups    = [var.balancer_security_group_id]

  enable_cross_zone_load_balancing                             = true
  enable_deletion_protection                                   = var.deletion_protection
  enforce_security_group_inbound_rules_on_private_link_traffic = "on"
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378:TLS ends at the balancer; from there to the edge is the private network.
  name        = "${var.name}-edge"
  port        = 8080
  protocol    = "TCP"
  target_type = "ip"
  vpc_id      = var.vpc_id

  # A network balancer has no slow start. An edge needs none: it is asked for nothing before it has seen its line.
  # Draining: no new connections; those that are there end when the edge does, which tells its fans to go elsewhere.
  deregistration_delay   = "120"
  connection_termination = false
  preserve_client_ip     = "false"

  # What the edge says of itself is on its loopback address, where ECS asks (the container's health check). Here: does it
  # take connections? It stops doing so first thing after SIGTERM.
  health_check {
    protocol            = "TCP"
    interval            = 10
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

resource "aws_lb_listener" "tls" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "TLS"
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
  alpn_policy       = "HTTP1Only"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
