"""Makes new accounts cheap. Moto's IAM reads AWS's managed policies for each
partition of each account, which takes a second an account: here once for each
partition. And to find the account of an access key, it would make the partitions
that nobody has used."""
from moto.core import DEFAULT_ACCOUNT_ID
from moto.iam import models

read = models.IAMBackend._init_aws_policies
kept = {}


def init_aws_policies(self):
    if self.partition not in kept:
        kept[self.partition] = read(self)
    return [own(policy, self.account_id) for policy in kept[self.partition]]


def own(policy, account):
    """A copy for an account, which counts who has it attached, and may tag it.
    copy.copy would take five times as long."""
    mine = object.__new__(type(policy))
    mine.__dict__ = {**policy.__dict__, "account_id": account, "tags": dict(policy.tags), "versions": list(policy.versions)}
    return mine


def get_account_id_from(access_key):
    for account, partitions in list(models.iam_backends.items()):
        if any(access_key in iam.access_keys for iam in list(partitions.values())):
            return account
    return DEFAULT_ACCOUNT_ID


models.IAMBackend._init_aws_policies = init_aws_policies
models.get_account_id_from = get_account_id_from
