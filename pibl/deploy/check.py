"""Creates the stack of pibl.yaml in an emulator (moto), in both forms, and looks at what came of it.

Run by .ci/deploy, offline. It asks what the assignment asks: one PIBL, three instances of the same application, and
nobody but the PIBL at the instances.
"""

import base64
import os
import pathlib
import sys

os.environ.update(
    AWS_ACCESS_KEY_ID="none", AWS_SECRET_ACCESS_KEY="none", AWS_DEFAULT_REGION="us-east-1", AWS_EC2_METADATA_DISABLED="true"
)

import boto3  # noqa: E402
from cfnlint.decode.cfn_yaml import load  # noqa: E402
from moto import mock_aws  # noqa: E402

HERE = pathlib.Path(__file__).parent
TEMPLATE = (HERE / "pibl.yaml").read_text()
UNIT = (HERE / "pibl.service").read_text()
SHA256 = "0" * 64


def parameters(**more):
    """Those that have no default, and what differs between the two forms."""
    ec2 = boto3.client("ec2")
    vpc = ec2.describe_vpcs()["Vpcs"][0]["VpcId"]
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    ec2.create_key_pair(KeyName="vockey")
    boto3.client("iam").create_instance_profile(InstanceProfileName="LabInstanceProfile")
    values = {
        "Vpc": vpc,
        "Subnet": subnets[0],
        "SecondSubnet": subnets[1],
        "ClientCidr": "198.51.100.0/24",
        "AdministratorCidr": "203.0.113.7/32",
        "PiblPackage": "https://example.com/pibl.tar.gz",
        "PiblPackageSha256": SHA256,
        **more,
    }
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


@mock_aws
def created(**more):
    """Creates the stack and returns what a look around shows."""
    cloud, ec2 = boto3.client("cloudformation"), boto3.client("ec2")
    cloud.create_stack(StackName="lab", TemplateBody=TEMPLATE, Parameters=parameters(**more))
    stack = cloud.describe_stacks(StackName="lab")["Stacks"][0]
    assert stack["StackStatus"] == "CREATE_COMPLETE", stack["StackStatus"]
    resources = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in cloud.list_stack_resources(StackName="lab")["StackResourceSummaries"]
    }
    user_data = ec2.describe_instance_attribute(InstanceId=resources["Pibl"], Attribute="userData")["UserData"]["Value"]
    reservations = ec2.describe_instances()["Reservations"]
    return {
        "resources": resources,
        "instances": {
            instance["InstanceId"]: instance for reservation in reservations for instance in reservation["Instances"]
        },
        "rules": {
            group["GroupId"]: group["IpPermissions"] for group in ec2.describe_security_groups()["SecurityGroups"]
        },
        "script": base64.b64decode(user_data).decode(),
        "groups": boto3.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"],
        "outputs": {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]},
    }


def look_at_doors(seen):
    """The application lets in the PIBL alone; the PIBL lets in the chosen addresses at its port."""
    pibl, application = (seen["resources"][name] for name in ("PiblSecurityGroup", "ApplicationSecurityGroup"))
    for rule in seen["rules"][application]:
        assert not rule["IpRanges"], f"the application is open to addresses: {rule}"
        assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [pibl], rule
    doors = {(rule["FromPort"], rule["IpRanges"][0]["CidrIp"]) for rule in seen["rules"][pibl]}
    assert doors == {(8080, "198.51.100.0/24"), (22, "203.0.113.7/32")}, doors


def look_at_script(script):
    """What the PIBL's instance does when it starts for the first time."""
    assert script.startswith("#!/bin/bash\n"), script[:40]
    assert UNIT in script, "the unit inside pibl.yaml is not pibl.service: copy it over"
    assert f"{SHA256}  /tmp/pibl.tar.gz" in script and "${" not in script, script
    assert len(script) < 16384, "EC2 takes 16 KiB of user data"


