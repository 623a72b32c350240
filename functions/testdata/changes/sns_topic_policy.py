import json

import boto3

EVENT = "SetTopicAttributes"
GOOD = ["TLSOnly"]

KEPT = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
PUBLIC = {"Sid": "PublicPublish", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}


def prepare(name):
    """The new topic is good. Its creation has an event too, which must be handled before the change."""
    return boto3.client("sns").create_topic(Name=name)["TopicArn"]


def change(arn):
    policy = {"Version": "2012-10-17", "Statement": [{**KEPT, "Resource": arn}, {**PUBLIC, "Resource": arn}]}
    boto3.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
    return arn


def state(arn):
    return [s["Sid"] for s in json.loads(boto3.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])["Statement"]]
