"""Rotates one secret of Stanchion in the four steps of Secrets Manager.

A list of keys is `current, next, older…`: the first signs, all are understood. A rotation makes it `next, new, current,
older…`, so what is signed from now on was understood by everybody since the rotation before. The last step starts those
anew who have the secret; ECS does that one task after the other.
"""

import base64
import datetime
import json
import os
import secrets
import time

KEYS_KEPT = 5  # the edge takes up to 8
LINE_KEYS, EDGE_KEYS, CDN, DATABASE = "line-keys", "edge-keys", "cdn", "database"
CACHES = ("line", "inventory")  # their secrets are URLs with a password


def entry_of_key_list(taken):
    """A new entry `<id>:<32 random bytes in base64>`, with an id that is not taken."""
    today = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    key_id = next(name for name in (f"{today}{suffix}" for suffix in ["", *(f"-{n}" for n in range(2, 99))]) if name not in taken)
    return f"{key_id}:{base64.b64encode(secrets.token_bytes(32)).decode()}"


def password_of(url):
    """The password of `rediss://:password@host…`."""
    return url.split("://:", 1)[1].split("@", 1)[0]


def rotated(kind, value):
    """What takes the place of a secret's value."""
    if kind == DATABASE:
        return secrets.token_hex(24)
    if kind in CACHES:
        return value.replace(f":{password_of(value)}@", f":{secrets.token_hex(24)}@")
    entries = [entry for entry in value.replace(",", " ").split() if entry]
    if kind == CDN:
        new = secrets.token_hex(24)
    else:
        new = entry_of_key_list({entry.split(":")[0] for entry in entries})
        # An entry of another algorithm stays as it is; its successor has the same.
        algorithms = {entry.split(":")[1] for entry in entries if entry.count(":") == 2}
        if algorithms == {"eddsa"}:
            key_id, secret = new.split(":")
            new = f"{key_id}:eddsa:{secret}"
    if len(entries) < 2:  # nobody knows a next one yet: this rotation only makes it known
        return ",".join([*entries, new])
    current, following, *older = entries
    return ",".join([following, new, current, *older][:KEYS_KEPT])


def with_header(config, header, value):
    """A distribution's configuration in which each origin shows `value`. None where it does so already."""
    changed = False
    for origin in config["Origins"]["Items"]:
        for custom in origin.get("CustomHeaders", {}).get("Items", []):
            if custom["HeaderName"].lower() == header.lower() and custom["HeaderValue"] != value:
                custom["HeaderValue"] = value
                changed = True
    return config if changed else None


class Rotation:
    """One secret on its way to another value; `client` makes AWS clients."""

    def __init__(self, client, secret_id, token, environment):
        self.client = client
        self.secret_id = secret_id
        self.token = token
        self.environment = environment
        self.secrets = client("secretsmanager")
        description = self.secrets.describe_secret(SecretId=secret_id)
        self.kind = description["Name"].rsplit("/", 1)[-1]
        self.stages = description["VersionIdsToStages"]

    def value(self, stage):
        return self.secrets.get_secret_value(SecretId=self.secret_id, VersionStage=stage)["SecretString"]

    def create(self):
        if "AWSPENDING" in self.stages.get(self.token, []):
            try:
                self.secrets.get_secret_value(SecretId=self.secret_id, VersionId=self.token, VersionStage="AWSPENDING")
                return  # tried before
            except self.secrets.exceptions.ResourceNotFoundException:
                pass
        self.secrets.put_secret_value(
            SecretId=self.secret_id,
            ClientRequestToken=self.token,
            SecretString=rotated(self.kind, self.value("AWSCURRENT")),
            VersionStages=["AWSPENDING"],
        )

    def cache(self):
        return self.client("elasticache").describe_replication_groups(ReplicationGroupId=self.cache_id())["ReplicationGroups"][0]

    def cache_id(self):
        return f"{self.environment['NAME']}-{self.kind}"

    def apply(self):
        if self.kind in CACHES:
            pending = self.secrets.get_secret_value(SecretId=self.secret_id, VersionStage="AWSPENDING")
            # It takes the two newest passwords. The same one twice would be both of them, and shut out who has the one of before.
            if self.cache()["AuthTokenLastModifiedDate"] < pending["CreatedDate"]:
                self.client("elasticache").modify_replication_group(
                    ReplicationGroupId=self.cache_id(),
                    AuthToken=password_of(pending["SecretString"]),
                    AuthTokenUpdateStrategy="ROTATE",
                    ApplyImmediately=True,
                )
        if self.kind == DATABASE:
            self.client("rds").modify_db_cluster(
                DBClusterIdentifier=self.environment["DATABASE"],
                MasterUserPassword=self.value("AWSPENDING"),
                ApplyImmediately=True,
            )

    def test(self, wait=time.sleep):
        if self.kind != DATABASE and self.kind not in CACHES:
            return
        for _ in range(50):
            wait(10)
            if self.kind in CACHES:
                found, password = self.cache(), "AuthTokenStatus"
            else:
                found = self.client("rds").describe_db_clusters(DBClusterIdentifier=self.environment["DATABASE"])["DBClusters"][0]
                password = "MasterUserPassword"
            if found["Status"] == "available" and password not in found.get("PendingModifiedValues", {}):
                return
        raise TimeoutError(f"{self.kind} has not taken its new password; the rotation is tried again")

    def finish(self):
        current = next(version for version, stages in self.stages.items() if "AWSCURRENT" in stages)
        if current != self.token:
            self.secrets.update_secret_version_stage(
                SecretId=self.secret_id,
                VersionStage="AWSCURRENT",
                MoveToVersionId=self.token,
                RemoveFromVersionId=current,
            )
        if self.kind == CDN:
            self.show_to_edge(self.value("AWSCURRENT").split(",")[0])
        for service in json.loads(self.environment["RESTARTS"])[self.kind]:
            self.client("ecs").update_service(
                cluster=self.environment["NAME"], service=service, forceNewDeployment=True
            )

    def show_to_edge(self, value):
        cloudfront = self.client("cloudfront")
        for page in cloudfront.get_paginator("list_distributions").paginate():
            for found in page["DistributionList"].get("Items", []):
                if self.environment["DOMAIN"] in found["Aliases"].get("Items", []):
                    answer = cloudfront.get_distribution_config(Id=found["Id"])
                    config = with_header(answer["DistributionConfig"], self.environment["HEADER"], value)
                    if config:
                        cloudfront.update_distribution(Id=found["Id"], IfMatch=answer["ETag"], DistributionConfig=config)
                    return
        raise LookupError("no distribution has the alias " + self.environment["DOMAIN"])


def handler(event, _context, client=None):
    if client is None:
        import boto3  # what Lambda brings

        client = boto3.client
    rotation = Rotation(client, event["SecretId"], event["ClientRequestToken"], os.environ)
    if event["ClientRequestToken"] not in rotation.stages:
        raise ValueError("this version of the secret is not one that waits")
    steps = {
        "createSecret": rotation.create,
        "setSecret": rotation.apply,
        "testSecret": rotation.test,
        "finishSecret": rotation.finish,
    }
    steps[event["Step"]]()