@mock_aws
def scaled():
    """Makes the policies and alarms of the template by hand, as the emulator makes none of a template, and lets them act."""
    autoscaling, cloudwatch, cloud = (boto3.client(name) for name in ("autoscaling", "cloudwatch", "cloudformation"))
    cloud.create_stack(StackName="lab", TemplateBody=TEMPLATE, Parameters=parameters(Scaling="yes"))
    group = autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["AutoScalingGroupName"]
    resources = load(str(HERE / "pibl.yaml"))["Resources"]
    arns = {}
    for name, resource in resources.items():
        if resource["Type"] == "AWS::AutoScaling::ScalingPolicy":
            properties = resource["Properties"]
            # The emulator carries out simple policies only: the one step of each stands for it.
            (step,) = properties["StepAdjustments"]
            autoscaling.put_scaling_policy(
                AutoScalingGroupName=group, PolicyName=name, PolicyType="SimpleScaling",
                AdjustmentType=properties["AdjustmentType"], ScalingAdjustment=step["ScalingAdjustment"],
            )
    for policy in autoscaling.describe_policies()["ScalingPolicies"]:
        arns[policy["PolicyName"]] = policy["PolicyARN"]
    for name, resource in resources.items():
        if resource["Type"] == "AWS::CloudWatch::Alarm":
            wanted = dict(resource["Properties"])
            actions = [arns[action["Ref"]] for action in wanted.pop("AlarmActions")]
            wanted["Dimensions"] = [{"Name": "AutoScalingGroupName", "Value": group}]
            cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=actions, **wanted)
    alarms = {alarm["AlarmName"]: alarm["AlarmActions"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]}
    sizes = []
    for alarm in ("TooBusy", "TooBusy", "TooIdle"):
        (action,) = alarms[alarm]
        policy = next(name for name, arn in arns.items() if arn == action)
        autoscaling.execute_policy(AutoScalingGroupName=group, PolicyName=policy)
        sizes.append(autoscaling.describe_auto_scaling_groups()["AutoScalingGroups"][0]["DesiredCapacity"])
    return sizes


def main():
    fixed = created()
    look_at_doors(fixed)
    look_at_script(fixed["script"])
    applications = [fixed["instances"][fixed["resources"][f"Application{n}"]] for n in (1, 2, 3)]
    assert len(fixed["instances"]) == 4 and not fixed["groups"], fixed["instances"].keys()
    for instance in applications:
        assert f'"{instance["PrivateIpAddress"]}:80"' in fixed["script"], "a backend is missing in pibl.toml"
    assert len({instance["ImageId"] for instance in applications}) == 1
    print(f"fixed: one PIBL and {len(applications)} instances; {fixed['outputs']['Address']}")

    scaling = created(Scaling="yes")
    look_at_doors(scaling)
    look_at_script(scaling["script"])
    (group,) = scaling["groups"]
    assert (group["MinSize"], group["MaxSize"]) == (2, 6), group
    # The emulator makes no alarms of a template; what they say is read from it.
    alarms = [r["Properties"] for r in load(str(HERE / "pibl.yaml"))["Resources"].values() if r["Type"].endswith("::Alarm")]
    rules = {(a["ComparisonOperator"], a["Threshold"], a["EvaluationPeriods"], a["Period"]) for a in alarms}
    assert rules == {("GreaterThanThreshold", 65, 3, 60), ("LessThanThreshold", 25, 10, 60)}, rules
    assert group["AutoScalingGroupName"] in scaling["script"], "the PIBL does not follow the group"
    template = load(str(HERE / "pibl.yaml"))["Resources"]["ApplicationTemplate"]["Properties"]["LaunchTemplateData"]
    assert template["Monitoring"] == {"Enabled": True}, "alarms over a minute need a figure each minute"
    sizes = scaled()
    assert sizes == [4, 6, 5], sizes
    print(f"scaling: from 2 instances, twice too busy and once too idle: {', '.join(map(str, sizes))}")
    print(f"scaling: one PIBL and a group of {group['MinSize']} to {group['MaxSize']}; {len(alarms)} alarms")


if __name__ == "__main__":
    sys.exit(main())
