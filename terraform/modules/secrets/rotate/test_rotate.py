"""`python3 -m unittest discover -s terraform/modules/secrets/rotate`: the rotation against an AWS of dictionaries."""

import base64
import os
import unittest
from unittest import mock

import rotate

ARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:stanchion/"


class Aws:
    """As much of AWS as the rotation asks for."""

    class exceptions:
        class ResourceNotFoundException(Exception):
            pass

    def __init__(self, kind, value):
        self.kind = kind
        self.versions = {"v1": value}
        self.stages = {"v1": ["AWSCURRENT"], "v2": ["AWSPENDING"]}
        self.calls = []
        self.password = None
        self.passwords, self.password_since = ["old"], 1
        self.config = {"Origins": {"Items": [{"CustomHeaders": {"Items": [{"HeaderName": "x-edge-secret", "HeaderValue": "old"}]}}]}}

    def __call__(self, _service):
        return self

    def describe_secret(self, SecretId):
        return {"Name": "stanchion/" + self.kind, "VersionIdsToStages": self.stages}

    def get_secret_value(self, SecretId, VersionStage, VersionId=None):
        version = VersionId or next(name for name, stages in self.stages.items() if VersionStage in stages)
        if version not in self.versions:
            raise self.exceptions.ResourceNotFoundException
        return {"SecretString": self.versions[version], "CreatedDate": int(version[1:])}

    def put_secret_value(self, SecretId, ClientRequestToken, SecretString, VersionStages):
        self.versions[ClientRequestToken] = SecretString

    def update_secret_version_stage(self, SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId):
        self.stages = {RemoveFromVersionId: ["AWSPREVIOUS"], MoveToVersionId: ["AWSCURRENT"]}

    def modify_db_cluster(self, DBClusterIdentifier, MasterUserPassword, ApplyImmediately):
        assert DBClusterIdentifier == "books"
        self.password = MasterUserPassword

    def describe_db_clusters(self, DBClusterIdentifier):
        return {"DBClusters": [{"Status": "available"}]}

    def modify_replication_group(self, ReplicationGroupId, AuthToken, AuthTokenUpdateStrategy, ApplyImmediately):
        assert (ReplicationGroupId, AuthTokenUpdateStrategy) == ("stanchion-" + self.kind, "ROTATE")
        self.passwords = [AuthToken, *self.passwords][:2]
        self.password_since = 3

    def describe_replication_groups(self, ReplicationGroupId):
        return {"ReplicationGroups": [{"Status": "available", "AuthTokenLastModifiedDate": self.password_since}]}

    def update_service(self, cluster, service, forceNewDeployment):
        self.calls.append(service)

    def get_paginator(self, _name):
        return self

    def paginate(self):
        other = {"Id": "E0", "Aliases": {"Items": ["other.example"]}}
        return [{"DistributionList": {}}, {"DistributionList": {"Items": [other, {"Id": "E1", "Aliases": {"Items": ["tickets.example"]}}]}}]

    def get_distribution_config(self, Id):
        assert Id == "E1"
        return {"ETag": "tag", "DistributionConfig": self.config}

    def update_distribution(self, Id, IfMatch, DistributionConfig):
        assert (Id, IfMatch) == ("E1", "tag")
        self.calls.append("distribution")


ENVIRONMENT = {
    "NAME": "stanchion",
    "DATABASE": "books",
    "DOMAIN": "tickets.example",
    "HEADER": "X-Edge-Secret",
    "RESTARTS": '{"line-keys": ["edge"], "edge-keys": ["shop", "edge"], "cdn": ["edge"], "database": ["shop"],'
    ' "line": ["edge"], "inventory": ["shop"]}',
}


def rotation(kind, value):
    aws = Aws(kind, value)
    with mock.patch.dict(os.environ, ENVIRONMENT), mock.patch("time.sleep"), mock.patch.object(rotate.Rotation.test, "__defaults__", (lambda _: None,)):
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret"]:
            event = {"SecretId": ARN + kind, "ClientRequestToken": "v2", "Step": step}
            rotate.handler(event, None, aws)
            rotate.handler(event, None, aws)  # Secrets Manager may ask twice
    return aws


class Rotating(unittest.TestCase):
    def test_what_signs_next_was_known_before(self):
        value = "a:c2VjcmV0,b:c2VjcmV0"
        for _ in range(12):
            known = value.split(",")
            value = rotate.rotated(rotate.EDGE_KEYS, value)
            entries = value.split(",")
            self.assertEqual(entries[0], known[1])
            self.assertIn(known[0], entries)
            self.assertLessEqual(len(entries), rotate.KEYS_KEPT)
            self.assertEqual(len({entry.split(":")[0] for entry in entries}), len(entries))
            self.assertEqual(len(base64.b64decode(entries[1].split(":")[1])), 32)

    def test_one_key_alone_goes_on_signing(self):
        self.assertTrue(rotate.rotated(rotate.LINE_KEYS, "a:c2VjcmV0").startswith("a:c2VjcmV0,"))

    def test_the_algorithm_of_tokens_stays(self):
        entries = rotate.rotated(rotate.LINE_KEYS, "a:eddsa:c2VjcmV0,b:eddsa:c2VjcmV0").split(",")
        self.assertTrue(all(entry.split(":")[1] == "eddsa" for entry in entries))

    def test_keys_reach_those_who_verify_before_those_who_sign(self):
        aws = rotation("edge-keys", "a:c2VjcmV0,b:c2VjcmV0")
        self.assertEqual(aws.versions[self.current(aws)].split(",")[0], "b:c2VjcmV0")
        self.assertEqual(aws.calls[:2], ["shop", "edge"])

    def test_the_cdn_shows_what_the_edge_knows_already(self):
        aws = rotation("cdn", "first-of-many-letters,second-of-many-letters")
        shown = aws.config["Origins"]["Items"][0]["CustomHeaders"]["Items"][0]["HeaderValue"]
        self.assertEqual(shown, "second-of-many-letters")
        self.assertEqual(aws.calls, ["distribution", "edge", "edge"])

    def test_the_database_has_the_password_that_the_secret_has(self):
        aws = rotation("database", "old")
        self.assertEqual(aws.versions[self.current(aws)], aws.password)
        self.assertNotEqual(aws.password, "old")
        self.assertIn("shop", aws.calls)

    def test_line_and_inventory_take_the_old_password_until_all_have_the_new_one(self):
        for kind, program, scheme in [("line", "edge", "rediss+cluster"), ("inventory", "shop", "rediss")]:
            aws = rotation(kind, f"{scheme}://:old@redis.example:6379")
            new, old = aws.passwords
            self.assertEqual(old, "old")
            self.assertRegex(new, "^[0-9a-f]{48}$")
            self.assertEqual(aws.versions[self.current(aws)], f"{scheme}://:{new}@redis.example:6379")
            self.assertEqual(set(aws.calls), {program})

    def test_a_version_that_nobody_asked_for_is_refused(self):
        with self.assertRaises(ValueError):
            rotate.handler({"SecretId": ARN, "ClientRequestToken": "v9", "Step": "createSecret"}, None, Aws("cdn", "x"))

    @staticmethod
    def current(aws):
        return next(version for version, stages in aws.stages.items() if "AWSCURRENT" in stages)


if __name__ == "__main__":
    unittest.main()
