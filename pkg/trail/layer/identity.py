"""Who makes a call, as CloudTrail's userIdentity says it.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""
import re

from moto.iam.models import get_account_id_from, iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition


class Caller:
    def __init__(self, request):
        """From the signature, in the header or (presigned) in the query."""
        credential = request.args.get("X-Amz-Credential", "")
        if not credential:
            match = re.search(r"Credential=([^,\s]+)", request.headers.get("Authorization", ""))
            credential = match.group(1) if match else ""
        parts = credential.split("/")
        signed = len(parts) == 5
        self.key = parts[0]
        self.region = parts[2] if signed else "us-east-1"
        self.scope = parts[3] if signed else "s3"
        self.partition = get_partition(self.region)
        self.account = get_account_id_from(self.key)

    def identity(self):
        if not self.key:
            return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
        return self._user() or self._role() or {
            "type": "Root", "principalId": self.account, "arn": f"arn:{self.partition}:iam::{self.account}:root",
            "accountId": self.account, "accessKeyId": self.key,
        }

    def _user(self):
        for user in list(iam_backends[self.account][self.partition].users.values()):
            if any(k.access_key_id == self.key for k in user.access_keys):
                return {
                    "type": "IAMUser", "principalId": user.id, "arn": user.arn, "accountId": self.account,
                    "accessKeyId": self.key, "userName": user.name,
                }
        return None

    def _role(self):
        for session in list(sts_backends[self.account][self.partition].assumed_roles):
            if session.access_key_id != self.key:
                continue
            issuer, _, _ = session.user_id.partition(":")
            return {
                "type": "AssumedRole", "principalId": f"{issuer}:{session.session_name}", "arn": session.arn,
                "accountId": self.account, "accessKeyId": self.key,
                "sessionContext": {
                    "sessionIssuer": {
                        "type": "Role", "principalId": issuer, "arn": session.role_arn, "accountId": self.account,
                        "userName": session.role_arn.rpartition("/")[2],
                    },
                    "attributes": {"creationDate": _created(session), "mfaAuthenticated": "false"},
                },
            }
        return None


def _created(session):
    created = session.access_key.create_date
    return created.strftime("%Y-%m-%dT%H:%M:%SZ")
