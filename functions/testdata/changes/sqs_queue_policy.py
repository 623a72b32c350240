import json

import boto3

EVENT = "SetQueueAttributes"
GOOD = ["TLSOnly"]

KEPT = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
PUBLIC = {"Sid": "PublicSend", "Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"}


def change(name):
    sqs = boto3.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Version": "2012-10-17", "Statement": [{**KEPT, "Resource": arn}, {**PUBLIC, "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    return name


def state(name):
    sqs = boto3.client("sqs")
    attributes = sqs.get_queue_attributes(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], AttributeNames=["Policy"])["Attributes"]
    return [s["Sid"] for s in json.loads(attributes["Policy"])["Statement"]]
