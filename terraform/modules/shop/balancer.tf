# TLS, though it is inside: the balancer tells the shop the scheme of its own listener (X-Forwarded-Proto), and only for
# https the shop's cookies are `Secure`.

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_91:Edge and shop log each request, without addresses of fans; its log would hold no more but those.
  # checkov:skip=CKV2_AWS_28:Only the edge reaches it, and what reaches the edge went through the WAF.
  # checkov:skip=CKV_AWS_150:On in production, which tests/production.tftest.hcl holds; staging is deleted without asking back.
  name               = "${var.name}-shop"
  load_balancer_type = "application"
  internal           = true
  subnets            = var.private_subnet_ids
  security_groups    = [var.balancer_security_group_id]

  # Longer than the edge keeps its idle connections (50 s).
  idle_timeout               = 60
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "strictest"
  enable_deletion_protection = var.deletion_protection
  # The shop checks the edge's signature, which covers the host.
  preserve_host_header = true
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378:TLS ends at the balancer; from there to the shop is the private network.
  name        = "${var.name}-shop"
  port        = 9090
  protocol    = "HTTP"
  target_type = "ip"
  vpc_id      = var.vpc_id

  slow_start                        = 30
  deregistration_delay              = "45"
  load_balancing_algorithm_type     = "least_outstanding_requests"
  load_balancing_cross_zone_enabled = "true"

  # Whether the process lives. ECS replaces what fails this, and no new shop could do more while the database is away.
  health_check {
    path                = "/healthz"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "tls" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}
