"""Completes what Moto's IAM checks of signatures: that of a call without a body
is over nothing, and not over what the path says; and a path is signed as it was
sent, with its colons escaped."""
from urllib.parse import quote

from moto.iam import access_control

create = access_control.IAMRequest._create_aws_request


def create_aws_request(self):
    data, path = self._data, self._path
    bare, mark, query = path.partition("?")
    self._path = quote(bare, safe="/-._~") + mark + query
    if not self._body and self._method in ("DELETE", "GET", "HEAD"):
        self._data = b""
    try:
        return create(self)
    finally:
        self._data, self._path = data, path


access_control.IAMRequest._create_aws_request = create_aws_request
