"""Completes what Moto's IAM checks: the signature of a call without a body is
over nothing, and not over what the path says."""
from moto.iam import access_control

create = access_control.IAMRequest._create_aws_request


def create_aws_request(self):
    if self._body or self._method not in ("DELETE", "GET", "HEAD"):
        return create(self)
    data, self._data = self._data, b""
    try:
        return create(self)
    finally:
        self._data = data


access_control.IAMRequest._create_aws_request = create_aws_request
