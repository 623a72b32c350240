"""What Moto's EC2 lacks or gets wrong, as far as Ebb's functions need it.

Importing this module puts it right, in the emulator's own classes. Whatever a
later Moto can do by itself goes.

- DescribeImageAttribute of an image that is not there is an error of AWS's, not a crash.
"""
from moto.ec2.exceptions import InvalidAMIIdError, UnvailableAMIIdError
from moto.ec2.models import EC2Backend

describe_image_attribute = EC2Backend.describe_image_attribute


def _describe_image_attribute(self, ami_id, attribute_name):
    if ami_id in self.deleted_amis:
        raise UnvailableAMIIdError(ami_id)
    if ami_id not in self.amis:
        raise InvalidAMIIdError(ami_id)
    return describe_image_attribute(self, ami_id, attribute_name)


EC2Backend.describe_image_attribute = _describe_image_attribute
