import boto3

EVENT = "UpdateAccountPasswordPolicy"
GOOD = {"length": 14, "reuse": 24, "symbols": True, "age": 60}


def change(_):
    boto3.client("iam").update_account_password_policy(MinimumPasswordLength=6, MaxPasswordAge=60)
    return "account-password-policy"


def state(_):
    policy = boto3.client("iam").get_account_password_policy()["PasswordPolicy"]
    return {"length": policy["MinimumPasswordLength"], "reuse": policy["PasswordReusePrevention"],
            "symbols": policy["RequireSymbols"], "age": policy["MaxPasswordAge"]}
