"""Where CloudTrail's records differ from what AWS's service models say.

Each table names its source:
  [UG]   CloudTrail user guide, https://docs.aws.amazon.com/awscloudtrail/latest/userguide/
  [S3]   S3 user guide, "Amazon S3 CloudTrail events",
         https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html
  [L]    Lambda developer guide, "Logging AWS Lambda API calls using AWS CloudTrail",
         https://docs.aws.amazon.com/lambda/latest/dg/logging-using-cloudtrail.html
  [TD]   recorded events of TrailDiscover, https://github.com/adanalvarez/TrailDiscover
  [CC]   recorded events of Cloud Custodian, https://github.com/cloud-custodian/cloud-custodian
  [SRT]  recorded events of Stratus Red Team, https://github.com/DataDog/stratus-red-team
The last three are in ../testdata and in /events, where tests hold the layer to them.
"""

# Calls that only read, by how their names start: CloudTrail's readOnly. All of
# [TD] agree. STS's GetSessionToken and GetFederationToken are said to write.
READS = (
    "Get", "List", "Describe", "Head", "BatchGet", "Check", "Estimate", "Lookup", "Preview", "Query", "Scan", "Search",
    "Select", "Simulate", "Test", "Validate",
)
WRITES = {("sts", "GetSessionToken"), ("sts", "GetFederationToken")}
# Other names that only read: [TD], and for KMS the log entries in its developer
# guide, https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html
ALSO_READS = {
    "kms": ("Decrypt", "DeriveSharedSecret", "Encrypt", "Generate", "ReEncrypt", "Sign", "Verify"),
    "ses": ("Send",),
    "sesv2": ("Send",),
    "sts": ("AssumeRole", "Decode"),
}


def reads(service, name):
    return (service, name) not in WRITES and name.startswith(READS + ALSO_READS.get(service, ()))


# Calls on what a resource holds are data events, which nobody gets who didn't
# ask for them. [UG] logging-data-events-with-cloudtrail.html; those on S3
# objects are the ones that have a key: see calls.py.
DATA = {
    "cloudwatch": {"PutMetricData"},
    "dynamodb": {
        "BatchExecuteStatement", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "ExecuteTransaction",
        "PutItem", "TransactGetItems", "TransactWriteItems", "UpdateItem",
    },
    "events": {"PutEvents"},
    "firehose": {"PutRecord", "PutRecordBatch"},
    "kinesis": {"PutRecord", "PutRecords", "SubscribeToShard"},
    "lambda": {"Invoke", "InvokeAsync", "InvokeWithResponseStream"},
    "logs": {"PutLogEvents"},
    "s3": {"DeleteObjects", "WriteGetObjectResponse", "CreateSession"},
    "sns": {"Publish", "PublishBatch"},
    "sqs": {
        "ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch",
        "ReceiveMessage", "SendMessage", "SendMessageBatch",
    },
    "xray": {"PutTraceSegments", "PutTelemetryRecords"},
}

# The service as eventSource names it, where that is not the endpoint's prefix.
# [TD]; api.ecr, api.sagemaker and the like lose their "api.".
SOURCES = {"cloudhsmv2": "cloudhsm", "email": "ses", "s3-control": "s3", "entitlement.marketplace": "marketplace", "tagging": "resource-groups"}

# What is done in one place for all regions is recorded in us-east-1. [UG]
# cloudtrail-concepts.html, "Global service events".
GLOBAL = {"cloudfront", "iam", "organizations", "route53"}

