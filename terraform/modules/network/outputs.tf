output "vpc_id" {
  description = "The network."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Where the balancer in front of the edge is."
  value       = [for zone in var.availability_zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Where edge and shop are."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]
}

output "data_subnet_ids" {
  description = "Where line and database are."
  value       = [for zone in var.availability_zones : aws_subnet.data[zone].id]
}

output "public_cidrs" {
  description = "From these the balancer connects to the edge."
  value       = [for zone in var.availability_zones : local.public[zone]]
}

output "endpoints_security_group_id" {
  description = "The group of the interface endpoints."
  value       = aws_security_group.endpoints.id
}

output "s3_prefix_list_id" {
  description = "The addresses of S3, where the layers of images are."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "nat_addresses" {
  description = "From these the shop goes out; a payment provider may want to know them."
  value       = [for address in aws_eip.nat : address.public_ip]
}
