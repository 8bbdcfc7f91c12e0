"""What is kept when the stack goes, and what goes with it."""

import string

import pytest

from tests.template.reading import Template


def test_state_is_kept(template: Template) -> None:
    """People's data outlives the stack and a replaced table, and can be had back as it was at any second."""
    table = template.resources["StateTable"]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    recovery = {"PointInTimeRecoveryEnabled": True}
    assert table["Properties"]["PointInTimeRecoverySpecification"] == recovery


def test_nothing_else_is_kept(template: Template) -> None:
    """A deleted stack leaves no other resource behind; what replaces one leaves no other old one."""
    left = {
        name
        for name, one in template.resources.items()
        if {one.get("DeletionPolicy", "Delete"), one.get("UpdateReplacePolicy", "Delete")} != {"Delete"}
    }
    assert left == {"StateTable"}
    assert {one["RetentionPolicy"] for one in template.of_type("AWS::Serverless::LayerVersion").values()} == {"Delete"}


@pytest.mark.parametrize("table", ["TrafficTable", "StateTable"])
def test_a_table_costs_what_is_used(template: Template, table: str) -> None:
    """Paid by request, encrypted, and what has an end goes by itself."""
    properties = template.resources[table]["Properties"]
    assert properties["BillingMode"] == "PAY_PER_REQUEST"
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_the_open_failures_can_be_asked_for(template: Template) -> None:
    """By fingerprint, in the order in which they happened; what is closed has no such attribute and costs nothing."""
    [index] = template.resources["StateTable"]["Properties"]["GlobalSecondaryIndexes"]
    assert index == {
        "IndexName": "OpenFailures",
        "KeySchema": [
            {"AttributeName": "open_fingerprint", "KeyType": "HASH"},
            {"AttributeName": "last_at", "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": "KEYS_ONLY"},
    }


def test_the_webhook_secret_is_one_that_telegram_takes(template: Template) -> None:
    """Made by AWS: 64 characters, none but A-Z, a-z, 0-9, _ and -, of which Telegram takes up to 256."""
    secret = template.resources["WebhookSecret"]["Properties"]
    made = secret["GenerateSecretString"]
    allowed = set(string.ascii_letters + string.digits + "_-")
    printable = {chr(code) for code in range(0x21, 0x7F)}
    assert made["PasswordLength"] == 64
    assert printable - set(made["ExcludeCharacters"]) == allowed
    assert "IncludeSpace" not in made
    assert "SecretString" not in secret
