import json

import boto3

EVENT = "SetTopicAttributes"
GOOD = ["TLSOnly"]

KEPT = {"Sid": "TLSOnly", "Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
PUBLIC = {"Sid": "PublicPublish", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish"}


def change(name):
    sns = boto3.client("sns")
    arn = sns.create_topic(Name=name)["TopicArn"]
    policy = {"Version": "2012-10-17", "Statement": [{**KEPT, "Resource": arn}, {**PUBLIC, "Resource": arn}]}
    sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(policy))
    return arn


def state(arn):
    return [s["Sid"] for s in json.loads(boto3.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])["Statement"]]
