import boto3

EVENT = "StopLogging"
GOOD = {"logging": True, "regions": True, "validation": True}


def change(name):
    boto3.client("s3").create_bucket(Bucket=name)
    trails = boto3.client("cloudtrail")
    trails.create_trail(Name=name, S3BucketName=name, IsMultiRegionTrail=True, EnableLogFileValidation=True)
    trails.stop_logging(Name=name)  # a new trail is off already: there is no moment at which it is good
    return name


def state(name):
    trails = boto3.client("cloudtrail")
    trail = trails.get_trail(Name=name)["Trail"]
    return {
        "logging": trails.get_trail_status(Name=name)["IsLogging"],
        "regions": trail["IsMultiRegionTrail"],
        "validation": trail["LogFileValidationEnabled"],
    }
