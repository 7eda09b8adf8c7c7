"""A Terraform provider for AWS that knows the schema and nothing else: it checks names and types, and asks nobody.

It serves `terraform validate` and, with `mock_provider`, `terraform test`. AWS_PROVIDER_SCHEMA is the file that schema.py
wrote. What only the real provider or AWS knows (values of enumerations, ARNs, quotas) it does not notice.
"""

import json
import os
import sys

import tf.provider
import tf.runner
from tf.gen import tfplugin_pb2 as wire
from tf.gen import tfplugin_pb2_grpc as rpc

NESTING = {"single": 1, "list": 2, "set": 3, "map": 4}


def block_of(content):
    block = wire.Schema.Block()
    for name, found in sorted(content["attributes"].items()):
        flags = {flag: found.get(flag, False) for flag in ("required", "optional", "computed")}
        block.attributes.append(wire.Schema.Attribute(name=name, type=json.dumps(found["type"]).encode(), **flags))
    for name, found in sorted(content["block_types"].items()):
        block.block_types.append(
            wire.Schema.NestedBlock(
                type_name=name,
                block=block_of(found["block"]),
                nesting=NESTING[found["nesting_mode"]],
                min_items=found.get("min_items", 0),
                max_items=found.get("max_items", 0),
            )
        )
    return block


def schema_of(content):
    return wire.Schema(version=0, block=block_of(content))


class SchemaOnly(rpc.ProviderServicer):
    def __init__(self, _provider=None):
        with open(os.environ["AWS_PROVIDER_SCHEMA"], encoding="utf-8") as file:
            self.schema = json.load(file)
        self.capabilities = wire.ServerCapabilities(get_provider_schema_optional=True)

    def GetMetadata(self, _request, _context):
        answer = wire.GetMetadata.Response(server_capabilities=self.capabilities)
        for kind in self.schema["resource_schemas"]:
            answer.resources.append(wire.GetMetadata.ResourceMetadata(type_name=kind))
        for kind in self.schema["data_source_schemas"]:
            answer.data_sources.append(wire.GetMetadata.DataSourceMetadata(type_name=kind))
        return answer

    def GetProviderSchema(self, _request, _context):
        answer = wire.GetProviderSchema.Response(server_capabilities=self.capabilities)
        answer.provider.CopyFrom(schema_of(self.schema["provider"]))
        for kind, content in self.schema["resource_schemas"].items():
            answer.resource_schemas[kind].CopyFrom(schema_of(content))
        for kind, content in self.schema["data_source_schemas"].items():
            answer.data_source_schemas[kind].CopyFrom(schema_of(content))
        return answer

    def ValidateProviderConfig(self, _request, _context):
        return wire.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, _request, _context):
        return wire.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, _request, _context):
        return wire.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, _request, _context):
        return wire.ConfigureProvider.Response()

    def UpgradeResourceState(self, request, _context):
        return wire.UpgradeResourceState.Response(upgraded_state=wire.DynamicValue(json=request.raw_state.json))

    def GetFunctions(self, _request, _context):
        return wire.GetFunctions.Response()

    def StopProvider(self, _request, _context):
        return wire.StopProvider.Response()


class Named:
    """All that the library asks of a provider besides."""

    def full_name(self):
        return "registry.terraform.io/hashicorp/aws"


if __name__ == "__main__":
    tf.provider.ProviderServicer = SchemaOnly
    tf.runner.run_provider(Named(), sys.argv)
