import boto3

EVENT = "StopConfigurationRecorder"
GOOD = {"recording": True, "all": True, "bucket": "acme-config"}


def change(name):
    # Call by call it is not good before the last one: the root user, whose events nobody waits for, sets it up.
    config = boto3.client("config", aws_access_key_id="root", aws_secret_access_key="root")
    config.put_configuration_recorder(ConfigurationRecorder={"name": name, "roleARN": "arn:aws:iam::123456789012:role/config"})
    config.put_delivery_channel(DeliveryChannel={"name": name, "s3BucketName": "acme-config"})
    config.start_configuration_recorder(ConfigurationRecorderName=name)
    boto3.client("config").stop_configuration_recorder(ConfigurationRecorderName=name)
    return "configuration-recorder"


def state(_):
    config = boto3.client("config")
    return {
        "recording": config.describe_configuration_recorder_status()["ConfigurationRecordersStatus"][0]["recording"],
        "all": config.describe_configuration_recorders()["ConfigurationRecorders"][0]["recordingGroup"]["allSupported"],
        "bucket": config.describe_delivery_channels()["DeliveryChannels"][0]["s3BucketName"],
    }
