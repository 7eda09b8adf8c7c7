variable "service" {
  description = "The program: `edge` or `shop`."
  type        = string

  validation {
    condition     = contains(["edge", "shop"], var.service)
    error_message = "service has to be edge or shop."
  }
}

variable "port" {
  description = "Where its metrics are, on the loopback address."
  type        = number
}

variable "image" {
  description = "The image of the AWS Distro for OpenTelemetry collector."
  type        = string
}

variable "container" {
  description = "What containers of the task have in common."
  type        = any
}

variable "mounts" {
  description = "What it mounts."
  type        = any
  default     = []
}

variable "namespace" {
  description = "The namespace of the metrics in CloudWatch."
  type        = string
}

variable "metrics" {
  description = "Which metrics are told to CloudWatch, by their dimensions. Each costs, so not all."
  type        = map(list(string))
}

variable "metrics_log_group" {
  description = "The log that they come in."
  type        = string
}
