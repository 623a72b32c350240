"""What the emulator's Lambda gets wrong: it reads the revision of a RemovePermission
as a list, which no policy has, and so refuses every call that gives one."""
from moto.awslambda.responses import LambdaResponse

_remove_permission = LambdaResponse.remove_permission


def remove_permission(self):
    self.querystring["RevisionId"] = self.querystring.get("RevisionId", [""])[0]
    return _remove_permission(self)


LambdaResponse.remove_permission = remove_permission