# Events that are named other than the call. [S3] for the first two services,
# [TD] for CloudFront's.
NAMES = {
    "s3": {
        "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
        "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
        "PutBucketNotificationConfiguration": "PutBucketNotification",
        "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    },
    "s3control": {
        "DeletePublicAccessBlock": "DeleteAccountPublicAccessBlock",
        "PutPublicAccessBlock": "PutAccountPublicAccessBlock",
    },
    "cloudfront": {
        "CreateFunction": "CreateFunction2020_05_31",
        "PublishFunction": "PublishFunction2020_05_31",
    },
}

# Lambda's older calls have their API's date in the event's name, a few a
# version too. [L], [TD]
LAMBDA_DATED = ("2015-03-31", "2017-03-31", "2017-10-31", "2018-10-31")
LAMBDA_V2 = {"AddPermission", "RemovePermission", "TagResource", "UntagResource", "UpdateFunctionCode", "UpdateFunctionConfiguration"}

# Services that keep the upper case of their members. [TD]
PASCAL = {"securityhub"}

# What stands in place of a member that the model calls sensitive, where it is
# not left out. [TD]: RDS-ModifyDBInstance, SES-PutAccountDetails, EC2-ModifyInstanceAttribute.
HIDDEN = {
    "ec2": "<sensitiveDataRemoved>",
    "rds": "HIDDEN_DUE_TO_SECURITY_REASONS",
    "sesv2": "HIDDEN_DUE_TO_SECURITY_REASONS",
    "ssm": "HIDDEN_DUE_TO_SECURITY_REASONS",
}
SENSITIVE = {("ec2", "ModifyInstanceAttribute", "value")}
# Recorded all the same. [CC]: event-cloud-trail-create-distribution.
SHOWN = {("cloudfront", "comment")}

# A denied call is recorded without its parameters, but for EC2's, and for those
# of these services, whose answer is the message. [TD]
DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
OPEN_WHEN_DENIED = {"appsync", "eks", "guardduty", "securityhub"}
DENIED_WITH_PARAMETERS = {("sts", "GetSessionToken")}

# EC2's calls have two forms, by when they were made; the model tells which: for
# the older ones, and for no other, it writes DryRun in lower case. All of [TD],
# [CC] and [SRT] agree but for the one named here, which has no DryRun.
EC2_OLD = {"CreateInstanceExportTask"}


def ec2_is_old(operation):
    dry = operation.input_shape.members.get("DryRun") if operation.input_shape else None
    return operation.name in EC2_OLD or dry is not None and dry.serialization.get("name") == "dryRun"


# The newer ones are recorded as the XML of their request, below an element that
# is named after the call. [TD]; the short name is [CC]'s.
EC2_WRAPPERS = {"DeleteTransitGatewayVpcAttachment": "DelTGwVpcAttachReq"}

# The older ones are recorded in a form that is older still. Lists are {"items": …}.
# These members have another name there, for a call or (with "") for all.
# [TD]: EC2-*; [CC]: event-cloud-trail-run-instances, -create-volume. Tags are a
# plain list inside a tagSpecificationSet: see shapes.py.
EC2_RENAMED = {
    ("", "tagSpecification"): "tagSpecificationSet",
    ("CreateNetworkAclEntry", "protocol"): "aclProtocol",
    ("CreateNetworkAclEntry", "icmp"): "icmpTypeCode",
    ("ReplaceNetworkAclEntry", "protocol"): "aclProtocol",
    ("ReplaceNetworkAclEntry", "icmp"): "icmpTypeCode",
    ("CreateVolume", "availabilityZone"): "zone",
    ("CreateTags", "resourceId"): "resourcesSet",
    ("CreateTags", "tag"): "tagSet",
    ("DeleteTags", "resourceId"): "resourcesSet",
    ("DeleteTags", "tag"): "tagSet",
    ("RunInstances", "securityGroupId"): "groupSet",
    ("RunInstances", "securityGroup"): "groupSet",
    ("StartInstances", "instanceId"): "instancesSet",
    ("StopInstances", "instanceId"): "instancesSet",
    ("TerminateInstances", "instanceId"): "instancesSet",
    ("RebootInstances", "instanceId"): "instancesSet",
}

# What a string in such a list is called.
EC2_ITEM = {
    "instancesSet": "instanceId",
    "groupSet": "groupId",
    "resourcesSet": "resourceId",
}

# What is there even when the caller did not give it. [TD], [SRT]; CreateKeyPair's
# from EC2-CreateKeyPair.
EC2_DEFAULTS = {
    "AttachVolume": {"deleteOnTermination": False},
    "AuthorizeSecurityGroupEgress": {"ipPermissions": {}},
    "AuthorizeSecurityGroupIngress": {"ipPermissions": {}},
    "CreateKeyPair": {"keyFormat": "pem"},
    "CreateNetworkAclEntry": {"icmpTypeCode": {}, "portRange": {}},
    "DeleteSnapshot": {"force": False},
    "DeleteVolume": {"reportVolumeFailure": False},
    "RevokeSecurityGroupEgress": {"ipPermissions": {}},
    "RevokeSecurityGroupIngress": {"ipPermissions": {}},
    "RunInstances": {"blockDeviceMapping": {}, "disableApiTermination": False, "monitoring": {"enabled": False}},
    "StopInstances": {"force": False},
}
EC2_DEFAULT_MEMBERS = {"IpPermission": ("groups", "ipRanges", "ipv6Ranges", "prefixListIds")}

# Set by being there. [CC]: event-cloud-trail-run-instances.
EC2_FLAGS = {"noDevice"}

# Numbers that are recorded as strings. [TD]: EC2-CreateVolume; [CC].
EC2_STRINGS = {("CreateVolume", "size")}


def sharing(params, attribute, lists):
    """Both ways to say who is let in, or no longer, are recorded as one. lists are the parameters of the flat way."""
    sets = {}
    flat = [{entry: v} for name, entry in lists for v in params.get(name, [])]
    if flat:
        sets[params.get("OperationType", "add")] = flat
    for key, entries in (params.get(attribute) or {}).items():
        sets.setdefault(key.lower(), []).extend(entries)
    return {
        key: {"items": [{k[0].lower() + k[1:]: v for k, v in e.items()} for e in entries]} for key, entries in sets.items()
    }


def modify_snapshot_attribute(params):
    """[SRT], [TD]: EC2-ModifySnapshotAttribute."""
    out = {"snapshotId": params.get("SnapshotId")}
    sets = sharing(params, "CreateVolumePermission", [("GroupNames", "Group"), ("UserIds", "UserId")])
    if sets:
        out["createVolumePermission"] = sets
    out["attributeType"] = "CREATE_VOLUME_PERMISSION"
    return out, {}


def modify_image_attribute(params):
    """[SRT]: ec2-share-ami."""
    lists = [
        ("UserGroups", "Group"), ("UserIds", "UserId"), ("OrganizationArns", "OrganizationArn"),
        ("OrganizationalUnitArns", "OrganizationalUnitArn"),
    ]
    sets = sharing(params, "LaunchPermission", lists)
    if not sets:
        return {}, params
    return {"imageId": params.get("ImageId"), "launchPermission": sets, "attributeType": "launchPermission"}, {}


def run_instances(params):
    """[CC], [TD]: EC2-RunInstances: four of the parameters describe an entry of
    the set, and the placement is not a structure."""
    first = {"ImageId": "imageId", "MinCount": "minCount", "MaxCount": "maxCount", "KeyName": "keyName"}
    out = {"instancesSet": {"items": [{first[k]: v for k, v in params.items() if k in first}]}}
    for key, value in params.get("Placement", {}).items():
        out[key[0].lower() + key[1:]] = value
    return out, {k: v for k, v in params.items() if k not in first and k != "Placement"}


# Calls whose parameters are recorded in a shape of their own. The function
# gives that, and what is left for the common rules.
EC2_SHAPES = {
    "ModifyImageAttribute": modify_image_attribute,
    "ModifySnapshotAttribute": modify_snapshot_attribute,
    "RunInstances": run_instances,
}

# S3 records the request's headers that the model knows, but for these. [TD],
# [S3]: they guard the transfer, and are no parameter of the call.
S3_NO_PARAMETER = ("content-", "x-amz-sdk-", "x-amz-checksum-", "x-amz-content-sha256", "x-amz-security-token")
