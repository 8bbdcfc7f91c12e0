"""Conditions that ask for the account or the region, which ministack 1.5 compares by name instead of by value.

Replaces `_evaluate_conditions` of cloudformation.engine, wherever its package has bound it: the template tells the
local AWS from the real one by `AWS::AccountId`.
"""

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import changesets, engine, handlers, stacks

_evaluate = engine._evaluate_conditions


def install() -> None:
    """Have conditions know who and where they are."""
    for module in (engine, changesets, handlers, stacks):
        module._evaluate_conditions = _evaluate_with_pseudo_parameters


def _evaluate_with_pseudo_parameters(template: dict[str, Any], params: dict[str, Any]) -> dict[str, bool]:
    pseudo = {"AWS::AccountId": get_account_id(), "AWS::Region": get_region()}
    return _evaluate(template, {**{name: {"Value": value} for name, value in pseudo.items()}, **params})
