"""What Moto's EC2 lacks or gets wrong, as far as Ebb's functions need it.

Importing this module puts it right, in the emulator's own classes. What a later
Moto can do by itself can go from here.

- The block public access settings of snapshots and images, and the default key
  of EBS, are missing: nine calls, whose state is an account's in a region.
- DescribeImageAttribute of an image that is not there crashes.
- ModifyInstanceMetadataOptions resets what the call does not name.
- ModifyNetworkInterfaceAttribute takes no AssociatePublicIpAddress.
"""
from uuid import uuid4

from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError, UnvailableAMIIdError
from moto.ec2.models import EC2Backend
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_public_ip
from moto.utilities.utils import get_partition

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
MANAGED_KEY = "alias/aws/ebs"

# The settings as a new account has them: an account's and region's own are set on its backend.
EC2Backend.snapshot_block_public_access = "unblocked"
EC2Backend.image_block_public_access = "unblocked"
EC2Backend.ebs_default_kms_key_id = MANAGED_KEY


def answer(action, **members):
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in members.items())
    return f'<{action}Response xmlns="{NAMESPACE}"><requestId>{uuid4()}</requestId>{inner}</{action}Response>'


def required(response, name, allowed=None):
    """A parameter that must be there, and one of those that the service's model lists."""
    value = response._get_param(name)
    if not value:
        raise EC2ClientError("MissingParameter", f"The request must contain the parameter {name}")
    if allowed and value not in allowed:
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{value}' for {name}. Valid values: {', '.join(allowed)}")
    return value


def setting(action, member, attribute, value=None, managed=False):
    """A call that gives a setting, after it has set it to what value says."""

    def call(self):
        self.error_on_dryrun()
        if value:
            setattr(self.ec2_backend, attribute, value(self))
        members = {member: getattr(self.ec2_backend, attribute)}
        if managed:
            members["managedBy"] = "account"
        return answer(action, **members)

    return call


def key_arn(self):
    key = required(self, "KmsKeyId")
    if key.startswith("arn:"):
        return key
    return f"arn:{get_partition(self.region)}:kms:{self.region}:{self.current_account}:key/{key}"


SNAPSHOTS = ("state", "snapshot_block_public_access")
IMAGES = ("imageBlockPublicAccessState", "image_block_public_access")
KEY = ("kmsKeyId", "ebs_default_kms_key_id")
for action, name, call in (
    ("GetSnapshotBlockPublicAccessState", SNAPSHOTS, {"managed": True}),
    ("EnableSnapshotBlockPublicAccess", SNAPSHOTS, {"value": lambda r: required(r, "State", ("block-all-sharing", "block-new-sharing"))}),
    ("DisableSnapshotBlockPublicAccess", SNAPSHOTS, {"value": lambda r: "unblocked"}),
    ("GetImageBlockPublicAccessState", IMAGES, {"managed": True}),
    ("EnableImageBlockPublicAccess", IMAGES, {"value": lambda r: required(r, "ImageBlockPublicAccessState", ("block-new-sharing",))}),
    ("DisableImageBlockPublicAccess", IMAGES, {"value": lambda r: "unblocked"}),
    ("GetEbsDefaultKmsKeyId", KEY, {}),
    ("ModifyEbsDefaultKmsKeyId", KEY, {"value": key_arn}),
    ("ResetEbsDefaultKmsKeyId", KEY, {"value": lambda r: MANAGED_KEY}),
):
    setattr(EC2Response, camelcase_to_underscores(action), setting(action, *name, **call))


describe_image_attribute = EC2Backend.describe_image_attribute


def _describe_image_attribute(self, ami_id, attribute_name):
    if ami_id in self.deleted_amis:
        raise UnvailableAMIIdError(ami_id)
    if ami_id not in self.amis:
        raise InvalidAMIIdError(ami_id)
    return describe_image_attribute(self, ami_id, attribute_name)


EC2Backend.describe_image_attribute = _describe_image_attribute


def _modify_instance_metadata_options(
    self, instance_id, http_tokens=None, hop_limit=None, http_endpoint=None, dry_run=False, http_protocol=None, metadata_tags=None
):
    options = self.get_instance(instance_id).metadata_options
    for name, value in (
        ("http_tokens", http_tokens), ("http_put_response_hop_limit", hop_limit), ("http_endpoint", http_endpoint),
        ("http_protocol_ipv6", http_protocol), ("instance_metadata_tags", metadata_tags),
    ):
        if value is not None:
            setattr(options, name, value)
    return options


EC2Backend.modify_instance_metadata_options = _modify_instance_metadata_options

modify_network_interface_attribute = EC2Response.modify_network_interface_attribute


def _modify_network_interface_attribute(self):
    associate = self._get_param("AssociatePublicIpAddress")
    if associate is None:
        return modify_network_interface_attribute(self)
    self.error_on_dryrun()
    interface = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    interface.public_ip_auto_assign = str(associate).lower() == "true"
    elastic = self.ec2_backend.address_by_ip([interface.public_ip], fail_if_not_found=False) if interface.public_ip else []
    if not elastic:  # an elastic IP address stays
        interface.public_ip = random_public_ip() if interface.public_ip_auto_assign else None
    return answer("ModifyNetworkInterfaceAttribute", **{"return": "true"})


EC2Response.modify_network_interface_attribute = _modify_network_interface_attribute
