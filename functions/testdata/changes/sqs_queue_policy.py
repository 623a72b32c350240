import json

import boto3

EVENT = "SetQueueAttributes"
GOOD = ["TLSOnly"]

KEPT = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
PUBLIC = {"Sid": "PublicSend", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}


def prepare(name):
    """The new queue is good. Its creation has an event too, which must be handled before the change."""
    boto3.client("sqs").create_queue(QueueName=name)
    return name


def change(name):
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [{**KEPT, "Resource": arn}, {**PUBLIC, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return name


def state(name):
    sqs = boto3.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["Policy"])["Attributes"]
    return [s["Sid"] for s in json.loads(attributes["Policy"])["Statement"]]
